// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// columnsOf is how many columns of a terminal a character takes: two for those of East Asia and for pictures, none for
// marks on the one before.
func columnsOf(r rune) int {
	if unicode.In(r, unicode.Mn, unicode.Me) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	default:
		return 1
	}
}

// displayed is how many columns of a terminal a text takes.
func displayed(text string) int {
	n := 0
	for _, r := range text {
		n += columnsOf(r)
	}
	return n
}

// cut shortens a line to so many columns, with … at its end; 0 or less means any number.
func cut(line string, columns int) string {
	if columns <= 0 {
		return line
	}
	var (
		out  strings.Builder
		used int
		fits string
	)
	for _, r := range line {
		used += columnsOf(r)
		if used > columns {
			return fits + "…"
		}
		out.WriteRune(r)
		if used < columns {
			fits = out.String()
		}
	}
	return line
}
