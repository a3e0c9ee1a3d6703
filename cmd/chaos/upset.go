// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

func (w *world) manager(e event) *kept { return w.managers[e.Value%len(w.managers)] }

func killManager(_ context.Context, w *world, e event) (ending, error) {
	w.manager(e).signal(syscall.SIGKILL)
	return nil, nil
}

func endManager(_ context.Context, w *world, e event) (ending, error) {
	w.manager(e).signal(syscall.SIGTERM)
	return nil, nil
}

func freezeManager(_ context.Context, w *world, e event) (ending, error) {
	m := w.manager(e)
	m.signal(syscall.SIGSTOP)
	return func(context.Context) error { m.signal(syscall.SIGCONT); return nil }, nil
}

func cutConnections(_ context.Context, w *world, _ event) (ending, error) {
	w.wire.cut()
	return nil, nil
}

func killServer(_ context.Context, w *world, _ event) (ending, error) {
	w.plane.server.hold()
	return func(context.Context) error { w.plane.server.release(); return nil }, nil
}

func freezeEtcd(_ context.Context, w *world, _ event) (ending, error) {
	w.plane.etcd.signal(syscall.SIGSTOP)
	return func(context.Context) error { w.plane.etcd.signal(syscall.SIGCONT); return nil }, nil
}

// clockVariable names, to a manager that was built for it, the file with what its clock is off by; see hack/steppedclock.
const clockVariable = "STEPPED_CLOCK"

func (w *world) clockOf(manager string) string { return filepath.Join(w.directory, manager+".clock") }

// steps are what a clock is set by.
var steps = []time.Duration{-2 * time.Hour, -5 * time.Minute, -30 * time.Second, 30 * time.Second, 5 * time.Minute, time.Hour}

func setClock(_ context.Context, w *world, e event) (ending, error) {
	return nil, w.setClockOf(w.manager(e).name, steps[e.Value/8%len(steps)])
}

// setClockOf writes, in nanoseconds, what the clock of a manager is off by.
func (w *world) setClockOf(manager string, by time.Duration) error {
	off := make([]byte, 8)
	binary.NativeEndian.PutUint64(off, uint64(by)) //nolint:gosec // its bits are what is meant
	file, err := os.OpenFile(w.clockOf(manager), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = file.WriteAt(off, 0)
	return err
}
