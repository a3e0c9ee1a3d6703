// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// stopTime is how long a process may take to end when it is asked to. The manager finishes a call that is under way.
	stopTime = 25 * time.Second
	// quickStopTime is for those that need a control plane which is no longer there.
	quickStopTime = 2 * time.Second
	// planeStopTime is how long etcd and the API server may take.
	planeStopTime = 10 * time.Second
)

// died is the cause of a context that ended because a process of the demo did.
type died struct {
	name, how string
}

func (d *died) Error() string { return fmt.Sprintf("%s ended unexpectedly: %s", d.name, d.how) }

// process is a program that the demo runs beside itself.
type process struct {
	cmd      *exec.Cmd
	stopping atomic.Bool
	ended    chan struct{}
}

// startProcess runs a program with its output in a file. If it ends before it is stopped, onEnd is told.
func startProcess(name, logFile string, cmd *exec.Cmd, onEnd func(error)) (*process, error) {
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	// The child has its own copy of the file.
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	// In a process group of its own it does not get the terminal's Ctrl-C: the demo stops it, in the right order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("cannot start the %s: %w", name, err)
	}
	p := &process{cmd: cmd, ended: make(chan struct{})}
	go func() {
		_ = cmd.Wait()
		if !p.stopping.Load() {
			onEnd(&died{name: name, how: cmd.ProcessState.String()})
		}
		close(p.ended)
	}()
	return p, nil
}

// stop ends the process and all that it started, politely at first.
func (p *process) stop(patience time.Duration) {
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
	p.signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.signal(syscall.SIGKILL)
		<-p.ended
	}
}

// signal reaches the whole group. An error means that nobody is left.
func (p *process) signal(s syscall.Signal) {
	_ = syscall.Kill(-p.cmd.Process.Pid, s)
}
