// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"io"
	"os"

	"golang.org/x/term"
)

// terminal is what is known of where output goes.
type terminal struct {
	// color: escape sequences are understood and wanted.
	color bool
	// width in characters; 0 where output is no terminal and lines may have any length.
	width int
	// height in lines; 0 where output is no terminal.
	height int
}

// terminalOf looks at a writer. Color is for terminals only, and for nobody who has set NO_COLOR (https://no-color.org).
func terminalOf(w io.Writer) terminal {
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return terminal{}
	}
	width, height, err := term.GetSize(int(file.Fd()))
	if err != nil || width <= 0 || height <= 0 {
		width, height = 80, 24
	}
	return terminal{color: os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb", width: width, height: height}
}

// shade is a color by its meaning.
type shade string

// The shades; each is a sequence that sets it.
const (
	shadeGood  shade = "\x1b[32m"
	shadeBusy  shade = "\x1b[33m"
	shadeBad   shade = "\x1b[31m"
	shadeFaint shade = "\x1b[2m"
	shadeBold  shade = "\x1b[1m"
)

// paint colors a text, on a terminal.
func (t terminal) paint(s shade, text string) string {
	if !t.color || text == "" || s == "" {
		return text
	}
	return string(s) + text + "\x1b[0m"
}
