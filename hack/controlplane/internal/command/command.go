// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package command runs a child process with all of its own children, hands out
// what it says line by line, and ends the whole family when the context ends.
package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

const (
	// tailLines is how much of a failed command's output its error repeats. A
	// compiler names the reason in its last lines.
	tailLines = 20
	// grace is the time from the polite signal to the one that cannot be refused.
	grace = 5 * time.Second
)

// A Command is a program to run. Only Args is required.
type Command struct {
	Dir  string
	Env  []string // added to the environment of this process
	Args []string
	// OnLine gets each line of standard error as it comes, from another goroutine
	// than the caller's.
	OnLine func(line string)
}

// An Error says that a command failed, with the last lines that it wrote to
// standard error.
type Error struct {
	Command string
	Tail    []string
	Err     error
}

func (e *Error) Error() string {
	text := fmt.Sprintf("%s: %v", e.Command, e.Err)
	if len(e.Tail) == 0 {
		return text
	}
	return text + "; its last lines:\n    " + strings.Join(e.Tail, "\n    ")
}

// Unwrap returns the reason, which may be a context's error.
func (e *Error) Unwrap() error { return e.Err }

// Run runs the command to its end and returns what it wrote to standard output.
// When the context ends first, the command and all that it has started are
// ended too, and the error wraps the context's.
func (c Command) Run(ctx context.Context) (string, error) {
	var stdout bytes.Buffer
	stderr := &lineWriter{onLine: c.OnLine}
	cmd := exec.CommandContext(ctx, c.Args[0], c.Args[1:]...)
	cmd.Dir = c.Dir
	cmd.Env = append(os.Environ(), c.Env...)
	cmd.Stdout = &stdout
	cmd.Stderr = stderr
	// The go command starts compilers and linkers. In a process group of their
	// own a single signal reaches all of them.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = grace

	err := cmd.Run()
	stderr.flush()
	if ctx.Err() != nil {
		if cmd.Process != nil {
			// Whoever ignored the polite signal is ended here. An error means that
			// nobody is left.
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		}
		err = errors.Join(ctx.Err(), err)
	}
	if err != nil {
		return "", &Error{Command: strings.Join(c.Args, " "), Tail: stderr.tail, Err: err}
	}
	return stdout.String(), nil
}

// A lineWriter cuts a stream into lines and keeps the last ones.
type lineWriter struct {
	onLine  func(string)
	partial []byte
	tail    []string
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.partial = append(w.partial, p...)
	for {
		end := bytes.IndexByte(w.partial, '\n')
		if end < 0 {
			return len(p), nil
		}
		w.line(string(w.partial[:end]))
		w.partial = w.partial[end+1:]
	}
}

func (w *lineWriter) flush() {
	if len(w.partial) > 0 {
		w.line(string(w.partial))
		w.partial = nil
	}
}

func (w *lineWriter) line(text string) {
	text = strings.TrimRight(text, "\r")
	if strings.TrimSpace(text) == "" {
		return
	}
	w.tail = append(w.tail, text)
	if len(w.tail) > tailLines {
		w.tail = w.tail[1:]
	}
	if w.onLine != nil {
		w.onLine(text)
	}
}
