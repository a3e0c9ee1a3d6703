// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"slices"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
	"github.com/greenapi-operator/greenapi-operator/internal/restarts"
)

// newFleet is so many lines at work, whose changes begin slowly and have a brake.
func newFleet(t *testing.T, size int) *lines {
	t.Helper()
	l := newLines(t, size, intstr.FromInt32(40))
	l.options.Rollout = restarts.Rules{SlowStart: 1, BrakeAfter: 2, ProbeAfter: 15 * time.Minute}
	l.options.RestartSoak = 10 * time.Minute
	l.restart()
	return l
}

// instanceOf is the number of a line.
func (l *lines) instanceOf(name string) int64 { return instanceID + int64(slices.Index(l.names, name)) }

// restarted are those that were restarted so far, and how many calls it took.
func (l *lines) restarted() (names []string, calls int) {
	for _, name := range l.names {
		if n := l.restarts(name); n > 0 {
			names, calls = append(names, name), calls+n
		}
	}
	return names, calls
}

// keepNothing makes the vendor say yes to every setSettings and keep nothing, or ends that.
func (l *lines) keepNothing(forget bool) {
	for _, name := range l.names {
		l.vendor.Update(l.instanceOf(name), func(in *emulator.Instance) {
			in.Behavior.NeverKept = nil
			if forget {
				in.Behavior.NeverKept = []string{emulator.Everything}
			}
		})
	}
}

// held are those whose settings wait for a reason.
func (l *lines) held(reason string) (names []string) {
	for _, name := range l.names {
		if l.condition(name, v1alpha1.SyncedCondition).Reason == reason {
			names = append(names, name)
		}
	}
	return names
}

// TestR33AChangeGoesOutInRounds of one, two, four and the rest: no more restart than have ended well, and one. Nobody restarts twice.
func TestR33AChangeGoesOutInRounds(t *testing.T) {
	l := newFleet(t, 12)
	l.changeAll()
	l.forward(5 * time.Second)
	names, _ := l.restarted()
	l.Expect(names).To(HaveLen(1))
	held := l.held(v1alpha1.ReasonApplyPending)
	l.Expect(held).To(HaveLen(11))
	waits := l.condition(held[5], v1alpha1.SyncedCondition)
	l.Expect(waits.Message).To(MatchRegexp(`^These settings differ and wait for others of the fleet to restart well first \(--restart-slow-start\); (it is the next one|.* ahead of it): incomingWebhook$`))
	l.Expect(l.condition(held[5], v1alpha1.ReconcilingCondition).Status).To(Equal(metav1.ConditionTrue))
	began := l.clock.Now()
	l.Expect(l.until(2*time.Hour, func() bool {
		restarting, done := l.progress()
		l.Expect(restarting).To(BeNumerically("<=", 1+done))
		return done == len(l.names)
	})).To(BeTrue())
	l.Expect(l.most).To(BeNumerically(">=", 4))
	// Each restart takes a minute and is seen within twenty seconds: four rounds.
	l.Expect(l.clock.Since(began)).To(BeNumerically("<", 4*90*time.Second))
	l.expectOneRestartEach()
}

// TestR34ABadChangeStopsAfterTwo: the rest is untouched, nobody else's fleet is held, and taken back it is as if nothing had been.
func TestR34ABadChangeStopsAfterTwo(t *testing.T) {
	l := newFleet(t, 12)
	l.keepNothing(true)
	l.changeAll()
	l.Expect(l.until(time.Hour, func() bool { return len(l.held(v1alpha1.ReasonRolloutHalted)) == 10 })).To(BeTrue())
	names, calls := l.restarted()
	l.Expect(names).To(HaveLen(2))
	l.Expect(calls).To(Equal(2))
	failed := time.Time{}
	for _, name := range names {
		if at := l.status(name).Rollout.LastFailedTime.Time; at.After(failed) {
			failed = at
		}
	}
	l.Expect(l.clock.Since(failed)).To(BeNumerically("<", 5*time.Second), "who waits is told at once")
	waits := l.names[slices.IndexFunc(l.names, func(name string) bool { return !slices.Contains(names, name) })]
	synced := l.condition(waits, v1alpha1.SyncedCondition)
	l.Expect(synced.Status).To(Equal(metav1.ConditionFalse))
	for _, name := range names {
		l.Expect(synced.Message).To(ContainSubstring(l.ns + "/" + name + ": SettingsNotPersisted"))
	}
	l.Expect(l.ready(waits).Status).To(Equal(metav1.ConditionUnknown))
	l.Expect(l.condition(waits, v1alpha1.ReconcilingCondition).Status).To(Equal(metav1.ConditionTrue))
	l.Expect(l.status(waits).Apply).To(BeNil())
	l.Expect(l.status(waits).ObservedGeneration).To(Equal(l.get(waits).Generation))
	l.Expect(l.status(names[0]).Rollout.LastFailure).To(Equal(v1alpha1.ReasonSettingsNotPersisted))

	// Another process goes on where this one was.
	l.restart()
	l.forward(5 * time.Minute)
	_, calls = l.restarted()
	l.Expect(calls).To(Equal(2))

	for _, name := range l.names {
		l.edit(name, incoming(false))
		if !slices.Contains(names, name) {
			l.vendor.Edit(l.instanceOf(name), map[string]any{"incomingWebhook": "no"})
		}
	}
	l.keepNothing(false)
	l.forward(3 * time.Hour)
	for _, name := range l.names {
		if !slices.Contains(names, name) {
			l.Expect(l.restarts(name)).To(BeZero())
		}
	}
	l.Expect(l.held(v1alpha1.ReasonRolloutHalted)).To(BeEmpty())
}

// TestR34OneIsTriedAfterAWhile: badly, and it waits again; well, and the change goes out slowly.
func TestR34OneIsTriedAfterAWhile(t *testing.T) {
	l := newFleet(t, 8)
	l.keepNothing(true)
	l.changeAll()
	l.Expect(l.until(time.Hour, func() bool { return len(l.held(v1alpha1.ReasonRolloutHalted)) == 6 })).To(BeTrue())
	_, before := l.restarted()
	began := l.clock.Now()
	l.forward(3 * time.Hour)
	_, calls := l.restarted()
	tries := int(l.clock.Since(began) / (15 * time.Minute))
	t.Logf("%d tries in three hours", calls-before)
	l.Expect(calls - before).To(And(BeNumerically(">=", 3), BeNumerically("<=", tries)))
	l.keepNothing(false)
	l.Expect(l.until(4*time.Hour, func() bool { return len(l.held(v1alpha1.ReasonRolloutHalted)) == 0 })).To(BeTrue())
	l.Expect(l.most).To(BeNumerically("<=", 8))
}

// TestR34WhoIsLoggedOutSoonAfterEndedBadly, though its settings are in effect.
func TestR34WhoIsLoggedOutSoonAfterEndedBadly(t *testing.T) {
	l := newFleet(t, 6)
	for _, name := range l.names {
		l.vendor.Update(l.instanceOf(name), func(in *emulator.Instance) { in.Behavior.StateAfterSet = emulator.StateNotAuthorized })
	}
	l.changeAll()
	l.Expect(l.until(2*time.Hour, func() bool { return len(l.held(v1alpha1.ReasonRolloutHalted)) == 4 })).To(BeTrue())
	names, _ := l.restarted()
	t.Logf("%d were restarted", len(names))
	l.Expect(names).To(HaveLen(2))
	bad := 0
	for _, name := range names {
		if r := l.status(name).Rollout; r != nil && r.LastFailure == v1alpha1.ReasonNotAuthorized {
			l.Expect(r.LastSucceededTime).To(BeNil())
			bad++
		}
		l.Expect(l.status(name).Apply.Outcome).To(Equal(v1alpha1.OutcomeConfirmed))
	}
	l.Expect(bad).To(Equal(2))
}

// TestR34AChangeThatTurnsBadLaterStops: each restart ends well, and some minutes later its line is logged out. What had ended well by then
// says nothing: no more begin than the brake lets, and probes.
func TestR34AChangeThatTurnsBadLaterStops(t *testing.T) {
	l := newFleet(t, 60)
	l.changeAll()
	begun, turned := map[string]time.Time{}, map[string]bool{}
	var first time.Time
	l.Expect(l.until(2*time.Hour, func() bool {
		for _, name := range l.names {
			if l.restarts(name) > 0 && begun[name].IsZero() {
				begun[name] = l.clock.Now()
			}
			if at := begun[name]; !at.IsZero() && !turned[name] && l.clock.Since(at) > 3*time.Minute {
				if len(turned) == 0 {
					first = l.clock.Now()
				}
				turned[name] = true
				l.vendor.Update(l.instanceOf(name), func(in *emulator.Instance) { in.State = emulator.StateNotAuthorized })
			}
		}
		return false
	})).To(BeFalse())
	// A state is seen within a minute, in which the fleet goes on and a whole round may begin.
	seen := l.clock.Now()
	for _, name := range l.names {
		if r := l.status(name).Rollout; r != nil && !r.LastFailedTime.IsZero() && r.LastFailedTime.Time.Before(seen) {
			seen = r.LastFailedTime.Time
		}
	}
	l.Expect(seen).To(BeTemporally("<=", first.Add(75*time.Second)), "intervals differ by some seconds")
	before := 0
	for _, at := range begun {
		// A status has no parts of seconds.
		if !at.After(seen.Add(time.Second)) {
			before++
		}
	}
	names, calls := l.restarted()
	t.Logf("%d of 60 were restarted, %d before the first was seen to have turned bad", calls, before)
	l.Expect(calls).To(Equal(len(names)))
	l.Expect(before).To(BeNumerically("<", 40), "it can be told from a change that does not stop")
	// As many as the brake lets, and seven probes in two hours.
	l.Expect(calls).To(BeNumerically("<=", before+2+7))
	l.Expect(l.held(v1alpha1.ReasonRolloutHalted)).NotTo(BeEmpty())
}

// TestR34ARetryThatEndsBadlyCountsOnce: the line's failure is as old as its first.
func TestR34ARetryThatEndsBadlyCountsOnce(t *testing.T) {
	l := newFleet(t, 1)
	l.keepNothing(true)
	l.changeAll()
	name := l.names[0]
	failed := func() *metav1.Time {
		if r := l.status(name).Rollout; r != nil {
			return r.LastFailedTime
		}
		return nil
	}
	l.Expect(l.until(time.Hour, func() bool { return failed() != nil })).To(BeTrue())
	first := *failed()
	l.Expect(l.until(2*time.Hour, func() bool { return l.status(name).Apply.Attempt == 2 && l.status(name).Apply.FinishedTime != nil })).To(BeTrue())
	l.Expect(*failed()).To(Equal(first))
	l.keepNothing(false)
	l.edit(name, func(r *v1alpha1.WhatsAppInstance) { r.Spec.Settings.OutgoingWebhook = new(true) })
	l.settled(name, v1alpha1.ReasonSucceeded)
	l.keepNothing(true)
	l.edit(name, incoming(false))
	l.Expect(l.until(time.Hour, func() bool { return failed().After(first.Time) })).To(BeTrue(), "another change that ends badly is news")
}

// TestR34WhoWasNotAtWorkCountsNeitherWay, and waits for nobody.
func TestR34WhoWasNotAtWorkCountsNeitherWay(t *testing.T) {
	l := newFleet(t, 6)
	for _, name := range l.names {
		l.vendor.SetState(l.instanceOf(name), emulator.StateNotAuthorized)
	}
	l.forward(2 * time.Minute)
	l.keepNothing(true)
	l.changeAll()
	l.forward(time.Minute)
	names, _ := l.restarted()
	l.Expect(names).To(HaveLen(6))
	l.forward(10 * time.Minute)
	for _, name := range l.names {
		l.Expect(l.status(name).Rollout).To(BeNil())
	}
}

// TestR34APersonsWordGoesPastTheBrake, once, and no further.
func TestR34APersonsWordGoesPastTheBrake(t *testing.T) {
	l := newFleet(t, 6)
	l.keepNothing(true)
	l.changeAll()
	l.Expect(l.until(time.Hour, func() bool { return len(l.held(v1alpha1.ReasonRolloutHalted)) == 4 })).To(BeTrue())
	waits := l.held(v1alpha1.ReasonRolloutHalted)[3]
	l.requests(waits, v1alpha1.ApplyRequestedAtAnnotation, "now")
	l.forward(5 * time.Second)
	l.Expect(l.restarts(waits)).To(Equal(1))
	l.Expect(l.status(waits).LastHandledApplyAt).To(Equal("now"))
	l.forward(10 * time.Minute)
	names, _ := l.restarted()
	l.Expect(names).To(HaveLen(3))
}

// TestR33ALabelMakesAFleetOfNamespaces, and what has none is in that of its namespace.
func TestR33ALabelSaysWhichFleet(t *testing.T) {
	l := newFleet(t, 8)
	l.options.FleetLabel = fleetLabel
	l.restart()
	for i, name := range l.names {
		l.edit(name, func(r *v1alpha1.WhatsAppInstance) {
			if i%2 == 0 {
				r.Labels = map[string]string{fleetLabel: "blue"}
			}
		})
	}
	l.forward(5 * time.Second)
	l.changeAll()
	l.forward(5 * time.Second)
	names, _ := l.restarted()
	l.Expect(names).To(HaveLen(2), "one of either fleet")
}

// TestR29WhoWaitsForItsFleetCostsWhatIsInOrderCosts: no pass, no write, and no more calls.
func TestR29WhoWaitsForItsFleetCostsWhatIsInOrderCosts(t *testing.T) {
	l := newFleet(t, 6)
	l.keepNothing(true)
	l.changeAll()
	l.Expect(l.until(time.Hour, func() bool { return len(l.held(v1alpha1.ReasonRolloutHalted)) == 4 })).To(BeTrue())
	waits := l.held(v1alpha1.ReasonRolloutHalted)[3]
	l.forward(5 * time.Second)
	version := l.get(waits).ResourceVersion
	calls := len(l.vendor.Calls(l.instanceOf(waits), ""))
	l.forward(8 * time.Minute)
	l.Expect(l.get(waits).ResourceVersion).To(Equal(version))
	l.Expect(len(l.vendor.Calls(l.instanceOf(waits), "")) - calls).To(BeNumerically("<=", 14))
	_, polled := l.polls[waits]
	l.Expect(polled).To(BeTrue(), "it is polled")
}
