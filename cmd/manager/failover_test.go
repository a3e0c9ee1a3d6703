// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

const leaseName = "manager.greenapi-operator.dev"

// pair is a leader and a standby with warm caches, with the lease of the defaults.
type pair struct {
	*fleet
	leader, standby *process
	// lease of the leader.
	holder string
}

func newPair(t *testing.T, size int, flags ...string) *pair {
	t.Helper()
	p := &pair{fleet: newFleet(t, admin, size)}
	p.flags = append(flags, "--leader-elect", "--leader-election-namespace="+p.ns)
	p.leader = p.launch(newGate(t, environment.Config))
	p.Eventually(p.holds, patience).ShouldNot(BeEmpty(), "%s", p.alarm)
	p.holder = p.holds()
	p.standby = p.launch(newGate(t, environment.Config))
	p.Eventually(p.standby.gate.watching, patience).Should(BeNumerically(">", 3), "the standby fills its caches\n%s", p.alarm)
	return p
}

// holds is who holds the lease.
func (p *pair) holds() string {
	lease := &coordinationv1.Lease{}
	if p.admin.Get(p.ctx, client.ObjectKey{Namespace: p.ns, Name: leaseName}, lease) != nil || lease.Spec.HolderIdentity == nil {
		return ""
	}
	return *lease.Spec.HolderIdentity
}

// awaitFailover waits until another process holds the lease.
func (p *pair) awaitFailover() {
	p.t.Helper()
	since := time.Now()
	p.Eventually(p.holds, patience).ShouldNot(Or(BeEmpty(), Equal(p.holder)), "the standby takes over\n%s", p.alarm)
	p.t.Logf("the standby held the lease %.1f s later", time.Since(since).Seconds())
}

// TestFailoverFromAKilledLeader: the standby finds out what became of the leader's write.
func TestFailoverFromAKilledLeader(t *testing.T) {
	t.Parallel()
	for _, at := range instants[1:6] {
		t.Run(at.name, func(t *testing.T) {
			t.Parallel()
			p := newPair(t, 2)
			at.arm(p.fleet, p.leader.gate, p.leader.kill)
			p.delay("line-0", 1000)
			p.delay("line-1", 2000)
			p.leader.expectExit(at.name)
			p.awaitFailover()
			p.converge("after the failover")
		})
	}
}

// TestFailoverFromAFrozenLeader: a leader that is frozen with an intent in hand sends nothing when it wakes up, whether
// the standby has carried out the change by then or waits for its outcome still; it finds its lease gone, and ends.
func TestFailoverFromAFrozenLeader(t *testing.T) {
	t.Parallel()
	frozen := map[string]instant{
		"before its call, woken up when the standby has done its work": instants[1],
		"before its call, woken up as soon as the standby leads":       instants[1],
		"during its call":                       {"", atCall(emulator.Fault{DelayBefore: 500 * time.Millisecond})},
		"after its call, before the outcome":    {"", atCall(emulator.Fault{DelayAfter: 500 * time.Millisecond, AfterEffect: true})},
		"after it stored what became of it":     {"", atWrite(turns(v1alpha1.OutcomeSettling), true)},
		"while it stores what became of it":     {"", atWrite(turns(v1alpha1.OutcomeSettling), false)},
		"before it confirms that it had effect": {"", atWrite(turns(v1alpha1.OutcomeConfirmed), false)},
	}
	for name, at := range frozen {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPair(t, 2)
			stopped := make(chan struct{})
			at.arm(p.fleet, p.leader.gate, func() { p.leader.signal(syscall.SIGSTOP); close(stopped) })
			p.delay("line-0", 1000)
			p.Eventually(stopped, patience).Should(BeClosed())
			p.delay("line-1", 2000)
			p.awaitFailover()
			if at.name == "" || name == "before its call, woken up when the standby has done its work" {
				p.converge("the standby does its work")
			}
			p.leader.signal(syscall.SIGCONT)
			p.leader.expectExit("a leader without its lease ends")
			p.converge("after the frozen leader woke up")
		})
	}
}

// TestFailoverOnSIGTERM: a leader that is told to stop hands over without waiting for its lease to run out.
func TestFailoverOnSIGTERM(t *testing.T) {
	t.Parallel()
	p := newPair(t, 1)
	p.vendor.Fault(emulator.Fault{Method: "setSettings", DelayAfter: time.Second, AfterEffect: true})
	p.delay("line-0", 1000)
	p.Eventually(p.sets, patience).Should(Equal(1))
	p.leader.signal(syscall.SIGTERM)
	p.leader.expectExit("told to stop")
	p.Expect(p.leader.command.ProcessState.Success()).To(BeTrue(), "%s", p.alarm)
	p.Expect(p.get("line-0").Status.Apply.Outcome).NotTo(Equal(v1alpha1.OutcomePending))
	p.awaitFailover()
	p.converge("after the hand-over")
}

// TestTwoLeadersAtOnce: without leader election two processes look after the same resources, which nobody should do; the
// precondition of the intent still lets only one of them write.
func TestR10TwoProcessesAtOnce(t *testing.T) {
	t.Parallel()
	f := newFleet(t, admin, 4)
	for range 3 {
		f.launch(newGate(t, environment.Config))
	}
	for round := range rounds(t, 3) {
		for _, name := range f.names {
			f.delay(name, int32(1000+round))
		}
		f.converge("with three processes")
	}
}
