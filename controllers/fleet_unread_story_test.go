// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"slices"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// unreadable makes the vendor fail whatever is read of a line.
func (l *lines) unreadable(name string) {
	l.vendor.Fault(emulator.Fault{ID: l.instanceOf(name), Status: 500, Times: -1})
}

// nextOf is who waits at the front.
func (l *lines) nextOf() string {
	l.t.Helper()
	i := slices.IndexFunc(l.names, func(name string) bool {
		return l.condition(name, v1alpha1.SyncedCondition).Reason == v1alpha1.ReasonApplyPending && l.isNext(name)
	})
	l.Expect(i).To(BeNumerically(">=", 0), "one is the next")
	return l.names[i]
}

func (l *lines) isNext(name string) bool {
	ok, _ := ContainSubstring("it is the next one").Match(l.condition(name, v1alpha1.SyncedCondition).Message)
	return ok
}

// TestR29WhoCannotBeReadKeepsNoPlaceInItsFleet: its place is there, and it does not come to use it.
func TestR29WhoCannotBeReadKeepsNoPlaceInItsFleet(t *testing.T) {
	l := newFleet(t, 6)
	l.changeAll()
	l.forward(5 * time.Second)
	next := l.nextOf()
	l.unreadable(next)
	l.forward(2 * time.Hour)
	l.Expect(l.held(v1alpha1.ReasonUpToDate)).To(HaveLen(5))
	// The next change, in a fleet in which nothing has happened for long.
	for _, name := range l.names {
		if name != next {
			l.edit(name, incoming(false))
		}
	}
	l.forward(2 * time.Hour)
	_, calls := l.restarted()
	l.Expect(calls).To(Equal(10))
}

// TestR34AProbeThatCannotBeReadKeepsTheBrakeOnForNobody: the first in the queue is to be the probe, and does not come.
func TestR34AProbeThatCannotBeReadKeepsTheBrakeOnForNobody(t *testing.T) {
	l := newFleet(t, 6)
	l.changeAll()
	l.keepNothing(true)
	l.Expect(l.until(time.Hour, func() bool { return len(l.held(v1alpha1.ReasonRolloutHalted)) == 4 })).To(BeTrue())
	waits := l.held(v1alpha1.ReasonRolloutHalted)
	l.keepNothing(false)
	// Nobody can be read when the time of the probe comes.
	for _, name := range waits {
		l.unreadable(name)
	}
	l.forward(time.Hour)
	l.vendor.ClearFaults()
	l.unreadable(waits[0])
	l.forward(6 * time.Hour)
	names, _ := l.restarted()
	l.Expect(names).To(HaveLen(5))
}

// TestR34AProbeOfALineThatIsNotAuthorizedIsAProbe: how it ends counts neither way, and the next follows as late.
func TestR34AProbeOfALineThatIsNotAuthorizedIsAProbe(t *testing.T) {
	l := newFleet(t, 8)
	l.keepNothing(true)
	l.changeAll()
	l.Expect(l.until(time.Hour, func() bool { return len(l.held(v1alpha1.ReasonRolloutHalted)) == 6 })).To(BeTrue())
	waits := l.held(v1alpha1.ReasonRolloutHalted)
	for _, name := range waits {
		l.vendor.SetState(l.instanceOf(name), "sleepMode")
	}
	_, before := l.restarted()
	began := l.clock.Now()
	l.forward(90 * time.Minute)
	_, calls := l.restarted()
	l.Expect(calls - before).To(And(BeNumerically(">=", 3), BeNumerically("<=", int(l.clock.Since(began)/(15*time.Minute)))))
}
