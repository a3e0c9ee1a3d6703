// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// restartTime is how long the instances of a fleet restart.
const restartTime = 300 * time.Millisecond

// atOnce is how many instances of a fleet restarted at once, at the most.
func (f *fleet) atOnce() int {
	var begins, ends []time.Time
	for _, call := range f.vendor.Calls(0, "setSettings") {
		if call.Effect {
			begins, ends = append(begins, call.Time), append(ends, call.Time.Add(restartTime))
		}
	}
	slices.SortFunc(begins, time.Time.Compare)
	slices.SortFunc(ends, time.Time.Compare)
	most, ended := 0, 0
	for begun, at := range begins {
		for !ends[ended].After(at) {
			ended++
		}
		most = max(most, begun+1-ended)
	}
	return most
}

// waiting reports whether somebody waits for a turn.
func (f *fleet) waiting() bool {
	for _, name := range f.names {
		for _, condition := range f.get(name).Status.Conditions {
			if condition.Type == "Synced" && condition.Reason == "ApplyPending" {
				return true
			}
		}
	}
	return false
}

// TestR28TheBoundOfRestartsHoldsAcrossProcesses: a fleet is changed at once, and the process is killed in the middle, or a
// standby takes over.
func TestR28TheBoundOfRestartsHoldsAcrossProcesses(t *testing.T) {
	t.Parallel()
	const size, bound = 8, 2
	changeAll := func(f *fleet) {
		for _, name := range f.names {
			f.delay(name, 1000)
		}
		f.Eventually(f.sets, patience).Should(BeNumerically(">", bound), "%s", f.alarm)
		f.Expect(f.waiting()).To(BeTrue())
	}
	check := func(f *fleet) {
		f.converge("with at most two at once")
		f.Expect(f.atOnce()).To(Equal(bound))
	}
	t.Run("one process that is killed", func(t *testing.T) {
		t.Parallel()
		f := newFleet(t, admin, size)
		f.flags = []string{fmt.Sprintf("--max-concurrent-restarts=%d", bound), "--restart-slow-start=0"}
		p := f.launch(newGate(t, environment.Config))
		changeAll(f)
		p.kill()
		f.launch(newGate(t, environment.Config))
		check(f)
	})
	t.Run("two replicas", func(t *testing.T) {
		t.Parallel()
		p := newPair(t, size, fmt.Sprintf("--max-concurrent-restarts=%d", bound), "--restart-slow-start=0")
		changeAll(p.fleet)
		p.leader.kill()
		p.awaitFailover()
		check(p.fleet)
	})
}

// TestR28NamespacesTakeTurns: one that changes many instances does not hold up another's single one.
func TestR28NamespacesTakeTurns(t *testing.T) {
	t.Parallel()
	crowd, single := newFleet(t, admin, 8), newFleet(t, admin, 1)
	// One vendor for both.
	single.vendor, single.url = crowd.vendor, crowd.url
	single.vendor.Add(emulator.Instance{ID: firstID + 100, Token: single.tokens["line-0"]})
	resource := single.get("line-0")
	single.Expect(admin.Delete(single.ctx, resource)).To(Succeed())
	resource.ResourceVersion, resource.UID = "", ""
	resource.Spec.IDInstance = firstID + 100
	single.Expect(admin.Create(single.ctx, resource)).To(Succeed())
	crowd.launch(newGate(t, environment.Config), "--watch-namespaces="+crowd.ns+","+single.ns, "--max-concurrent-restarts=1", "--restart-slow-start=0")
	single.Eventually(func() bool { return single.get("line-0").Status.ObservedGeneration > 0 }, patience).Should(BeTrue(), "%s", crowd.alarm)

	for _, name := range crowd.names {
		crowd.delay(name, 1000)
	}
	crowd.Eventually(crowd.sets, patience).Should(BeNumerically(">=", 1), "%s", crowd.alarm)
	single.delay("line-0", 1000)
	crowd.converge("the many")
	calls := crowd.vendor.Calls(0, "setSettings")
	slices.SortFunc(calls, func(a, b emulator.Call) int { return a.Time.Compare(b.Time) })
	place := slices.IndexFunc(calls, func(c emulator.Call) bool { return c.ID == firstID+100 })
	crowd.Expect(calls).To(HaveLen(9))
	crowd.Expect(place).To(BeNumerically("<", 6), "it comes next, and not last")
}
