// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
	"github.com/greenapi-operator/greenapi-operator/internal/sandbox"
)

const (
	nameManager = "manager"
	// reseller is the partner account, partnerToken its token, and claimNamespace where its claims are.
	reseller, partnerToken, claimNamespace = "reseller", "gac.chaos-0123456789", "resale"
	// mostInstances is the account's limit.
	mostInstances = 20
	// callTimeout is --api-timeout of the managers; restartTime is how long an instance restarts.
	callTimeout = 3 * time.Second
	restartTime = time.Second
	// requestTimeout is for requests to an API server that may be frozen.
	requestTimeout = 10 * time.Second
)

// world is all that runs.
type world struct {
	sandbox.Checkout
	options   options
	directory string
	plane     *plane
	admin     client.Client
	vendor    *emulator.Server
	http      *http.Server
	origin    string
	wire      *wire
	managers  []*kept
	addresses []string

	lines  []*line
	claims *claimSet
	// broken is told of what makes the run itself impossible.
	broken context.CancelCauseFunc
	begun  time.Time
	// restored: etcd is restored in the course of the history.
	restored bool
	// troubles counts what is going on that keeps statuses from being right, and calmSince is since when nothing is, in Unix nanoseconds.
	troubles, calmSince atomic.Int64
}

// newWorld starts the control plane and the vendor, and makes the fleet. What was started is ended by close, also after an error.
func newWorld(ctx context.Context, o options, broken context.CancelCauseFunc) (*world, error) {
	w := &world{options: o, broken: broken, claims: &claimSet{}}
	var err error
	if w.Checkout, err = sandbox.FindCheckout(); err != nil {
		return w, err
	}
	if o.stepped != "" {
		if w.Programs, err = filepath.Abs(o.stepped); err != nil {
			return w, err
		}
	}
	assets, err := sandbox.FindAssets(o.assets)
	if err != nil {
		return w, err
	}
	if w.directory, err = os.MkdirTemp("", "greenapi-chaos-"); err != nil {
		return w, fmt.Errorf("cannot make a temporary directory: %w", err)
	}
	control, err := sandbox.NewControlPlane(assets, w.directory, w.directory)
	if err != nil {
		return w, err
	}
	if err := control.Start(); err != nil {
		return w, err
	}
	if w.plane, err = takeOver(control, w.directory, func(err error) { broken(err) }); err != nil {
		return w, err
	}
	if err := w.install(ctx); err != nil {
		return w, err
	}
	if err := w.openVendor(); err != nil {
		return w, err
	}
	return w, w.populate(ctx)
}

// install makes the client of a person with all rights, waits for the API server, and installs CRDs and roles.
func (w *world) install(ctx context.Context) error {
	w.plane.Config.Timeout = requestTimeout
	if err := w.until(ctx, "the API server answers", func() error {
		var err error
		if w.admin, err = w.plane.Admin(); err == nil {
			err = w.admin.List(ctx, &corev1.NamespaceList{})
		}
		return err
	}); err != nil {
		return err
	}
	if err := w.plane.InstallCRDs(w.Checkout); err != nil {
		return err
	}
	if err := w.Grant(ctx, w.admin, sandbox.ManagerUser, sandbox.PartnerRoles()...); err != nil {
		return err
	}
	address := strings.TrimPrefix(w.plane.Config.Host, "https://")
	var err error
	if w.wire, err = newWire(address); err != nil {
		return err
	}
	if _, err := w.plane.AddUser(sandbox.ManagerUser, w.kubeconfig()); err != nil {
		return err
	}
	text, err := os.ReadFile(w.kubeconfig())
	if err != nil {
		return err
	}
	return os.WriteFile(w.kubeconfig(), []byte(strings.ReplaceAll(string(text), address, w.wire.address())), 0o600)
}

func (w *world) kubeconfig() string { return filepath.Join(w.directory, "kubeconfig") }

// until tries something until it works, for as long as a control plane may take to start.
func (w *world) until(ctx context.Context, what string, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, sandbox.StartTime)
	defer cancel()
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting until %s: %w", what, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// openVendor starts the emulator in this process, so that its ledger can be asked whatever goes on.
func (w *world) openVendor() error {
	w.vendor = emulator.New(emulator.Options{RestartTime: restartTime})
	w.vendor.AddAccount(emulator.Account{Name: reseller, Token: partnerToken, Messenger: emulator.WhatsApp})
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it is closed, not canceled
	if err != nil {
		return err
	}
	w.origin = "http://" + listener.Addr().String()
	w.http = &http.Server{Handler: w.vendor, ReadHeaderTimeout: time.Minute}
	go func() { _ = w.http.Serve(listener) }()
	return nil
}

// populate makes namespaces, the partner account, and the instances at the vendor. Resources and Secrets come from Git.
func (w *world) populate(ctx context.Context) error {
	objects := []client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: claimNamespace, Labels: map[string]string{"claims": "allowed"}}},
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: sandbox.RoleNamespace, Name: reseller}, StringData: map[string]string{v1alpha1.DefaultPartnerTokenKey: partnerToken}},
		&v1alpha1.PartnerAccount{ObjectMeta: metav1.ObjectMeta{Name: reseller, Labels: map[string]string{shardLabel: shardA}}, Spec: v1alpha1.PartnerAccountSpec{
			PartnerAPIURL: w.origin, PartnerTokenSecretRef: v1alpha1.PartnerTokenReference{Name: reseller}, Messenger: emulator.WhatsApp, OwnerKey: "chaos",
			AllowedNamespaces: &metav1.LabelSelector{MatchLabels: map[string]string{"claims": "allowed"}},
			Limits:            v1alpha1.PartnerLimits{MaxInstances: mostInstances, MaxCreatesPerHour: 1000}, Mode: v1alpha1.ModeCreateAndDelete,
		}},
	}
	for i := range namespaces {
		objects = append(objects, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("team-%d", i)}})
	}
	for _, object := range objects {
		if err := w.admin.Create(ctx, object); err != nil {
			return err
		}
	}
	// The first list is believed as it is. So one line is bought before anything goes wrong: an account that is known by nothing, as a
	// restore could make it, would take somebody else's list for its own.
	w.claims.edit(func(wanted map[string]v1alpha1.DeletionPolicy) { wanted[claimName(0)] = v1alpha1.DeletionRetain })
	for i := range w.options.lines {
		l := newLine(i)
		w.lines = append(w.lines, l)
		_, token := l.wanted()
		w.vendor.Add(emulator.Instance{ID: l.id, Token: token, Messenger: l.kind.Messenger, Behavior: emulator.Behavior{MaxDelay: maxDelay}})
	}
	return nil
}

// startManagers starts two managers of the first shard, of which one works, and one of the second.
func (w *world) startManagers(ctx context.Context) error {
	for i, shard := range []string{shardA, shardA, shardB} {
		address, err := sandbox.FreeAddress(ctx)
		if err != nil {
			return err
		}
		flags := []string{
			"--insecure-api", "--allowed-api-hosts=127.0.0.1", "--default-api-url=" + w.origin, "--api-timeout=" + callTimeout.String(),
			"--state-interval=3s", "--settings-interval=6s", "--settle-poll=1s", "--settle-timeout=20s", "--retry-apply-after=5s", "--restart-soak=3s",
			"--flap-threshold=8", "--fleet-label=" + fleetLabel,
			"--metrics-bind-address=" + address, "--metrics-secure=false", "--health-probe-bind-address=0",
			"--leader-elect", "--leader-election-namespace=" + sandbox.RoleNamespace, "--leader-election-id=" + shard, "--watch-label-selector=" + shardLabel + "=" + shard,
		}
		if shard == shardA {
			flags = append(flags, "--partner-accounts")
		}
		name := fmt.Sprintf("%s-%d", nameManager, i+1)
		k := &kept{name: name, log: filepath.Join(w.directory, name+".log"), failed: func(err error) { w.broken(err) }, command: func() (*exec.Cmd, error) {
			cmd, err := w.Command(nameManager, w.directory, w.kubeconfig(), flags...)
			if err == nil {
				cmd.Env = append(cmd.Env, clockVariable+"="+w.clockOf(name))
			}
			return cmd, err
		}}
		w.managers, w.addresses = append(w.managers, k), append(w.addresses, address)
		k.start()
	}
	return nil
}

// troubled notes that something goes on that keeps statuses from being right; what it returns notes the end.
func (w *world) troubled() (over func()) {
	w.troubles.Add(1)
	return func() {
		w.calmSince.Store(time.Now().UnixNano())
		w.troubles.Add(-1)
	}
}

// calm is for how long nothing has gone on.
func (w *world) calm() time.Duration {
	if w.troubles.Load() > 0 {
		return 0
	}
	return time.Since(time.Unix(0, w.calmSince.Load()))
}

// close ends everything, and removes the directory unless the logs in it are to be read.
func (w *world) close(keepLogs bool) error {
	for _, m := range w.managers {
		m.giveUp()
	}
	w.wire.close()
	if w.http != nil {
		w.vendor.Close()
		_ = w.http.Close()
	}
	err := w.plane.stop()
	if w.directory == "" || keepLogs {
		return err
	}
	return errors.Join(err, os.RemoveAll(w.directory))
}
