// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/greenapi-operator/greenapi-operator/internal/plan"
)

// diffPrinter prints differences one after the other and counts them.
type diffPrinter struct {
	*session
	format         string
	terminal       terminal
	all            []difference
	differ, failed int
}

// add takes the next difference, and prints it if people read it.
func (p *diffPrinter) add(d difference) {
	p.all = append(p.all, d)
	switch {
	case d.err != nil:
		p.failed++
		report(p.ErrOut, d.err)
	case d.Differs:
		p.differ++
	}
	if p.format == "" {
		p.show(d)
	}
}

// end prints what is printed as a whole, and says how it went by its error.
func (p *diffPrinter) end() error {
	if p.format != "" {
		if err := p.encode(); err != nil {
			return err
		}
	}
	switch {
	case p.failed > 0:
		if len(p.all) > 1 {
			fmt.Fprintf(p.ErrOut, "%d of %d instances could not be compared\n", p.failed, len(p.all))
		}
		return errSaid
	case p.differ > 0:
		return errNo
	default:
		return nil
	}
}

func (p *diffPrinter) encode() error {
	if p.all == nil {
		p.all = []difference{}
	}
	return printStructured(p.Out, p.format, indentTwo, map[string]any{"items": p.all})
}

// show prints a difference like a unified diff. What is in order shows nothing, as kubectl diff does.
func (p *diffPrinter) show(d difference) {
	title := fmt.Sprintf("%s %s/%s", d.Kind, d.Namespace, d.Name)
	if d.err == nil && !d.Differs {
		for _, note := range d.Notes {
			fmt.Fprintf(p.ErrOut, "%s: %s\n", title, note)
		}
	}
	if d.err != nil || !d.Differs {
		return
	}
	state := d.State
	if state == "" {
		state = "being created"
	}
	line := func(s shade, format string, arguments ...any) {
		fmt.Fprintln(p.Out, p.terminal.paint(s, fmt.Sprintf(format, arguments...)))
	}
	line(shadeBold, "--- live   %s (instance %d, %s)", title, d.IDInstance, state)
	line(shadeBold, "+++ wished %s", title)
	for _, change := range d.Changes {
		if change.Observed != plan.Missing {
			line(shadeBad, "-%s: %s", change.Setting, quoted(change.Observed))
		}
		line(shadeGood, "+%s: %s", change.Setting, quoted(change.Desired))
	}
	switch d.Write {
	case writeNow:
		line(shadeBusy, "# The operator writes this: %s", d.Why)
	case writeLater:
		line(shadeBusy, "# The operator does not write this yet: %s", d.Why)
	default:
		line(shadeBusy, "# The operator does not write this: %s", d.Why)
	}
	for _, note := range d.Notes {
		line(shadeFaint, "# %s", note)
	}
}

// asItIs are values that need no quotes: numbers, and what stands in place of a value that is not shown.
var asItIs = regexp.MustCompile(`^(-?[0-9]{1,18}|\(.*\))$`)

func quoted(value string) string {
	if asItIs.MatchString(value) {
		return value
	}
	return strconv.Quote(value)
}
