// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/internal/sandbox"
)

// Names of the processes, which their logs have too. The broken emulator answers 500 to everything.
const (
	nameEmulator = "emulator"
	nameBroken   = "broken-emulator"
	nameManager  = "manager"
)

// restartTime is how long an instance of the emulator restarts.
const restartTime = time.Second

// world is all that runs.
type world struct {
	sandbox.Checkout
	options   options
	build     string // the directory with the manager, "" for that of the other programs
	stop      context.CancelCauseFunc
	directory string
	plane     *sandbox.ControlPlane
	admin     client.Client

	emulator, brokenEmulator *sandbox.Process
	// resellerEmulator is nil before claims are measured.
	resellerEmulator *sandbox.Process
	vendor, broken   *vendor
	manager          *manager
	starts           int
}

// newWorld starts the control plane and both emulators. What was started is stopped by close, also after an error.
func newWorld(ctx context.Context, o options, build string, stop context.CancelCauseFunc) (*world, error) {
	w := &world{options: o, stop: stop}
	var err error
	if w.Checkout, err = sandbox.FindCheckout(); err != nil {
		return w, err
	}
	if o.programs != "" {
		w.Programs = o.programs
	}
	if build != "" {
		if w.build, err = filepath.Abs(build); err != nil {
			return w, err
		}
	}
	assets, err := sandbox.FindAssets(o.assets)
	if err != nil {
		return w, err
	}
	if w.directory, err = os.MkdirTemp("", "greenapi-bench-"); err != nil {
		return w, fmt.Errorf("cannot make a temporary directory: %w", err)
	}
	plane, err := sandbox.NewControlPlane(assets, w.directory, w.directory)
	if err != nil {
		return w, err
	}
	if err := plane.Start(); err != nil {
		return w, err
	}
	w.plane = plane
	plane.Watch(ctx, stop)
	if err := w.install(ctx); err != nil {
		return w, err
	}
	if w.emulator, w.vendor, err = w.startEmulator(ctx, nameEmulator); err != nil {
		return w, err
	}
	w.brokenEmulator, w.broken, err = w.startEmulator(ctx, nameBroken)
	return w, err
}

func (w *world) install(ctx context.Context) error {
	var err error
	if w.admin, err = w.plane.Admin(); err != nil {
		return err
	}
	if err := w.plane.InstallCRDs(w.Checkout); err != nil {
		return err
	}
	if _, err := w.plane.AddUser(sandbox.ManagerUser, w.kubeconfig()); err != nil {
		return err
	}
	return w.Grant(ctx, w.admin, sandbox.ManagerUser, sandbox.PartnerRoles()...)
}

func (w *world) kubeconfig() string { return filepath.Join(w.directory, "kubeconfig") }

func (w *world) log(name string) string { return filepath.Join(w.directory, name+".log") }

func (w *world) startEmulator(ctx context.Context, name string, flags ...string) (*sandbox.Process, *vendor, error) {
	p, err := w.run(nameEmulator, name, append(flags, "--listen=127.0.0.1:0", "--restart-time="+restartTime.String())...)
	if err != nil {
		return nil, nil, err
	}
	origin, err := sandbox.EmulatorOrigin(ctx, w.log(name))
	if err != nil {
		return p, nil, err
	}
	return p, newVendor(origin, w.log(name)), nil
}

// run starts one of the programs built beside this one, or the manager of another build, with its output in a log.
func (w *world) run(program, name string, flags ...string) (*sandbox.Process, error) {
	from := w.Checkout
	if program == nameManager && w.build != "" {
		from.Programs = w.build
	}
	cmd, err := from.Command(program, w.directory, w.kubeconfig(), flags...)
	if err != nil {
		return nil, err
	}
	return sandbox.StartProcess(name, w.log(name), cmd, w.stop)
}

// startManager starts the manager with the rights and the flags that it has in a cluster, except where the emulator
// needs others, and those that are given.
func (w *world) startManager(ctx context.Context, more ...string) (*manager, error) {
	address, err := sandbox.FreeAddress(ctx)
	if err != nil {
		return nil, err
	}
	o := &w.options
	w.starts++
	p, err := w.run(nameManager, fmt.Sprintf("%s-%d", nameManager, w.starts), append(more,
		"--insecure-api", "--allowed-api-hosts=127.0.0.1", "--default-api-url="+w.vendor.Origin,
		"--state-interval="+o.stateInterval.String(), "--settings-interval="+o.settingsInterval.String(),
		"--settle-poll="+o.settlePoll.String(), fmt.Sprintf("--max-concurrent-reconciles=%d", o.concurrency),
		"--metrics-bind-address="+address, "--metrics-secure=false", "--health-probe-bind-address=0",
		"--leader-elect", "--leader-election-namespace="+sandbox.RoleNamespace,
		// A machine that is slow for a while must not cost the lease.
		"--leader-election-lease-duration=60s", "--leader-election-renew-deadline=50s")...)
	if err != nil {
		return nil, err
	}
	w.manager = &manager{Process: p, metrics: newMetrics("http://" + address + "/metrics")}
	return w.manager, nil
}

func (w *world) stopManager() {
	if w.manager != nil {
		w.manager.Stop(sandbox.StopTime)
		w.manager = nil
	}
}

// close stops everything, the manager first, and removes the temporary directory, unless the logs in it are to be read.
func (w *world) close(keepLogs bool) error {
	w.stopManager()
	w.emulator.Stop(sandbox.QuickStopTime)
	w.brokenEmulator.Stop(sandbox.QuickStopTime)
	w.resellerEmulator.Stop(sandbox.QuickStopTime)
	err := w.plane.Stop()
	if w.directory == "" {
		return err
	}
	if keepLogs {
		fmt.Fprintln(os.Stderr, "bench: the logs are in", w.directory)
		return errors.Join(err, os.Remove(w.kubeconfig()))
	}
	return errors.Join(err, os.RemoveAll(w.directory))
}
