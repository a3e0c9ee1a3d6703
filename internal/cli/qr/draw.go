// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package qr

import "strings"

const (
	// QuietZone is the light border that a QR code should have, in modules (ISO/IEC 18004).
	QuietZone = 4
	// LeastQuiet is the one that scanners make do with.
	LeastQuiet = 2
)

// Ink says how modules become characters.
type Ink int

const (
	// Colors sets both colors of every character, so that it is right whatever the terminal's own are.
	Colors Ink = iota
	// Light draws light modules, for light text on a dark background.
	Light
	// Dark draws dark modules, for dark text on a light background.
	Dark
)

// The colors of a code: black and white of the 256 colors, which themes leave as they are.
const (
	blackOnWhite = "\x1b[38;5;16;48;5;231m"
	noColors     = "\x1b[0m"
)

// Columns is how wide the code is with a border on each side.
func (c *Code) Columns(quiet int) int { return c.size + 2*quiet }

// Rows is how high the code is with its border: a character holds two modules, one above the other.
func (c *Code) Rows(quiet int) int { return (c.size + 2*quiet + 1) / 2 }

// Lines draws the code.
func (c *Code) Lines(quiet int, with Ink) []string {
	lines := make([]string, 0, c.Rows(quiet))
	for y := -quiet; y < c.size+quiet; y += 2 {
		var line strings.Builder
		for x := -quiet; x < c.size+quiet; x++ {
			upper, lower := c.at(x, y), c.at(x, y+1)
			if with == Light {
				upper, lower = !upper, !lower
			}
			line.WriteString(halfBlock(upper, lower))
		}
		if with == Colors {
			lines = append(lines, blackOnWhite+line.String()+noColors)
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

// Fit returns the widest border with which the code and some more lines fit on a terminal of that size; ok is false if none
// does.
func (c *Code) Fit(width, height, more int) (quiet int, ok bool) {
	for quiet = QuietZone; quiet >= LeastQuiet; quiet-- {
		if c.Columns(quiet) <= width && c.Rows(quiet)+more <= height {
			return quiet, true
		}
	}
	return LeastQuiet, false
}
