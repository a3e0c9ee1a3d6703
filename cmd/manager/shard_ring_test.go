// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/controllers"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// sharder does what the sharder of kubernetes-controller-sharding does: it says by labels which shard has which line.
type sharder struct {
	*fleet
	ring   controllers.Ring
	shards map[string]*shard
}

// newSharder makes a ring, of which a, b and so on are the shards.
func newSharder(t *testing.T, size int) *sharder {
	t.Helper()
	f := newFleet(t, admin, size)
	return &sharder{fleet: f, ring: controllers.Ring{Name: f.ns}, shards: map[string]*shard{}}
}

// join starts a shard.
func (s *sharder) join(name string, flags ...string) *shard {
	s.t.Helper()
	return s.joinBy(newGate(s.t, environment.Config), name, flags...)
}

func (s *sharder) joinBy(g *gate, name string, flags ...string) *shard {
	s.t.Helper()
	s.shards[name] = newShard(s.fleet, g, name, append(flags, "--shard-ring="+s.ring.Name, "--shard-name="+name)...)
	return s.shards[name]
}

// assign gives a line to a shard, as its webhook or its controller does.
func (s *sharder) assign(line, shard string) {
	s.t.Helper()
	s.patch(line, fmt.Sprintf(`{%q:%q,%q:null}`, s.ring.ShardLabel(), shard, s.ring.DrainLabel()))
}

// drain asks the shard of a line to let go of it.
func (s *sharder) drain(line string) {
	s.t.Helper()
	s.patch(line, fmt.Sprintf(`{%q:"true"}`, s.ring.DrainLabel()))
}

func (s *sharder) patch(line, labels string) {
	s.t.Helper()
	s.Expect(s.admin.Patch(s.ctx, s.get(line), client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"labels":`+labels+`}}`)))).To(Succeed())
}

// awaitRelease waits until the shard has let go of a line, and returns the line as it was then.
func (s *sharder) awaitRelease(line string) (released *v1alpha1.WhatsAppInstance) {
	s.t.Helper()
	s.Eventually(func() map[string]string {
		released = s.get(line)
		return released.Labels
	}, patience, 20*time.Millisecond).ShouldNot(Or(HaveKey(s.ring.ShardLabel()), HaveKey(s.ring.DrainLabel())), "%s\n%s", line, s.alarm)
	return released
}

// lease is the one of a shard.
func (s *sharder) lease(name string) *coordinationv1.Lease {
	lease := &coordinationv1.Lease{}
	if err := s.admin.Get(s.ctx, client.ObjectKey{Namespace: s.ns, Name: name}, lease); err != nil {
		return &coordinationv1.Lease{}
	}
	return lease
}

func (s *sharder) holder(name string) func() string {
	return func() string {
		if holder := s.lease(name).Spec.HolderIdentity; holder != nil {
			return *holder
		}
		return "nobody yet"
	}
}

// awaitShard waits until a shard announces itself as the sharder wants it.
func (s *sharder) awaitShard(name string) {
	s.t.Helper()
	s.Eventually(s.holder(name), patience).Should(Equal(name), "%s", s.alarm)
	s.Expect(s.lease(name).Labels).To(HaveKeyWithValue("alpha.sharding.timebertt.dev/controllerring", s.ring.Name))
}

// TestShardsOfARing: a shard announces itself by a lease of its own, looks after what the sharder assigns to it and the
// selector wants, and lets go of what the sharder asks for, after which it makes no call.
func TestShardsOfARing(t *testing.T) {
	t.Parallel()
	s := newSharder(t, 5)
	for i, line := range s.names {
		s.assign(line, []string{"a", "b"}[i%2])
		s.patch(line, `{"tier":"paid"}`)
	}
	// Assigned and not selected; selected and not assigned.
	s.patch("line-3", `{"tier":"free"}`)
	s.patch("line-4", fmt.Sprintf(`{%q:null}`, s.ring.ShardLabel()))
	left := s.names[3:]
	s.names = s.names[:3]
	a, b := s.join("a", "--watch-label-selector=tier=paid"), s.join("b", "--watch-label-selector=tier=paid")
	s.awaitShard("a")
	s.awaitShard("b")
	for i, line := range s.names {
		s.delay(line, int32(1000+i))
	}
	s.converge("two shards")
	for _, line := range []string{"line-0", "line-2"} {
		s.Expect(b.callsOf(s.id(line))).To(BeZero(), "%s is a's", line)
	}
	s.Expect(a.callsOf(s.id("line-1"))).To(BeZero())

	s.drain("line-0")
	s.awaitRelease("line-0")
	calls := a.callsOf(s.id("line-0"))
	s.delay("line-2", 2000)
	s.Eventually(func() int { return s.vendor.Restarts(s.id("line-2")) }, patience).Should(Equal(s.restarts["line-2"]), "a works on\n%s", s.alarm)
	s.assign("line-0", "b")
	s.delay("line-0", 2000)
	s.converge("line-0 is b's")
	s.Expect(a.callsOf(s.id("line-0"))).To(Equal(calls), "a makes no call any more")
	for _, line := range left {
		s.Expect(a.callsOf(s.id(line))+b.callsOf(s.id(line))).To(BeZero(), "nobody looks after %s", line)
	}
	s.drain("line-0")
	s.awaitRelease("line-0")
	s.assign("line-0", "a")
	s.delay("line-0", 3000)
	s.converge("and back")
}

// TestALineMovesInTheMiddleOfAWrite: whenever the sharder asks for a line, there is one restart for one change, and the
// shard that lets go has stored what became of its call.
func TestALineMovesInTheMiddleOfAWrite(t *testing.T) {
	t.Parallel()
	s := newSharder(t, 2)
	gates := map[string]*gate{"a": newGate(t, environment.Config), "b": newGate(t, environment.Config)}
	for _, line := range s.names {
		s.assign(line, "a")
	}
	s.joinBy(gates["a"], "a")
	s.joinBy(gates["b"], "b")
	s.converge("at the beginning")
	has := "a"
	for i, at := range instants[:9] {
		s.Expect(s.get("line-0").Labels).To(HaveKeyWithValue(s.ring.ShardLabel(), has))
		asked := make(chan struct{})
		at.arm(s.fleet, gates[has], func() { s.drain("line-0"); close(asked) })
		s.delay("line-0", int32(1000+i))
		s.Eventually(asked, patience).Should(BeClosed(), "%s\n%s", at.name, s.alarm)
		released := s.awaitRelease("line-0")
		if at.name != "after the answer, before the outcome is stored" {
			// There the write of the outcome failed, and nobody but the vendor knows what became of the call.
			s.Expect(outcomeOf(&released.Status)).NotTo(Equal(v1alpha1.OutcomePending), at.name)
		}
		has = map[string]string{"a": "b", "b": "a"}[has]
		s.assign("line-0", has)
		s.converge(at.name)
	}
}

// TestAShardEnds: one that is told to stop releases its lease at once; one that is killed keeps it until it runs out. Either
// way the sharder gives its lines to another without asking, in the middle of a write.
func TestAShardEnds(t *testing.T) {
	for name, end := range map[string]func(*process){
		"told to stop": func(p *process) { p.signal(syscall.SIGTERM) },
		"killed":       (*process).kill,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSharder(t, 2)
			for _, line := range s.names {
				s.assign(line, "a")
			}
			a := s.join("a")
			s.join("b")
			s.awaitShard("a")
			s.awaitShard("b")
			s.vendor.Fault(emulator.Fault{Method: "setSettings", DelayAfter: time.Second, AfterEffect: true})
			s.delay("line-0", 1000)
			s.Eventually(s.sets, patience).Should(Equal(1))
			end(a.process)
			a.process.gone(name)
			if name == "told to stop" {
				s.Expect(a.process.command.ProcessState.Success()).To(BeTrue(), "%s", s.alarm)
				s.Expect(s.holder("a")()).To(BeEmpty(), "released at its end")
				s.Expect(s.get("line-0").Status.Apply.Outcome).NotTo(Equal(v1alpha1.OutcomePending))
			} else {
				s.Expect(s.holder("a")()).To(Equal("a"), "nobody released it")
				lease := s.lease("a")
				s.Eventually(func() bool {
					return time.Now().After(lease.Spec.RenewTime.Add(time.Duration(*lease.Spec.LeaseDurationSeconds) * time.Second))
				}, patience).Should(BeTrue(), "it runs out")
			}
			for _, line := range s.names {
				s.assign(line, "b")
			}
			s.delay("line-1", 2000)
			s.converge("b has everything")
		})
	}
}

// TestAShardWhoseLeaseIsTaken: the sharder takes the lease of a shard that it holds for dead, and then gives its lines to
// another. The shard ends.
func TestAShardWhoseLeaseIsTaken(t *testing.T) {
	t.Parallel()
	s := newSharder(t, 1)
	s.assign("line-0", "a")
	a := s.join("a")
	s.delay("line-0", 1000)
	s.converge("at the beginning")
	s.Expect(retry.RetryOnConflict(retry.DefaultRetry, func() error {
		lease := s.lease("a")
		now := metav1.NowMicro()
		lease.Spec.HolderIdentity, lease.Spec.LeaseDurationSeconds = new("shardlease-controller"), new(int32(20))
		lease.Spec.RenewTime, lease.Spec.AcquireTime = &now, &now
		return s.admin.Update(s.ctx, lease)
	})).To(Succeed())
	a.process.gone("its lease is another's")
	s.Expect(a.process.command.ProcessState.Success()).To(BeFalse(), "so that it is started again")
	calls := a.calls.Load()
	s.join("b")
	s.assign("line-0", "b")
	s.delay("line-0", 2000)
	s.converge("b has it")
	s.Expect(a.calls.Load()).To(Equal(calls))
}

// TestTheSharderChangesItsMind: a drain needs no poll to be noticed, even of a line that is paused. Labels that were set anew
// while the shard was about to remove them stay.
func TestTheSharderChangesItsMind(t *testing.T) {
	t.Parallel()
	s := newSharder(t, 2)
	g := newGate(t, environment.Config)
	patches, pass := make(chan string), make(chan struct{})
	t.Cleanup(func() { close(pass) })
	g.kubeconfig = stand(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPatch {
			held := httptest.NewRecorder()
			select {
			case patches <- r.URL.Path:
				<-pass
			case <-s.ctx.Done():
			}
			g.ServeHTTP(held, r)
			w.WriteHeader(held.Code)
			_, _ = w.Write(held.Body.Bytes())
			return
		}
		g.ServeHTTP(w, r)
	}))
	for _, line := range s.names {
		s.assign(line, "a")
	}
	s.joinBy(g, "a", "--state-interval=1h", "--settings-interval=1h")
	s.converge("at the beginning")

	s.drain("line-0")
	s.Eventually(patches, patience).Should(Receive(HaveSuffix("/whatsappinstances/line-0")), "the shard acknowledges\n%s", s.alarm)
	s.assign("line-0", "b")
	pass <- struct{}{}
	s.join("b")
	s.delay("line-0", 1000)
	s.converge("b has line-0")
	s.Expect(s.get("line-0").Labels).To(HaveKeyWithValue(s.ring.ShardLabel(), "b"), "nobody took it from b")

	// Asked for once more at once: the second time counts as well.
	s.edit("line-1", 0, func(r *v1alpha1.WhatsAppInstance) { r.Spec.Paused = true })
	s.drain("line-1")
	s.Eventually(patches, patience).Should(Receive(HaveSuffix("/whatsappinstances/line-1")), "%s", s.alarm)
	s.patch("line-1", fmt.Sprintf(`{%q:"anew"}`, s.ring.DrainLabel()))
	pass <- struct{}{}
	s.Eventually(patches, patience).Should(Receive(HaveSuffix("/whatsappinstances/line-1")), "%s", s.alarm)
	s.Expect(s.get("line-1").Labels).To(HaveKeyWithValue(s.ring.DrainLabel(), "anew"))
	pass <- struct{}{}
	s.awaitRelease("line-1")
}

// TestAShardThatHearsNothingMakesNoCall: the shard has let go of a line, and its watch of the lines does not tell it so, while
// that of the Secrets gives it reason to look.
func TestAShardThatHearsNothingMakesNoCall(t *testing.T) {
	t.Parallel()
	s := newSharder(t, 2)
	g := newGate(t, environment.Config)
	var deaf atomic.Bool
	patched := make(chan struct{}, 1)
	g.kubeconfig = stand(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		lines := strings.HasSuffix(r.URL.Path, "/whatsappinstances")
		switch {
		case r.Method == http.MethodPatch:
			deaf.Store(true)
			g.cut()
			g.ServeHTTP(w, r)
			patched <- struct{}{}
		case deaf.Load() && lines:
			<-r.Context().Done()
		default:
			g.ServeHTTP(w, r)
		}
	}))
	for _, line := range s.names {
		s.assign(line, "a")
	}
	a := s.joinBy(g, "a", "--state-interval=1h", "--settings-interval=1h")
	s.converge("at the beginning")
	s.drain("line-0")
	s.Eventually(patched, patience).Should(Receive(), "%s", s.alarm)
	calls := a.callsOf(s.id("line-0"))
	for range 3 {
		other := a.callsOf(s.id("line-1"))
		for _, line := range s.names {
			s.token(line)
		}
		s.Eventually(func() int64 { return a.callsOf(s.id("line-1")) }, patience).Should(BeNumerically(">", other), "it looks after line-1\n%s", s.alarm)
	}
	s.Expect(a.callsOf(s.id("line-0"))).To(Equal(calls))
}

// token gives a line another API token.
func (s *sharder) token(line string) {
	s.t.Helper()
	token := fmt.Sprintf("canary-%s-%d-%s", line, time.Now().UnixNano(), s.ns)
	s.vendor.RotateToken(s.id(line), token)
	s.secret(line+"-token", "apiTokenInstance", token)
}

// TestFlagsOfAShardAreExplained: what makes no sense in a ring is refused with what to write.
func TestFlagsOfAShardAreExplained(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for flags, want := range map[string]string{
		"--shard-name=a": "--shard-name needs --shard-ring",
		"--shard-ring=" + strings.Repeat("x", 64):                    "--shard-ring must be the name of a ControllerRing, such as greenapi: small letters, digits, - and ., at most 63",
		"--shard-ring=Green":                                         "--shard-ring must be the name of a ControllerRing",
		"--shard-ring=a/b":                                           "--shard-ring must be the name of a ControllerRing",
		"--shard-ring=r --shard-name=under_score":                    `--shard-name must be small letters, digits, - and ., at most 63 of them, such as shard-1; it is "under_score"`,
		"--shard-ring=r --shard-name=" + strings.Repeat("x", 64):     "--shard-name must be small letters",
		"--shard-ring=r --shard-name=a --leader-elect=false":         "leave --leader-elect=false out",
		"--shard-ring=r --shard-name=a --leader-election-id=x":       "leave --leader-election-id out, or set --shard-name",
		"--shard-ring=r --shard-name=a --leader-election-namespace=": "--leader-election-namespace is needed outside a cluster",
	} {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		command := w.command(strings.Fields(flags)...)
		var output bytes.Buffer
		command.Stdout, command.Stderr = &output, &output
		w.Expect(command.Start()).To(Succeed())
		context.AfterFunc(ctx, func() { _ = command.Process.Kill() })
		if err := command.Wait(); err == nil {
			t.Errorf("%s is accepted", flags)
		}
		cancel()
		if !strings.Contains(output.String(), want) {
			t.Errorf("%s: %s\nwant a message with %q", flags, output.String(), want)
		}
	}
}
