// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package progress shows on standard error that long work goes on: a line that
// is rewritten every second on a terminal, a new line now and then in a log.
package progress

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

const (
	terminalInterval = time.Second
	logInterval      = 15 * time.Second
	// lineWidth keeps a rewritten line within the narrowest usual terminal: a
	// line that wraps cannot be rewritten.
	lineWidth = 79
	prefix    = "controlplane: "
	clearLine = "\r\x1b[K"
)

// A Meter writes progress. It is safe for use by several goroutines.
type Meter struct {
	mu       sync.Mutex
	out      io.Writer
	rewrite  bool
	interval time.Duration
	now      func() time.Time
}

// New returns a Meter for out, which rewrites its line if out is a terminal.
func New(out *os.File) *Meter {
	m := &Meter{out: out, interval: logInterval, now: time.Now}
	if info, err := out.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb" {
		m.rewrite = true
		m.interval = terminalInterval
	}
	return m
}

// NewWriter returns a Meter that writes a line to out at each interval, as
// into a log.
func NewWriter(out io.Writer, interval time.Duration) *Meter {
	return &Meter{out: out, interval: interval, now: time.Now}
}

// Say writes one line that stays.
func (m *Meter) Say(format string, args ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.erase()
	fmt.Fprintf(m.out, prefix+format+"\n", args...)
}

// Run does the work and meanwhile shows the title, the time elapsed and what
// detail returns at that moment. Detail is called from another goroutine than
// work. Nothing is written for work that ends before the first interval.
func (m *Meter) Run(title string, detail func() string, work func() error) error {
	started := m.now()
	done := make(chan struct{})
	var shown sync.WaitGroup
	shown.Go(func() {
		ticker := time.NewTicker(m.interval)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				m.show(fmt.Sprintf("%s%s: %s, %s", prefix, title, Elapsed(m.now().Sub(started)), detail()))
			}
		}
	})
	err := work()
	close(done)
	shown.Wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.erase()
	return err
}

func (m *Meter) show(line string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.rewrite {
		fmt.Fprintln(m.out, line)
		return
	}
	if len(line) > lineWidth {
		line = line[:lineWidth-3] + "..."
	}
	m.erase()
	fmt.Fprint(m.out, line)
}

// erase removes the line that is being rewritten, so that nothing of it is
// left beside what comes next. The caller holds the lock.
func (m *Meter) erase() {
	if m.rewrite {
		fmt.Fprint(m.out, clearLine)
	}
}

// Elapsed is a duration as people write it, in whole seconds: 5s, 2m05s.
func Elapsed(d time.Duration) string {
	seconds := int(d.Round(time.Second) / time.Second)
	if seconds < 60 {
		return fmt.Sprintf("%ds", seconds)
	}
	return fmt.Sprintf("%dm%02ds", seconds/60, seconds%60)
}
