// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// Colors of a terminal, and how to go back to the start of a line and clear it.
const (
	bold      = "\x1b[1m"
	dim       = "\x1b[2m"
	red       = "\x1b[31m"
	green     = "\x1b[32m"
	plain     = "\x1b[0m"
	clearLine = "\r\x1b[K"
)

// lineWidth keeps a line that will be rewritten within the narrowest usual terminal: one that wraps cannot be.
const lineWidth = 79

// margin is the width of the clock in front of each line.
const margin = "          "

// narrator writes the story for a person to read. It is used by one goroutine.
type narrator struct {
	out      *audience
	terminal bool
	started  time.Time
	scenes   int
	// held and failed count the lines that were checked.
	held, failed int
}

// audience is where the story goes: secrets are hidden from it, and when nobody reads any more, onClosed is called.
type audience struct {
	io.Writer
	onClosed func()
	secrets  []string
}

// Write writes all of the text at once, with every secret replaced.
func (a *audience) Write(text []byte) (int, error) {
	shown := string(text)
	for _, secret := range a.secrets {
		shown = strings.ReplaceAll(shown, secret, "(token)")
	}
	if _, err := io.WriteString(a.Writer, shown); err != nil {
		a.onClosed()
		return 0, err
	}
	return len(text), nil
}

// newNarrator returns a narrator that uses colors, and rewrites the line under way, only on a terminal.
func newNarrator(out *os.File, onClosed func()) *narrator {
	info, err := out.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb" && os.Getenv("NO_COLOR") == ""
	return &narrator{out: &audience{Writer: out, onClosed: onClosed}, terminal: terminal, started: time.Now()}
}

func (n *narrator) color(code, text string) string {
	if !n.terminal {
		return text
	}
	return code + text + plain
}

// clock is the time since the start, in front of a line.
func (n *narrator) clock() string {
	return n.color(dim, fmt.Sprintf("%6.1f s  ", time.Since(n.started).Seconds()))
}

func (n *narrator) title(text string) {
	fmt.Fprintln(n.out, n.color(bold, text))
}

// scene begins a part of the story.
func (n *narrator) scene(title string) {
	n.scenes++
	n.heading(fmt.Sprintf("%d. %s", n.scenes, title))
}

func (n *narrator) heading(text string) {
	fmt.Fprintf(n.out, "\n%s\n", n.color(bold, text))
}

// note writes sentences that are not checked: what somebody does, or what to know.
func (n *narrator) note(sentences ...string) {
	for _, sentence := range sentences {
		fmt.Fprintf(n.out, "%s%s\n", margin, sentence)
	}
}

// showWaiting shows what is being waited for, on a terminal only: the line is replaced by its outcome.
func (n *narrator) showWaiting(text string) {
	if !n.terminal {
		return
	}
	fmt.Fprint(n.out, n.color(dim, shorten(margin+"… "+text, lineWidth)))
}

func (n *narrator) clear() {
	if n.terminal {
		fmt.Fprint(n.out, clearLine)
	}
}

// hold writes a line that was seen to hold.
func (n *narrator) hold(text string) {
	n.held++
	n.clear()
	fmt.Fprintf(n.out, "%s%s %s\n", n.clock(), n.color(green, "✔"), text)
}

// fail writes a line that did not hold, with what was seen in its place.
func (n *narrator) fail(text, expected, seen string) {
	n.failed++
	n.clear()
	fmt.Fprintf(n.out, "%s%s %s\n", n.clock(), n.color(red, "✘"), text)
	n.note("  expected: "+expected, "  seen:     "+seen)
}

// problem writes why the demo cannot go on.
func (n *narrator) problem(text string) {
	n.clear()
	fmt.Fprintf(n.out, "\n%s %s\n", n.color(red, "✘"), text)
}

// closing writes the last sentence.
func (n *narrator) closing(text string) {
	fmt.Fprintf(n.out, "\n%s\n", text)
}

// total writes how the checked lines went.
func (n *narrator) total() {
	seconds := time.Since(n.started).Seconds()
	if n.failed == 0 {
		fmt.Fprintf(n.out, "\n%s All %d lines held, in %.0f seconds.\n", n.color(green, "✔"), n.held, seconds)
		return
	}
	fmt.Fprintf(n.out, "\n%s %d of %d lines did not hold, in %.0f seconds.\n", n.color(red, "✘"), n.failed, n.held+n.failed, seconds)
}

// block writes text with its lines indented.
func (n *narrator) block(text string) {
	for line := range strings.Lines(strings.TrimRight(text, "\n")) {
		fmt.Fprintf(n.out, "  %s\n", strings.TrimRight(line, "\n"))
	}
}
