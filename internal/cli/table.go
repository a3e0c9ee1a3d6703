// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

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

// grid lays out a table as kubectl does, with the last column cut to the terminal. Every table of the plugin is one.
type grid struct {
	terminal
	indent  int
	columns []column
	// wraps: the last column is wrapped, not cut.
	wraps bool
	// cutsAll: a line is cut as a whole, so that it fits where the columns before the last one do not. Its cells have no
	// colors.
	cutsAll bool
	// narrow words a row where the terminal is too narrow for the table; nil prints the table all the same.
	narrow func(row []gridCell) string
	shown  []int
}

// leastLast is how much of the last column is worth showing.
const leastLast = 14

const gap = 3

// print lays out rows and writes them below the names of the columns.
func (g *grid) print(out io.Writer, rows [][]gridCell) {
	g.fit(rows)
	write := g.line
	if g.narrow != nil && g.crowded() {
		write = g.narrow
	} else {
		fmt.Fprint(out, g.header())
	}
	for _, row := range rows {
		fmt.Fprint(out, write(row))
	}
}

// fit measures rows and chooses the columns that fit.
func (g *grid) fit(rows [][]gridCell) {
	for i := range g.columns {
		g.columns[i].width = displayed(g.columns[i].name)
		for _, row := range rows {
			g.columns[i].width = max(g.columns[i].width, displayed(row[i].text))
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
			case g.width > 0 && !g.cutsAll:
				text = cut(text, max(1, g.width-g.start()))
			}
			b.WriteString(g.paint(row[i].shade, text))
			break
		}
		b.WriteString(g.paint(row[i].shade, row[i].text))
		b.WriteString(strings.Repeat(" ", max(0, g.columns[i].width-displayed(row[i].text))+gap))
	}
	line := strings.TrimRight(b.String(), " ")
	if g.cutsAll {
		line = cut(line, g.width)
	}
	return line + "\n"
}
