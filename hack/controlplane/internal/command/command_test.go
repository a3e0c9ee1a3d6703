// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestOutputAndLines(t *testing.T) {
	var lines []string
	out, err := Command{
		Dir: t.TempDir(), Env: []string{"GREETING=hello"},
		Args:   []string{"sh", "-c", `echo "$GREETING"; printf 'one\n\ntwo' >&2`},
		OnLine: func(line string) { lines = append(lines, line) },
	}.Run(t.Context())
	if err != nil || out != "hello\n" {
		t.Errorf("%q, %v", out, err)
	}
	if got := strings.Join(lines, ","); got != "one,two" {
		t.Errorf("lines %q", got)
	}
}

func TestErrorHasTheTail(t *testing.T) {
	_, err := Command{Args: []string{"sh", "-c", "for i in $(seq 1 50); do echo line $i >&2; done; exit 3"}}.Run(t.Context())
	var failed *Error
	if !errors.As(err, &failed) || len(failed.Tail) != tailLines {
		t.Fatalf("error %v", err)
	}
	text := err.Error()
	if !strings.Contains(text, "exit status 3") || !strings.HasSuffix(text, "line 50") || strings.Contains(text, "line 30\n") {
		t.Errorf("text %q", text)
	}
}

func TestProgramThatDoesNotExist(t *testing.T) {
	if _, err := (Command{Args: []string{"/no/such/program"}}).Run(t.Context()); err == nil {
		t.Error("no error")
	}
}

func TestCancelEndsGrandchildren(t *testing.T) {
	// The grandchild holds the pipe open, so the pipe's end is the grandchild's.
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := os.ReadFile(pipe)
		ended <- err
	}()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := Command{
		// The shell ignores the polite signal, and its children with it.
		Args:   []string{"sh", "-c", `trap '' TERM; sleep 60 >"$0" 2>&1 & echo started >&2; exec sleep 1`, pipe},
		OnLine: func(string) { cancel() },
	}.Run(ctx)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Error("the grandchild still runs")
	}
}
