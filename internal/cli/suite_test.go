// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/controllers"
	"github.com/greenapi-operator/greenapi-operator/internal/canary"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
)

const (
	// patience is how long a test waits for another process; it is no part of what is tested.
	patience = 60 * time.Second
	firstID  = int64(7107000000)
)

// desk is a person at a terminal: a namespace, a vendor, and perhaps an operator.
type desk struct {
	*WithT
	t      *testing.T
	ctx    context.Context
	ns     string
	vendor *emulator.Server
	url    string
	// kubeconfig that the person has; the administrator's unless a test sets another one.
	kubeconfig string
	// secrets must show nowhere.
	secrets *canary.Watch
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	needControlPlane(t)
	d := &desk{WithT: NewWithT(t), t: t, ctx: t.Context(), kubeconfig: kubeconfig, secrets: &canary.Watch{}}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "desk-"}}
	d.Expect(admin.Create(d.ctx, namespace)).To(Succeed())
	d.ns = namespace.Name
	d.vendor = emulator.New(emulator.Options{RestartTime: 300 * time.Millisecond})
	server := httptest.NewServer(d.vendor)
	t.Cleanup(func() { d.vendor.Close(); server.Close() })
	d.url = server.URL
	return d
}

// line makes an instance at the vendor, its Secret and its resource; change may adapt the resource before it is created.
func (d *desk) line(name string, number int, change func(*v1alpha1.WhatsAppInstance)) *v1alpha1.WhatsAppInstance {
	d.t.Helper()
	id, token := firstID+int64(number), fmt.Sprintf("canary-%s-%d-0123456789abcdef", d.ns, number)
	d.secrets.Add(token)
	d.vendor.Add(emulator.Instance{ID: id, Token: token})
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: d.ns, Name: name + "-token"}, StringData: map[string]string{"apiTokenInstance": token}}
	d.Expect(admin.Create(d.ctx, secret)).To(Succeed())
	resource := &v1alpha1.WhatsAppInstance{ObjectMeta: metav1.ObjectMeta{Namespace: d.ns, Name: name}}
	resource.Spec.IDInstance, resource.Spec.APIURL = id, d.url
	resource.Spec.APITokenSecretRef.Name = secret.Name
	if change != nil {
		change(resource)
	}
	d.Expect(admin.Create(d.ctx, resource)).To(Succeed())
	return resource
}

// result is what a command printed, and its exit code.
type result struct {
	out, err string
	code     int
}

// kubectl runs kubectl greenapi with the real kubectl, in the namespace of the desk, and searches what it prints.
func (d *desk) kubectl(arguments ...string) result {
	d.t.Helper()
	return d.finish(d.command(arguments...))
}

// plainly runs kubectl greenapi without naming a namespace.
func (d *desk) plainly(arguments ...string) result {
	d.t.Helper()
	command := d.command()
	command.Args = append([]string{kubectl, "greenapi"}, arguments...)
	return d.finish(command)
}

func (d *desk) finish(command *exec.Cmd) result {
	d.t.Helper()
	var out, errOut bytes.Buffer
	command.Stdout, command.Stderr = &out, &errOut
	err := command.Run()
	exit, exited := errors.AsType[*exec.ExitError](err)
	if err != nil && !exited {
		d.t.Fatal(err)
	}
	r := result{out: out.String(), err: errOut.String()}
	if exited {
		r.code = exit.ExitCode()
	}
	d.search(r)
	return r
}

// command is kubectl greenapi, not yet run.
func (d *desk) command(arguments ...string) *exec.Cmd {
	command := exec.CommandContext(d.ctx, kubectl, append([]string{"greenapi", "--namespace", d.ns}, arguments...)...)
	command.Env = append(os.Environ(), bePlugin+"=1", "KUBECONFIG="+d.kubeconfig, "PATH="+plugins+string(os.PathListSeparator)+os.Getenv("PATH"))
	return command
}

// run runs the command within this process, with a clock of the test's.
func (d *desk) run(clock clock.Clock, arguments ...string) result {
	d.t.Helper()
	var out, errOut bytes.Buffer
	flags := genericclioptions.NewConfigFlags(true)
	flags.KubeConfig, flags.Namespace = new(d.kubeconfig), new(d.ns)
	s := &session{IOStreams: genericiooptions.IOStreams{In: &bytes.Buffer{}, Out: &out, ErrOut: &errOut}, flags: flags, clock: clock}
	r := result{code: run(d.ctx, arguments, s)}
	r.out, r.err = out.String(), errOut.String()
	d.search(r)
	return r
}

// search fails the test if a secret was printed.
func (d *desk) search(r result) {
	d.t.Helper()
	if found := d.secrets.Search(r.out + r.err); found != "" {
		d.t.Errorf("R24: a secret was printed: %s", found)
	}
}

// operate runs an operator for the namespace until the test ends, with everything quick.
func (d *desk) operate() {
	d.t.Helper()
	mgr, err := ctrl.NewManager(cluster, ctrl.Options{
		Scheme: scheme, Metrics: metricsserver.Options{BindAddress: "0"}, HealthProbeBindAddress: "0",
		Cache: cache.Options{
			DefaultNamespaces: map[string]cache.Config{d.ns: {}},
			ByObject:          map[client.Object]cache.ByObject{&corev1.Secret{}: {Transform: controllers.StripSecret}},
		},
	})
	d.Expect(err).NotTo(HaveOccurred())
	d.Expect(controllers.SetupIndexes(d.ctx, mgr.GetFieldIndexer(), instance.Kinds, true)).To(Succeed())
	observed, err := controllers.NewMetrics(prometheus.NewRegistry(), mgr.GetCache(), instance.Kinds)
	d.Expect(err).NotTo(HaveOccurred())
	vendor := greenapi.New(greenapi.Options{Timeout: 3 * time.Second, AllowedHosts: []string{"127.0.0.1"}, Insecure: true, UserAgent: "desk"})
	shared := controllers.NewShared(controllers.Shared{
		Kinds: instance.Kinds, Clock: clock.RealClock{}, Client: mgr.GetClient(), Live: mgr.GetAPIReader(),
		Recorder: mgr.GetEventRecorder("greenapi-operator"), Metrics: observed,
		Connect: func(target greenapi.Target) (controllers.Vendor, error) { return vendor.Instance(target) },
		Options: controllers.Options{
			Claims: true, DefaultAPIURL: d.url, StateInterval: 500 * time.Millisecond, SettingsInterval: time.Second, CallTimeout: 3 * time.Second,
			Limits: plan.Limits{SettleTimeout: 6 * time.Second, SettlePoll: 300 * time.Millisecond, RetryAfter: 2 * time.Second, MaxAttempts: 3,
				FlapThreshold: 3, FlapWindow: time.Hour, CallWindow: 1500 * time.Millisecond},
		},
	})
	for _, kind := range instance.Kinds {
		d.Expect(controllers.NewReconciler(shared, kind).SetupWithManager(mgr, controller.Options{SkipNameValidation: new(true)})).To(Succeed())
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(d.ctx))
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		if err := mgr.Start(ctx); err != nil {
			d.t.Error(err)
		}
	}()
	d.t.Cleanup(func() { stop(); <-stopped })
}

// ready waits until the operator has done its job for a resource, and returns it.
func (d *desk) ready(name string) *v1alpha1.WhatsAppInstance {
	d.t.Helper()
	resource := &v1alpha1.WhatsAppInstance{}
	d.Eventually(func(g Gomega) {
		g.Expect(admin.Get(d.ctx, client.ObjectKey{Namespace: d.ns, Name: name}, resource)).To(Succeed())
		g.Expect(resource.Status.ObservedGeneration).To(Equal(resource.Generation))
		g.Expect(resource.Status.Conditions).To(ContainElement(And(HaveField("Type", v1alpha1.ReadyCondition), HaveField("Status", metav1.ConditionTrue))))
	}, patience).Should(Succeed())
	return resource
}
