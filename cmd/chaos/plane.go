// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/greenapi-operator/greenapi-operator/internal/sandbox"
)

// plane is the control plane, whose two processes can be killed, frozen and started again. envtest knows how to start them and to
// make what they need, and not how to do that, so each of them is taken over, and started again as it was.
type plane struct {
	*sandbox.ControlPlane
	etcd, server *kept
	// data is etcd's directory, and snapshot a copy of it, "" if there is none.
	data, snapshot string
}

// takeOver takes over the processes of a control plane that was started. The plane is to be stopped after an error too.
func takeOver(control *sandbox.ControlPlane, directory string, failed func(error)) (*plane, error) {
	p := &plane{ControlPlane: control}
	take := func(name string) (k *kept, args []string, err error) {
		pid, args, err := child(name)
		if err != nil {
			return nil, nil, err
		}
		k = &kept{name: name, log: filepath.Join(directory, name+".log"), failed: failed, command: func() (*exec.Cmd, error) {
			return exec.Command(args[0], args[1:]...), nil //nolint:gosec,noctx // it is what envtest started
		}}
		return k, args, k.adopt(pid)
	}
	var args []string
	var err error
	if p.server, _, err = take(sandbox.NameServer); err != nil {
		return p, err
	}
	if p.etcd, args, err = take(sandbox.NameEtcd); err != nil {
		return p, err
	}
	for _, arg := range args {
		if value, ok := strings.CutPrefix(arg, "--data-dir="); ok {
			p.data = value
		}
	}
	if p.data == "" {
		return p, errors.New("etcd was started without --data-dir")
	}
	return p, nil
}

// child finds a process that this one started, by its program.
func child(program string) (pid int, args []string, err error) {
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0, nil, err
	}
	for _, directory := range all {
		stat, err := os.ReadFile(filepath.Join(directory, "stat"))
		if err != nil {
			continue // it has ended
		}
		// The parent is the second field after the name, which stands in brackets and may hold anything.
		_, rest, _ := bytes.Cut(stat, []byte(") "))
		fields := strings.Fields(string(rest))
		line, err := os.ReadFile(filepath.Join(directory, "cmdline"))
		if err != nil || len(fields) < 2 || fields[1] != strconv.Itoa(os.Getpid()) {
			continue
		}
		args := strings.Split(strings.TrimSuffix(string(line), "\x00"), "\x00")
		if filepath.Base(args[0]) == program {
			pid, err := strconv.Atoi(filepath.Base(directory))
			return pid, args, err
		}
	}
	return 0, nil, fmt.Errorf("%s is not among the processes that were started", program)
}

// take copies etcd's data as a disk is copied under a running etcd: while it does not move.
func (p *plane) take(to string) error {
	p.etcd.signal(syscall.SIGSTOP)
	defer p.etcd.signal(syscall.SIGCONT)
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	if err := os.CopyFS(to, os.DirFS(p.data)); err != nil {
		return err
	}
	p.snapshot = to
	return nil
}

// restore puts the copy in the place of the data. Both processes are down meanwhile.
func (p *plane) restore() error {
	p.server.hold()
	p.etcd.hold()
	defer p.server.release()
	defer p.etcd.release()
	if err := os.RemoveAll(p.data); err != nil {
		return err
	}
	return os.CopyFS(p.data, os.DirFS(p.snapshot))
}

func (p *plane) stop() error {
	if p == nil {
		return nil
	}
	p.server.giveUp()
	p.etcd.giveUp()
	return p.Stop()
}
