// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// StopTime is how long a process may take to end when it is asked to. The manager finishes a call that is under way.
	StopTime = 25 * time.Second
	// QuickStopTime is for those that need a control plane which is no longer there.
	QuickStopTime = 2 * time.Second
	// planeStopTime is how long etcd and the API server may take.
	planeStopTime = 10 * time.Second
)

// DiedError is the cause of a context that ended because a process did that should not.
type DiedError struct {
	Name, How string
}

func (d *DiedError) Error() string { return fmt.Sprintf("%s ended unexpectedly: %s", d.Name, d.How) }

// FreeAddress returns an address of this machine at which nobody listens.
func FreeAddress(ctx context.Context) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// Process is a program that is run beside this one.
type Process struct {
	pid      int
	stopping atomic.Bool
	ended    chan struct{}
}

// StartProcess runs a program with its output in a file. If it ends before it is stopped, onEnd is told.
func StartProcess(name, logFile string, cmd *exec.Cmd, onEnd func(error)) (*Process, error) {
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	// The child has its own copy of the file.
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	// In a process group of its own it does not get the terminal's Ctrl-C: it is stopped, in the right order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("cannot start the %s: %w", name, err)
	}
	return watch(name, cmd.Process.Pid, onEnd, func() string {
		_ = cmd.Wait()
		return cmd.ProcessState.String()
	}), nil
}

// AdoptProcess takes over a program that somebody else in this process has started, in a process group of its own, and waits for
// too. If it ends before it is stopped, onEnd is told.
func AdoptProcess(name string, pid int, onEnd func(error)) (*Process, error) {
	process, err := os.FindProcess(pid)
	if err != nil {
		return nil, fmt.Errorf("cannot take over the %s: %w", name, err)
	}
	return watch(name, pid, onEnd, func() string {
		state, err := process.Wait()
		if err != nil {
			return "whoever started it knows how" // and was the first to ask
		}
		return state.String()
	}), nil
}

func watch(name string, pid int, onEnd func(error), wait func() (how string)) *Process {
	p := &Process{pid: pid, ended: make(chan struct{})}
	go func() {
		how := wait()
		if !p.stopping.Load() {
			onEnd(&DiedError{Name: name, How: how})
		}
		close(p.ended)
	}()
	return p
}

// Stop ends the process and all that it started, politely at first.
func (p *Process) Stop(patience time.Duration) {
	if p == nil {
		return
	}
	select {
	case <-p.ended:
		// Its number may be somebody else's by now.
		return
	default:
	}
	p.stopping.Store(true)
	p.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.Signal(syscall.SIGKILL)
		<-p.ended
	}
}

// Signal sends a signal to the whole group. An error means that nobody is left.
func (p *Process) Signal(s syscall.Signal) {
	_ = syscall.Kill(-p.pid, s)
}

// PID is the number of the process.
func (p *Process) PID() int { return p.pid }
