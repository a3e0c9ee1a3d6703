// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestCheckoutIsFoundFromBelow(t *testing.T) {
	root := t.TempDir()
	below := filepath.Join(root, "cmd", "demo")
	for _, path := range []string{filepath.Join(root, "config", "crd", "bases"), below} {
		if err := os.MkdirAll(path, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if got := above(below); got != root {
		t.Errorf("got %q, want %q", got, root)
	}
	if got := above(filepath.Dir(root)); got != "" {
		t.Errorf("got %q, want nothing", got)
	}
	if _, err := FindAssets(root); err == nil || !strings.Contains(err.Error(), "make envtest") {
		t.Errorf("got %v", err)
	}
	if _, err := (Checkout{Programs: root}).Program("manager"); err == nil || !strings.Contains(err.Error(), "make build") {
		t.Errorf("got %v", err)
	}
}

func TestProcesses(t *testing.T) {
	ends := make(chan error, 1)
	log := filepath.Join(t.TempDir(), "log")
	start := func(script string) *Process {
		p, err := StartProcess("helper", log, exec.CommandContext(t.Context(), "sh", "-c", script), func(err error) { ends <- err })
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	p := start("echo going; exit 3")
	if err := <-ends; err.Error() != "helper ended unexpectedly: exit status 3" {
		t.Errorf("got %v", err)
	}
	p.Stop(time.Minute)
	if text, err := os.ReadFile(log); err != nil || string(text) != "going\n" {
		t.Errorf("got %q, %v", text, err)
	}
	// Whoever refuses to stop is killed, with all that it started.
	start("trap '' TERM; while :; do sleep 1; done").Stop(50 * time.Millisecond)
	start("sleep 60 & wait").Stop(time.Minute)
	select {
	case err := <-ends:
		t.Errorf("stopping is not unexpected: %v", err)
	default:
	}
	(*Process)(nil).Stop(time.Minute)
}

// TestAProcessIsTakenOver: whoever started it waits for it too, and either may be the first to be told.
func TestAProcessIsTakenOver(t *testing.T) {
	ends := make(chan error, 1)
	adopt := func(script string) (*Process, func()) {
		command := exec.CommandContext(t.Context(), "sh", "-c", script)
		command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		p, err := AdoptProcess("helper", command.Process.Pid, func(err error) { ends <- err })
		if err != nil {
			t.Fatal(err)
		}
		return p, func() { _ = command.Wait() }
	}
	p, wait := adopt("sleep 60 & wait")
	go wait()
	p.Signal(syscall.SIGKILL)
	if err := <-ends; !strings.HasPrefix(err.Error(), "helper ended unexpectedly: ") {
		t.Errorf("got %v", err)
	}
	p, wait = adopt("sleep 60 & wait")
	p.Stop(time.Minute)
	wait()
	select {
	case err := <-ends:
		t.Errorf("stopping is not unexpected: %v", err)
	default:
	}
}
