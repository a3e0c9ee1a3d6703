// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/internal/sandbox"
)

// Names of the processes, as they are shown; their logs are called so too.
const (
	nameEmulator = "emulator"
	nameManager  = "manager"
	// nameAdmin is nobody's process: it is who has all rights.
	nameAdmin = "admin"
)

// stage is all that runs behind the story.
type stage struct {
	sandbox.Checkout
	assets string
	say    *narrator
	// stopDemo ends the demo with a cause, as when a process dies.
	stopDemo context.CancelCauseFunc
	// directory is temporary, logs is in it.
	directory, logs string

	plane             *sandbox.ControlPlane
	emulator, manager *sandbox.Process
	// fleetManager looks after the fleet of one scene.
	fleetManager *sandbox.Process
	// resellerManager looks after the partner account of one scene, whose token is partnerToken.
	resellerManager *sandbox.Process
	partnerToken    string
	vendor          *sandbox.Vendor
	scheme          *runtime.Scheme
	// admin is a client with all rights, as the people's kubeconfig has them.
	admin client.Client
	// managerConfig connects as the manager's user.
	managerConfig *rest.Config
	samples       map[string]*sample
}

// hide keeps a secret value out of all that is shown, and in mind for the search in the end.
func (s *stage) hide(token string) { s.say.out.secrets = append(s.say.out.secrets, token) }

// newStage looks whether everything is there that is needed, and makes the temporary directory.
func newStage(assets string, say *narrator, stop context.CancelCauseFunc) (*stage, error) {
	s := &stage{say: say, stopDemo: stop, samples: map[string]*sample{}}
	var err error
	if s.Checkout, err = sandbox.FindCheckout(); err != nil {
		return nil, err
	}
	if s.assets, err = sandbox.FindAssets(assets); err != nil {
		return nil, err
	}
	for _, name := range []string{nameEmulator, nameManager} {
		if _, err := s.Program(name); err != nil {
			return nil, err
		}
	}
	if s.scheme, err = sandbox.Scheme(); err != nil {
		return nil, err
	}
	if s.directory, err = os.MkdirTemp("", "greenapi-demo-"); err != nil {
		return nil, fmt.Errorf("cannot make a temporary directory: %w", err)
	}
	s.logs = filepath.Join(s.directory, "logs")
	return s, os.Mkdir(s.logs, 0o700)
}

// open starts the control plane and the emulator.
func (s *stage) open(ctx context.Context) error {
	s.say.heading("Getting ready")
	steps := []struct {
		doing, done string
		do          func(context.Context) error
	}{
		{"starting etcd and kube-apiserver (usually 5 s)", "etcd and kube-apiserver run", s.startControlPlane},
		{"installing the CRDs and roles of config/", "the CRDs and roles of config/ are installed", s.install},
		{"starting the emulator of GREEN-API", "the emulator of GREEN-API runs; its instances restart in " + restartTime.String() + ", not in minutes", s.startEmulator},
	}
	for _, step := range steps {
		if !s.say.terminal {
			s.say.note(step.doing)
		}
		s.say.showWaiting(step.doing)
		err := step.do(ctx)
		if cause := context.Cause(ctx); cause != nil {
			s.say.clear()
			return cause
		}
		if err != nil {
			return err
		}
		s.say.hold(step.done)
	}
	return nil
}

func (s *stage) startControlPlane(ctx context.Context) error {
	var err error
	if s.plane, err = sandbox.NewControlPlane(s.assets, s.directory, s.logs); err != nil {
		return err
	}
	if err := s.plane.Start(); err != nil {
		return err
	}
	s.plane.Watch(ctx, s.stopDemo)
	s.admin, err = s.plane.Admin()
	return err
}

// install puts the CRDs and the roles into the cluster as they are, and writes the two kubeconfigs.
func (s *stage) install(ctx context.Context) error {
	if err := os.WriteFile(s.kubeconfig(nameAdmin), s.plane.Kubeconfig(), 0o600); err != nil {
		return err
	}
	if err := s.plane.InstallCRDs(s.Checkout); err != nil {
		return err
	}
	var err error
	if s.managerConfig, err = s.plane.AddUser(sandbox.ManagerUser, s.kubeconfig(nameManager)); err != nil {
		return err
	}
	return s.Grant(ctx, s.admin, sandbox.ManagerUser)
}

// kubeconfig is the path of the file by which somebody connects.
func (s *stage) kubeconfig(who string) string { return filepath.Join(s.directory, who+".kubeconfig") }

func (s *stage) startEmulator(ctx context.Context) error {
	accounts, err := s.accountsFile()
	if err != nil {
		return err
	}
	s.emulator, err = s.run(nameEmulator, nameEmulator, "--listen=127.0.0.1:0", "--restart-time="+restartTime.String(), "--accounts="+accounts)
	if err != nil {
		return err
	}
	origin, err := sandbox.EmulatorOrigin(ctx, s.log(nameEmulator))
	if err != nil {
		return err
	}
	s.vendor = sandbox.NewVendor(origin)
	return s.populate(ctx, origin)
}

func (s *stage) startManager(context.Context) error {
	var err error
	s.manager, err = s.run(nameManager, nameManager, append(s.managerFlags(), "--watch-label-selector=!"+fleetLabel+",!"+resellerLabel)...)
	return err
}

// run starts one of the programs built beside this one under a name, with its output in a log.
func (s *stage) run(program, name string, flags ...string) (*sandbox.Process, error) {
	cmd, err := s.Command(program, s.directory, s.kubeconfig(nameManager), flags...)
	if err != nil {
		return nil, err
	}
	return sandbox.StartProcess(name, s.log(name), cmd, s.stopDemo)
}

func (s *stage) log(name string) string { return filepath.Join(s.logs, name+".log") }

// ending says how to stop.
type ending struct {
	// keepLogs leaves the logs.
	keepLogs bool
	// quick gives nobody the time to finish what it does.
	quick bool
}

// close stops everything, the operator first, and removes the temporary directory.
func (s *stage) close(e ending) {
	s.say.showWaiting("stopping everything")
	patience := sandbox.StopTime
	if e.quick {
		patience = sandbox.QuickStopTime
	}
	s.fleetManager.Stop(patience)
	s.resellerManager.Stop(patience)
	s.manager.Stop(patience)
	s.emulator.Stop(patience)
	if err := s.plane.Stop(); err != nil && !e.quick {
		s.say.problem("The control plane did not stop by itself: " + err.Error())
	}
	left, text := []string{s.directory}, "Everything is stopped and removed."
	if e.keepLogs {
		left = []string{s.kubeconfig(nameAdmin), s.kubeconfig(nameManager), filepath.Join(s.directory, sandbox.NameEtcd), filepath.Join(s.directory, sandbox.NameServer)}
		text = "Everything is stopped. The logs are in " + s.logs
	}
	s.say.clear()
	for _, path := range left {
		if err := os.RemoveAll(path); err != nil {
			s.say.problem("Something is left behind: " + err.Error())
		}
	}
	s.say.closing(text)
}

// restartTime is how long an instance of the emulator restarts. The vendor documents up to five minutes.
const restartTime = 2 * time.Second
