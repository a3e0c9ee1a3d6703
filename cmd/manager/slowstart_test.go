// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	apimeta "k8s.io/apimachinery/pkg/api/meta"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// allReady waits until every line is in order.
func (f *fleet) allReady() {
	f.t.Helper()
	f.Eventually(func() bool {
		return !slices.ContainsFunc(f.names, func(name string) bool {
			return !apimeta.IsStatusConditionTrue(f.get(name).Status.Conditions, v1alpha1.ReadyCondition)
		})
	}, patience).Should(BeTrue(), "%s", f.alarm)
}

// synced counts the lines whose condition Synced has a reason.
func (f *fleet) synced(reason string) int {
	n := 0
	for _, name := range f.names {
		if c := apimeta.FindStatusCondition(f.get(name).Status.Conditions, v1alpha1.SyncedCondition); c != nil && c.Reason == reason {
			n++
		}
	}
	return n
}

// TestR33AChangeOfAFleetGoesOutInRounds: by the vendor's record no more restart at once than have ended well before, and one.
func TestR33AChangeOfAFleetGoesOutInRounds(t *testing.T) {
	t.Parallel()
	f := newFleet(t, admin, 12)
	p := f.launch(newGate(t, environment.Config))
	f.allReady()
	for _, name := range f.names {
		f.delay(name, 1000)
	}
	f.Eventually(f.sets, patience).Should(BeNumerically(">=", 3), "%s", f.alarm)
	p.kill()
	f.launch(newGate(t, environment.Config))
	f.converge("slowly")
	var begins []time.Time
	for _, call := range f.vendor.Calls(0, "setSettings") {
		begins = append(begins, call.Time)
	}
	slices.SortFunc(begins, time.Time.Compare)
	f.Expect(begins).To(HaveLen(12))
	for i, at := range begins {
		ended := 0
		for _, before := range begins[:i] {
			if !before.Add(restartTime).After(at) {
				ended++
			}
		}
		f.Expect(i+1-ended).To(BeNumerically("<=", 1+ended), "the restart %d began while too many were under way", i+1)
	}
}

// TestR34ABadChangeOfOneNamespaceStops, while that of another goes on, and a process that is killed in the middle changes nothing.
func TestR34ABadChangeOfOneNamespaceStops(t *testing.T) {
	t.Parallel()
	bad, good := newFleet(t, admin, 8), newFleet(t, admin, 4)
	good.url = bad.url
	flags := []string{"--watch-namespaces=" + bad.ns + "," + good.ns, "--retry-apply-after=1h"}
	for i, name := range good.names {
		// One vendor for both.
		resource := good.get(name)
		good.Expect(admin.Delete(good.ctx, resource)).To(Succeed())
		resource.ResourceVersion, resource.UID = "", ""
		resource.Spec.IDInstance = firstID + 100 + int64(i)
		bad.vendor.Add(emulator.Instance{ID: resource.Spec.IDInstance, Token: good.tokens[name]})
		good.Expect(admin.Create(good.ctx, resource)).To(Succeed())
	}
	p := bad.launch(newGate(t, environment.Config), flags...)
	bad.allReady()
	good.allReady()
	for _, name := range bad.names {
		bad.vendor.Update(bad.id(name), func(in *emulator.Instance) { in.Behavior.NeverKept = []string{emulator.Everything} })
		bad.delay(name, 1000)
	}
	for _, name := range good.names {
		good.delay(name, 1000)
	}
	restarted := func(first, last int64) int {
		n := 0
		for id := first; id < last; id++ {
			// A call whose outcome nobody knows, because of a kill, may be repeated.
			n += min(bad.vendor.Restarts(id), 1)
		}
		return n
	}
	bad.Eventually(func() int { return restarted(firstID, firstID+8) }, patience).Should(BeNumerically(">=", 1), "%s", bad.alarm)
	p.kill()
	p = bad.launch(newGate(t, environment.Config), flags...)
	bad.Eventually(func() int { return bad.synced(v1alpha1.ReasonRolloutHalted) }, patience).Should(BeNumerically(">=", 5), "%s", bad.alarm)
	good.Eventually(func() int { return good.synced(v1alpha1.ReasonUpToDate) }, patience).Should(Equal(4), "%s", bad.alarm)
	p.kill()
	bad.launch(newGate(t, environment.Config), flags...)
	// A new process has looked at all of them once the vendor was asked for each of their settings.
	asked := len(bad.vendor.Calls(0, "getSettings"))
	bad.Eventually(func() int { return len(bad.vendor.Calls(0, "getSettings")) - asked }, patience).Should(BeNumerically(">=", 24), "%s", bad.alarm)
	// Two, and one more where the time of a call whose outcome the kill hid was over before that was judged.
	bad.Expect(restarted(firstID, firstID+8)).To(BeNumerically("<=", 3), "the rest is untouched")
	bad.Expect(restarted(firstID+100, firstID+104)).To(Equal(4))
}
