// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"io"
	"strings"
)

// screen shows a block of lines and, below it, one line of progress. On a terminal both are redrawn where they are;
// elsewhere each new one is a further line.
type screen struct {
	out io.Writer
	// still: nothing moves, for there are no escape sequences.
	still bool
	// block is how many lines are drawn above the line of progress.
	block int
	// drawn: something is on the screen, and the cursor is hidden.
	drawn bool
	// last line of progress.
	last string
}

// Sequences of ECMA-48 and, for the cursor, of the VT220, which every terminal of today has.
const (
	hideCursor  = "\x1b[?25l"
	showCursor  = "\x1b[?25h"
	eraseBelow  = "\x1b[J"
	eraseBehind = "\x1b[K"
)

// show puts a block in the place of the one before.
func (s *screen) show(lines []string) {
	if s.still {
		fmt.Fprintln(s.out, strings.Join(lines, "\n"))
		return
	}
	fmt.Fprint(s.out, s.back()+hideCursor+strings.Join(lines, "\r\n")+"\r\n")
	s.block, s.drawn, s.last = len(lines), true, ""
}

// progress puts a line in the place of the one before.
func (s *screen) progress(line string) {
	switch {
	case line == s.last:
	case s.still:
		fmt.Fprintln(s.out, line)
	default:
		fmt.Fprint(s.out, hideCursor+"\r"+line+eraseBehind)
		s.drawn = true
	}
	s.last = line
}

// clear takes everything away, and gives the cursor back.
func (s *screen) clear() {
	if s.drawn {
		fmt.Fprint(s.out, s.back()+showCursor)
	}
	s.block, s.drawn, s.last = 0, false, ""
}

// back goes to where the block begins, and erases it.
func (s *screen) back() string {
	switch {
	case !s.drawn:
		return ""
	case s.block == 0:
		return "\r" + eraseBelow
	default:
		return fmt.Sprintf("\r\x1b[%dA", s.block) + eraseBelow
	}
}
