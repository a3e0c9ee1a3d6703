// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// server is a process of a control plane, which a test may freeze, kill and start again with the same arguments.
type server struct {
	t   *testing.T
	pid atomic.Int64
	// stop ends it, once this test has started it; nil before.
	stop func()
}

// childWith finds the child of this process that has an argument.
func childWith(t *testing.T, argument string) *server {
	t.Helper()
	entries, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		arguments, err := os.ReadFile(filepath.Join(entry, "cmdline"))
		if err != nil || !slices.Contains(strings.Split(string(arguments), "\x00"), argument) {
			continue
		}
		status, err := os.ReadFile(filepath.Join(entry, "status"))
		if err == nil && strings.Contains(string(status), fmt.Sprintf("\nPPid:\t%d\n", os.Getpid())) {
			pid, _ := strconv.ParseInt(filepath.Base(entry), 10, 64)
			s := &server{t: t}
			s.pid.Store(pid)
			return s
		}
	}
	t.Fatalf("no process of this test has the argument %s", argument)
	return nil
}

// processesOf finds the two processes of a control plane. If the test starts one of them again, it is ended with the test.
func processesOf(t *testing.T, own *envtest.Environment) (apiServer, etcd *server) {
	t.Helper()
	apiServer = childWith(t, "--secure-port="+own.ControlPlane.APIServer.SecureServing.Port)
	etcd = childWith(t, "--listen-client-urls="+own.ControlPlane.Etcd.URL.String())
	t.Cleanup(etcd.end)
	t.Cleanup(apiServer.end)
	return apiServer, etcd
}

func (s *server) signal(signal syscall.Signal) {
	s.t.Helper()
	if err := syscall.Kill(int(s.pid.Load()), signal); err != nil && !errors.Is(err, syscall.ESRCH) {
		s.t.Error(err)
	}
}

// kill ends the process as a node that fails does, and returns how it is started again.
func (s *server) kill() (again func()) {
	s.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", s.pid.Load()))
	if err != nil {
		s.t.Error(err)
		return func() {}
	}
	arguments := strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00")
	if s.stop == nil {
		s.signal(syscall.SIGKILL)
	}
	s.end()
	return func() { s.keep(arguments) }
}

// keep starts the process, and again each time that it ends by itself, as a node does: an API server gives up if it does
// not find etcd in time.
func (s *server) keep(arguments []string) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(s.t.Context()))
	started, ended := make(chan struct{}), make(chan struct{})
	s.stop = func() { cancel(); <-ended }
	go func() {
		defer close(ended)
		for first := true; ctx.Err() == nil; first = false {
			command := exec.CommandContext(ctx, arguments[0], arguments[1:]...)
			err := command.Start()
			if err == nil {
				s.pid.Store(int64(command.Process.Pid))
			}
			if first {
				close(started)
			}
			if err == nil {
				_ = command.Wait()
			}
			lasts(ctx, 200*time.Millisecond)
		}
	}()
	<-started
}

// end ends a process that this test started.
func (s *server) end() {
	if s.stop != nil {
		s.stop()
		s.stop = nil
	}
}

// TestTheAPIServerFails kills and freezes a kube-apiserver and an etcd of its own around a write.
func TestTheAPIServerFails(t *testing.T) {
	t.Parallel()
	own, ownAdmin := startControlPlane(t)
	apiServer, etcd := processesOf(t, own)
	f := newFleet(t, ownAdmin, 2)
	g := newGate(t, own.Config)
	p := f.launch(g)
	f.delay("line-0", 1000)
	f.converge("at the beginning")

	for _, killed := range []bool{false, true} {
		// The call is made, and what became of it cannot be stored; then the operator dies as well, or does not.
		var again func()
		serverDown := make(chan struct{})
		g.set(&trap{matches: turns(v1alpha1.OutcomePending), stored: true, fire: func() { again = apiServer.kill(); close(serverDown) }})
		before := f.sets()
		f.delay("line-0", 2000)
		f.Eventually(serverDown, patience).Should(BeClosed())
		f.Eventually(f.sets, patience).Should(Equal(before+1), "the intent is stored, so the call is made")
		if killed {
			p.kill()
			// Without an API server it cannot begin. It says so and ends, and whoever runs it starts it again.
			early := f.launch(g)
			early.expectExit("no API server to begin with")
			f.Expect(f.alarm.String()).To(ContainSubstring("manager: "))
		}
		again()
		if killed {
			p = f.launch(g)
			f.Eventually(func() int {
				if p.over() {
					p = f.launch(g)
				}
				return g.watching()
			}, 2*patience).Should(BeNumerically(">", 0), "it is started until there is an API server that knows the kinds\n%s", f.alarm)
		}
		f.delay("line-1", 2000)
		f.converge(fmt.Sprintf("the API server was killed and is back, the operator killed: %t", killed))
		f.delay("line-0", 1000)
		f.delay("line-1", 1000)
		f.converge("the next change")
	}

	// The API server freezes with the intent in its hands: nobody knows whether it is stored.
	frozen := make(chan struct{})
	g.set(&trap{matches: turns(v1alpha1.OutcomePending), stored: true, fire: func() { apiServer.signal(syscall.SIGSTOP); close(frozen) }})
	f.delay("line-0", 3000)
	f.Eventually(frozen, patience).Should(BeClosed())
	calls := f.sets()
	f.Eventually(f.sets, patience).Should(BeNumerically(">=", calls))
	time.AfterFunc(8*time.Second, func() { apiServer.signal(syscall.SIGCONT) })
	f.converge("the API server froze and woke up")

	// etcd is slow: it stands still most of the time.
	ctx, stop := context.WithCancel(f.ctx)
	slow := make(chan struct{})
	go func() {
		defer close(slow)
		for ctx.Err() == nil {
			etcd.signal(syscall.SIGSTOP)
			lasts(ctx, 400*time.Millisecond)
			etcd.signal(syscall.SIGCONT)
			lasts(ctx, 150*time.Millisecond)
		}
	}()
	f.delay("line-0", 4000)
	f.delay("line-1", 4000)
	f.converge("etcd is slow")
	stop()
	<-slow
}

// TestTheWayToTheAPIServerFails: watches break, nothing gets through for a while, and somebody else edits the resources
// all the time, so that every write conflicts.
func TestTheWayToTheAPIServerFails(t *testing.T) {
	t.Parallel()
	trouble := map[string]func(*fleet, *gate){
		"watches are cut": func(_ *fleet, g *gate) { g.cut() },
		"nothing gets through now and then": func(f *fleet, g *gate) {
			g.shut(true)
			lasts(f.ctx, 200*time.Millisecond)
			g.shut(false)
			lasts(f.ctx, 300*time.Millisecond)
		},
		"every write conflicts": func(f *fleet, _ *gate) {
			for i, name := range f.names {
				patch := client.RawPatch("application/merge-patch+json", []byte(fmt.Sprintf(`{"metadata":{"annotations":{"x":"%d-%d"}}}`, i, time.Now().UnixNano())))
				resource := &v1alpha1.WhatsAppInstance{ObjectMeta: metav1.ObjectMeta{Namespace: f.ns, Name: name}}
				_ = f.admin.Patch(f.ctx, resource, patch)
			}
		},
	}
	for name, make := range trouble {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, admin, 3)
			g := newGate(t, environment.Config)
			f.launch(g)
			ctx, stop := context.WithCancel(f.ctx)
			over := startLoop(ctx, func() { make(f, g) })
			for round := range rounds(t, 4) {
				for i, line := range f.names {
					f.delay(line, int32(1000+10*round+i))
				}
				// The trouble lasts over the writes and ends before the verdict.
				f.Eventually(f.sets, 2*patience).Should(BeNumerically(">", len(f.names)*round), "%s", f.alarm)
				if round == 3 {
					stop()
					<-over
				}
				f.converge(name)
			}
			stop()
			<-over
		})
	}
}

// startLoop does something again and again until the context ends, and closes the channel then.
func startLoop(ctx context.Context, do func()) <-chan struct{} {
	over := make(chan struct{})
	go func() {
		defer close(over)
		for ctx.Err() == nil {
			do()
			lasts(ctx, 20*time.Millisecond)
		}
	}()
	return over
}

// TestR10AdmissionRefusesTheStatus: what cannot be written ahead is not done; an outcome that cannot be stored is
// remembered, and found out again by a new process.
func TestR10AdmissionRefusesTheStatus(t *testing.T) {
	t.Parallel()
	f := newFleet(t, admin, 2)
	g := newGate(t, environment.Config)
	p := f.launch(g)
	f.converge("at the beginning")
	f.refuseStatus(true)
	f.delay("line-0", 1000)
	f.Eventually(func() bool { return strings.Contains(f.alarm.String(), "no status today") }, patience).Should(BeTrue())
	f.Expect(f.sets()).To(BeZero(), "no intent, no call")
	f.refuseStatus(false)
	f.converge("the status is accepted again")

	for round, killed := range []bool{false, true} {
		// The intent is stored, and from then on nothing is.
		f.vendor.Fault(emulator.Fault{Method: "setSettings", DelayAfter: 2 * time.Second, AfterEffect: true})
		before := f.sets()
		f.delay("line-1", int32(2000+round))
		f.Eventually(f.sets, patience).Should(Equal(before + 1))
		f.refuseStatus(true)
		f.Eventually(func() bool { return strings.Contains(f.alarm.String(), "no status today") }, patience).Should(BeTrue())
		if killed {
			p.kill()
			f.launch(g)
		}
		f.refuseStatus(false)
		f.converge("the outcome could not be stored")
	}
}

// refuseStatus lets the API server refuse all writes of status in the fleet's namespace, or accept them again.
func (f *fleet) refuseStatus(refuse bool) {
	f.t.Helper()
	name := "refuse-" + f.ns
	policy := &admissionv1.ValidatingAdmissionPolicy{ObjectMeta: metav1.ObjectMeta{Name: name}}
	policy.Spec.FailurePolicy = new(admissionv1.Fail)
	policy.Spec.MatchConstraints = &admissionv1.MatchResources{ResourceRules: []admissionv1.NamedRuleWithOperations{{
		RuleWithOperations: admissionv1.RuleWithOperations{
			Operations: []admissionv1.OperationType{admissionv1.Update},
			Rule:       admissionv1.Rule{APIGroups: []string{v1alpha1.GroupVersion.Group}, APIVersions: []string{"*"}, Resources: []string{"whatsappinstances/status"}},
		},
	}}}
	policy.Spec.Validations = []admissionv1.Validation{{Expression: "false", Message: "no status today"}}
	binding := &admissionv1.ValidatingAdmissionPolicyBinding{ObjectMeta: metav1.ObjectMeta{Name: name}}
	binding.Spec.PolicyName = name
	binding.Spec.ValidationActions = []admissionv1.ValidationAction{admissionv1.Deny}
	binding.Spec.MatchResources = &admissionv1.MatchResources{NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": f.ns}}}
	f.alarm.forget()
	for _, object := range []client.Object{policy, binding} {
		if refuse {
			f.Expect(f.admin.Create(f.ctx, object)).To(Succeed())
			f.t.Cleanup(func() { _ = f.admin.Delete(context.WithoutCancel(f.ctx), object) })
		} else {
			f.Expect(f.admin.Delete(f.ctx, object)).To(Succeed())
		}
	}
	f.Eventually(func() bool {
		resource := f.get("line-0")
		apimeta.SetStatusCondition(&resource.Status.Conditions, metav1.Condition{Type: "Probe", Status: metav1.ConditionTrue, Reason: "Probe"})
		err := f.admin.Status().Update(f.ctx, resource, client.DryRunAll)
		return err != nil && !apierrors.IsConflict(err)
	}, patience).Should(Equal(refuse), "the policy comes into force")
}
