// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/util/duration"
)

// ago words how long ago something was, as kubectl does.
func ago(now, then time.Time) string {
	return duration.HumanDuration(max(0, now.Sub(then)))
}

// wrap breaks a text at spaces so that it fits a width. The text begins at one column, its further lines at another.
// Width 0 breaks nothing.
func wrap(text string, width, at, indent int) string {
	if width <= 0 {
		return text
	}
	var b strings.Builder
	used := at
	for i, word := range strings.Fields(text) {
		length := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case used+1+length > width:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			used = indent
		default:
			b.WriteString(" ")
			used++
		}
		b.WriteString(word)
		used += length
	}
	return b.String()
}

// column is one column of a grid.
type column struct {
	name string
	// spare columns are left out where the terminal is narrow, those with the greatest number first. 0 always stays.
	spare int
	width int
}

// gridCell is a text, perhaps with a color.
type gridCell struct {
	text  string
	shade shade
}

// grid lays out a table as kubectl does, with the last column cut to the terminal.
type grid struct {
	terminal
	indent  int
	columns []column
	// wraps: the last column is wrapped, not cut.
	wraps bool
	shown []int
}

// leastLast is how much of the last column is worth showing.
const leastLast = 14

const gap = 3

// fit measures rows and chooses the columns that fit.
func (g *grid) fit(rows [][]gridCell) {
	for i := range g.columns {
		g.columns[i].width = utf8.RuneCountInString(g.columns[i].name)
		for _, row := range rows {
			g.columns[i].width = max(g.columns[i].width, utf8.RuneCountInString(row[i].text))
		}
	}
	g.shown = nil
	for i := range g.columns {
		g.shown = append(g.shown, i)
	}
	for g.width > 0 && g.start()+min(leastLast, g.columns[len(g.columns)-1].width) > g.width {
		widest := slices.MaxFunc(g.shown, func(a, b int) int { return cmp.Compare(g.columns[a].spare, g.columns[b].spare) })
		if g.columns[widest].spare == 0 {
			break
		}
		g.shown = slices.DeleteFunc(g.shown, func(i int) bool { return i == widest })
	}
}

// crowded reports whether not even the columns that always stay fit.
func (g *grid) crowded() bool { return g.width > 0 && g.start()+leastLast > g.width }

// start is where the last column begins.
func (g *grid) start() int {
	at := g.indent
	for _, i := range g.shown[:len(g.shown)-1] {
		at += g.columns[i].width + gap
	}
	return at
}

// header is the line with the names of the columns.
func (g *grid) header() string {
	row := make([]gridCell, len(g.columns))
	for i, c := range g.columns {
		row[i].text = c.name
	}
	return g.line(row)
}

// line lays out one row.
func (g *grid) line(row []gridCell) string {
	var b strings.Builder
	b.WriteString(strings.Repeat(" ", g.indent))
	last := g.shown[len(g.shown)-1]
	for _, i := range g.shown {
		if i == last {
			text := row[i].text
			switch {
			case g.wraps:
				text = wrap(text, g.width, g.start(), g.start())
			case g.width > 0:
				text = cut(text, max(1, g.width-g.start()))
			}
			b.WriteString(g.paint(row[i].shade, text))
			break
		}
		b.WriteString(g.paint(row[i].shade, row[i].text))
		b.WriteString(strings.Repeat(" ", max(0, g.columns[i].width-utf8.RuneCountInString(row[i].text))+gap))
	}
	return strings.TrimRight(b.String(), " ") + "\n"
}
