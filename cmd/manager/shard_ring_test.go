// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
	"github.com/greenapi-operator/greenapi-operator/internal/sharding"
)

// sharder does what the sharder of kubernetes-controller-sharding does: it says by labels which shard has which line.
type sharder struct {
	*fleet
	ring   sharding.Ring
	shards map[string]*shard
}

// newSharder makes a ring, of which a, b and so on are the shards.
func newSharder(t *testing.T, size int) *sharder {
	t.Helper()
	f := newFleet(t, admin, size)
	return &sharder{fleet: f, ring: sharding.Ring{Name: f.ns}, shards: map[string]*shard{}}
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
	g := newGate(t, environment.Config)
	var selectors sync.Map
	g.kubeconfig = stand(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/whatsappinstances") {
			selectors.Store(r.URL.Query().Get("labelSelector"), true)
		}
		g.ServeHTTP(w, r)
	}))
	a, b := s.joinBy(g, "a", "--watch-label-selector=tier=paid"), s.join("b", "--watch-label-selector=tier=paid")
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
	// What is another's is not even sent to it.
	selectors.Range(func(selector, _ any) bool {
		s.Expect(strings.Split(selector.(string), ",")).To(ConsistOf(s.ring.ShardLabel()+"=a", "tier=paid"))
		return true
	})

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
	t.Parallel()
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
			a.process.expectExit(name)
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
	a.process.expectExit("its lease is another's")
	s.Expect(a.process.command.ProcessState.Success()).To(BeFalse(), "so that it is started again")
	calls := a.calls.Load()
	s.join("b")
	s.assign("line-0", "b")
	s.delay("line-0", 2000)
	s.converge("b has it")
	s.Expect(a.calls.Load()).To(Equal(calls))
}
