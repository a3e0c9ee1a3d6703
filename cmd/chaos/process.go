// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/greenapi-operator/greenapi-operator/internal/sandbox"
)

// again is how long after its end a process is started again, as by the kubelet.
const again = time.Second

// kept is a process that is started again whenever it ends, until it is given up.
type kept struct {
	name, log string
	command   func() (*exec.Cmd, error)
	// failed is told of what cannot be started.
	failed func(error)

	mu sync.Mutex
	// running is nil while it is down, and stays so while held; down is closed when it has ended.
	running *sandbox.Process
	down    chan struct{}
	held    bool
	done    bool
	starts  int
}

// start starts it, unless it runs, is held down or is given up.
func (k *kept) start() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.running != nil || k.held || k.done {
		return
	}
	cmd, err := k.command()
	if err == nil {
		k.running, err = sandbox.StartProcess(k.name, k.log, cmd, func(error) { k.ended() })
	}
	if err != nil {
		k.failed(err)
		return
	}
	k.begun()
}

// adopt takes over one that was started elsewhere.
func (k *kept) adopt(pid int) (err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.running, err = sandbox.AdoptProcess(k.name, pid, func(error) { k.ended() }); err != nil {
		return err
	}
	k.begun()
	return nil
}

// begun notes that it runs. The caller holds the lock.
func (k *kept) begun() {
	k.down = make(chan struct{})
	k.starts++
}

func (k *kept) ended() {
	k.mu.Lock()
	k.running = nil
	close(k.down)
	k.mu.Unlock()
	time.AfterFunc(again, k.start)
}

// signal sends it a signal, if it runs.
func (k *kept) signal(s syscall.Signal) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.running != nil {
		k.running.Signal(s)
	}
}

// hold kills it and keeps it down, release starts it again.
func (k *kept) hold() {
	k.mu.Lock()
	k.held = true
	k.mu.Unlock()
	k.signal(syscall.SIGKILL)
	k.awaitEnd()
}

func (k *kept) release() {
	k.mu.Lock()
	k.held = false
	k.mu.Unlock()
	k.start()
}

// awaitEnd waits until it does not run: a process that was killed holds its port and its files for a moment.
func (k *kept) awaitEnd() {
	k.mu.Lock()
	down := k.down
	k.mu.Unlock()
	if down != nil {
		<-down
	}
}

// pid is the number of the process, 0 while it is down.
func (k *kept) pid() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.running == nil {
		return 0
	}
	return k.running.PID()
}

// started is how often it was started.
func (k *kept) started() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.starts
}

// giveUp ends it for good.
func (k *kept) giveUp() {
	if k == nil {
		return
	}
	k.mu.Lock()
	k.done = true
	k.mu.Unlock()
	k.signal(syscall.SIGCONT)
	k.signal(syscall.SIGKILL)
	k.awaitEnd()
}
