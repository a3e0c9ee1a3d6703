// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/canary"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// fleet is several instances at one vendor, their resources in one namespace, and the processes that look after them.
type fleet struct {
	*WithT
	t      *testing.T
	ctx    context.Context
	admin  client.Client
	ns     string
	vendor *emulator.Server
	url    string
	names  []string
	// flags and env are added to those of every process.
	flags, env []string
	// restarts is how many restarts of an instance are accounted for, by the resource's name.
	restarts map[string]int
	tokens   map[string]string
	// alarm is set once a process wrote a secret.
	alarm *canaryWatch
}

const firstID = int64(7107000000)

// newFleet makes so many lines, not yet applied.
func newFleet(t *testing.T, admin client.Client, size int) *fleet {
	t.Helper()
	f := &fleet{WithT: NewWithT(t), t: t, ctx: t.Context(), admin: admin, restarts: map[string]int{}, tokens: map[string]string{}, alarm: &canaryWatch{}}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "fleet-"}}
	f.Expect(admin.Create(f.ctx, namespace)).To(Succeed())
	f.ns = namespace.Name
	f.vendor = emulator.New(emulator.Options{RestartTime: restartTime})
	server := httptest.NewServer(f.vendor)
	t.Cleanup(func() { f.vendor.Close(); server.Close() })
	f.url = server.URL
	for i := range size {
		name := fmt.Sprintf("line-%d", i)
		f.names = append(f.names, name)
		token := fmt.Sprintf("canary-%s-%d-0123456789abcdef", f.ns, i)
		f.tokens[name] = token
		f.vendor.Add(emulator.Instance{ID: f.id(name), Token: token})
		f.secret(name+"-token", "apiTokenInstance", token)
		resource := &v1alpha1.WhatsAppInstance{ObjectMeta: metav1.ObjectMeta{Namespace: f.ns, Name: name}}
		resource.Spec.IDInstance = f.id(name)
		resource.Spec.APITokenSecretRef.Name = name + "-token"
		f.Expect(admin.Create(f.ctx, resource)).To(Succeed())
	}
	t.Cleanup(func() {
		if hit := f.alarm.hit(); hit != "" {
			t.Errorf("R24: the process wrote a secret: %s", hit)
		}
	})
	return f
}

// id is the number of a line at the vendor.
func (f *fleet) id(name string) int64 {
	number, err := strconv.Atoi(strings.TrimPrefix(name, "line-"))
	f.Expect(err).NotTo(HaveOccurred())
	return firstID + int64(number)
}

// secret creates or replaces a Secret of one key, whose value must show nowhere.
func (f *fleet) secret(name, key, value string) {
	f.t.Helper()
	f.alarm.add(value)
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: f.ns, Name: name}, StringData: map[string]string{key: value}}
	f.Eventually(func() error {
		err := f.admin.Create(f.ctx, secret)
		if err != nil {
			err = f.admin.Update(f.ctx, secret)
		}
		return err
	}, patience).Should(Succeed())
}

func (f *fleet) get(name string) *v1alpha1.WhatsAppInstance {
	f.t.Helper()
	resource := &v1alpha1.WhatsAppInstance{}
	f.Eventually(func() error {
		return f.admin.Get(f.ctx, client.ObjectKey{Namespace: f.ns, Name: name}, resource)
	}, patience).Should(Succeed())
	return resource
}

// edit changes a resource as a user does, and says by how many restarts more that may be carried out.
func (f *fleet) edit(name string, restarts int, change func(*v1alpha1.WhatsAppInstance)) {
	f.t.Helper()
	f.Eventually(func() error {
		return retry.RetryOnConflict(retry.DefaultRetry, func() error {
			resource := f.get(name)
			if resource.Spec.Settings == nil {
				resource.Spec.Settings = &v1alpha1.WhatsAppSettings{}
			}
			change(resource)
			return f.admin.Update(f.ctx, resource)
		})
	}, patience).Should(Succeed())
	f.restarts[name] += restarts
}

// delay makes a line wish for another delay of messages: a change, and so one restart.
func (f *fleet) delay(name string, milliseconds int32) {
	f.t.Helper()
	f.edit(name, 1, func(r *v1alpha1.WhatsAppInstance) { r.Spec.Settings.DelaySendMessagesMilliseconds = new(milliseconds) })
}

// problem says what keeps the fleet from being as its users wish, "" if nothing does.
func (f *fleet) problem() string {
	for _, name := range f.names {
		resource := &v1alpha1.WhatsAppInstance{}
		if err := f.admin.Get(f.ctx, client.ObjectKey{Namespace: f.ns, Name: name}, resource); err != nil {
			return err.Error()
		}
		s := &resource.Status
		ready := apimeta.FindStatusCondition(s.Conditions, v1alpha1.ReadyCondition)
		if s.ObservedGeneration != resource.Generation || ready == nil || ready.Status != metav1.ConditionTrue || s.Apply.Active() || len(s.PendingChanges) > 0 {
			return fmt.Sprintf("%s: generation %d of %d, %+v, apply %+v", name, s.ObservedGeneration, resource.Generation, ready, s.Apply)
		}
		shown, ok := f.vendor.Get(f.id(name))
		if wish := resource.Spec.Settings; ok && wish != nil && wish.DelaySendMessagesMilliseconds != nil &&
			shown.Settings["delaySendMessagesMilliseconds"] != int(*wish.DelaySendMessagesMilliseconds) {
			return fmt.Sprintf("%s: the vendor has %v, the wish is %d", name, shown.Settings["delaySendMessagesMilliseconds"], *wish.DelaySendMessagesMilliseconds)
		}
	}
	return ""
}

// converge waits until everything is as wished, and counts: one restart for each change, and none lost from the status.
func (f *fleet) converge(doing string) {
	f.t.Helper()
	f.Eventually(f.problem, 2*patience).Should(BeEmpty(), "%s\n%s", doing, f.alarm)
	for _, name := range f.names {
		f.Expect(f.vendor.Restarts(f.id(name))).To(Equal(f.restarts[name]), "%s: restarts of %s\n%s", doing, name, f.history(name))
		var total int64
		if restarts := f.get(name).Status.Restarts; restarts != nil {
			total = restarts.Total
		}
		f.Expect(total).To(BeEquivalentTo(f.restarts[name]), "%s: restarts in the status of %s\n%s", doing, name, f.history(name))
	}
}

// history is what the vendor was asked to change, for the reader of a failure.
func (f *fleet) history(name string) string {
	var lines []string
	for _, method := range []string{"setSettings", "reboot"} {
		for _, call := range f.vendor.Calls(f.id(name), method) {
			lines = append(lines, fmt.Sprintf("%s %s %v status %d effect %t", call.Time.Format("15:04:05.000"), method, call.Body, call.Status, call.Effect))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// sets counts the setSettings that the vendor was sent for the whole fleet.
func (f *fleet) sets() int { return len(f.vendor.Calls(0, "setSettings")) }

// process is a manager.
type process struct {
	f       *fleet
	command *exec.Cmd
	gate    *gate
	ended   chan struct{}
	once    sync.Once
}

// launch starts a manager behind a gate of its own, or behind the given one.
func (f *fleet) launch(g *gate, flags ...string) *process {
	f.t.Helper()
	executable, err := os.Executable()
	f.Expect(err).NotTo(HaveOccurred())
	arguments := slices.Concat([]string{
		"--watch-namespaces=" + f.ns, "--insecure-api", "--allowed-api-hosts=127.0.0.1", "--default-api-url=" + f.url,
		"--metrics-bind-address=0", "--health-probe-bind-address=0", "--zap-log-level=10",
		"--api-timeout=3s", "--state-interval=500ms", "--settings-interval=1s", "--settle-poll=300ms", "--settle-timeout=6s", "--retry-apply-after=2s",
		"--flap-threshold=8", "--flap-window=10s",
	}, f.flags, flags)
	p := &process{f: f, gate: g, ended: make(chan struct{}), command: exec.CommandContext(context.WithoutCancel(f.ctx), executable, arguments...)}
	p.command.Env = slices.Concat(os.Environ(), f.env, []string{beManager + "=1", "KUBECONFIG=" + g.kubeconfig})
	p.command.Stdout, p.command.Stderr = f.alarm, f.alarm
	f.Expect(p.command.Start()).To(Succeed())
	go func() {
		defer close(p.ended)
		_, _ = fmt.Fprintln(f.alarm, "the process ended:", p.command.Wait())
	}()
	f.t.Cleanup(p.kill)
	return p
}

// kill ends the process as a node that fails does, and waits until it is gone.
func (p *process) kill() {
	p.once.Do(func() { _ = p.command.Process.Kill() })
	<-p.ended
}

func (p *process) signal(s syscall.Signal) { _ = p.command.Process.Signal(s) }

// over says whether the process has ended.
func (p *process) over() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// expectExit waits until the process has ended.
func (p *process) expectExit(why string) {
	p.f.t.Helper()
	p.f.Eventually(p.ended, 2*patience).Should(BeClosed(), "%s\n%s", why, p.f.alarm)
}

// canaryWatch is what processes write to. It looks for secrets in all of it, and keeps the end for whoever reads a
// failure.
type canaryWatch struct{ canary.Watch }

func (c *canaryWatch) add(secret string) { c.Add(secret) }

// hit returns the neighborhood of the first secret that was written, "" if there was none.
func (c *canaryWatch) hit() string { return c.Hit() }

// forget drops the end that was kept.
func (c *canaryWatch) forget() { c.Forget() }

// lasts lets a trouble last for a time, or until the context ends. Nothing is waited for by it.
func lasts(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
