// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import "strings"

// quietZone is the light border that a QR code should have, in modules (ISO/IEC 18004), and leastQuiet what scanners make
// do with.
const quietZone, leastQuiet = 4, 2

// ink says how modules become characters.
type ink int

const (
	// inkColors sets both colors of every character, so that it is right whatever the terminal's own are.
	inkColors ink = iota
	// inkLight draws light modules, for light text on a dark background.
	inkLight
	// inkDark draws dark modules, for dark text on a light background.
	inkDark
)

// The colors of a code: black and white of the 256 colors, which themes leave as they are.
const (
	qrColors = "\x1b[38;5;16;48;5;231m"
	noColors = "\x1b[0m"
)

// columns is how wide a code is with a border on each side, and rows how high: a character holds two modules, one above
// the other.
func (q *qrCode) columns(quiet int) int { return q.size + 2*quiet }

func (q *qrCode) rows(quiet int) int { return (q.size + 2*quiet + 1) / 2 }

// lines draws the code.
func (q *qrCode) lines(quiet int, with ink) []string {
	lines := make([]string, 0, q.rows(quiet))
	for y := -quiet; y < q.size+quiet; y += 2 {
		var line strings.Builder
		for x := -quiet; x < q.size+quiet; x++ {
			upper, lower := q.at(x, y), q.at(x, y+1)
			if with == inkLight {
				upper, lower = !upper, !lower
			}
			line.WriteString(halfBlock(upper, lower))
		}
		if with == inkColors {
			lines = append(lines, qrColors+line.String()+noColors)
		} else {
			lines = append(lines, line.String())
		}
	}
	return lines
}

// halfBlock is the character whose upper and lower halves have the color of the text, or not.
func halfBlock(upper, lower bool) string {
	switch {
	case upper && lower:
		return "█"
	case upper:
		return "▀"
	case lower:
		return "▄"
	default:
		return " "
	}
}

// fit returns the widest border with which the code and some more lines fit on a terminal; ok is false if none does.
func (q *qrCode) fit(t terminal, more int) (quiet int, ok bool) {
	for quiet = quietZone; quiet >= leastQuiet; quiet-- {
		if q.columns(quiet) <= t.width && q.rows(quiet)+more <= t.height {
			return quiet, true
		}
	}
	return leastQuiet, false
}
