// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress shows what is being done: a bar on a terminal, elsewhere a line once it is done.
type progress struct {
	out      *os.File
	terminal bool
	doing    string
	total    int
	started  time.Time
	bar      *progressbar.ProgressBar
}

func newProgress(out *os.File) *progress {
	return &progress{out: out, terminal: term.IsTerminal(int(out.Fd()))}
}

// track begins something that has so many steps.
func (p *progress) track(total int, format string, arguments ...any) {
	p.doing, p.total, p.started = fmt.Sprintf(format, arguments...), total, time.Now()
	if p.terminal {
		p.bar = progressbar.NewOptions(max(total, 1), progressbar.OptionSetWriter(p.out), progressbar.OptionSetDescription(p.doing),
			progressbar.OptionSetWidth(30), progressbar.OptionShowCount(), progressbar.OptionSetElapsedTime(true),
			progressbar.OptionClearOnFinish(), progressbar.OptionSetRenderBlankState(true))
	}
}

// set says how many steps are done.
func (p *progress) set(done int) {
	if p.bar != nil {
		// At the total the bar would take itself away; end does that.
		_ = p.bar.Set(min(done, p.total-1))
	}
}

// end leaves a line that says how long it took.
func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Finish()
		p.bar = nil
	}
	fmt.Fprintf(p.out, "%8.1f s  %s\n", time.Since(p.started).Seconds(), p.doing)
}
