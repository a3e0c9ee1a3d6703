// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"fmt"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

const years = 365 * 24 * time.Hour

// jumps are the ways in which the clock of a new process differs from that of the one before.
var jumps = []time.Duration{-10 * years, -30 * time.Second, time.Hour, 10 * years}

// jump replaces the process by one whose clock shows another time.
func (s *story) jump(by time.Duration) {
	s.skew += by
	s.restart()
}

// TestR16AClockThatJumpsCausesNoRestart: whatever the clock shows from some moment of a write on, the change is carried
// out by one restart, and is confirmed within the times that hold for it anyway.
func TestR16AClockThatJumpsCausesNoRestart(t *testing.T) {
	moments := map[string]func(*story){
		"before the first look": func(*story) {},
		"before the call":       func(s *story) { s.die("line", mortal{before: true}) },
		"after the call":        func(s *story) { s.die("line", mortal{after: true}) },
		"while it settles": func(s *story) {
			s.vendor.Update(instanceID, func(in *emulator.Instance) { in.Behavior.ApplyDelay = 2 * time.Minute })
			s.Expect(s.until(time.Hour, func() bool { return len(s.sets()) > 0 })).To(BeTrue())
			s.forward(30 * time.Second)
		},
		"once it is confirmed": func(s *story) { s.settled("line", v1alpha1.ReasonSucceeded) },
	}
	for moment, reach := range moments {
		for _, by := range jumps {
			t.Run(fmt.Sprintf("%s by %s", moment, by), func(t *testing.T) {
				s := newStory(t)
				s.lookSeldom()
				s.instance("line", incoming(true))
				reach(s)
				s.jump(by)
				s.settled("line", v1alpha1.ReasonSucceeded)
				s.forward(2 * time.Hour)
				s.Expect(s.vendor.Restarts(instanceID)).To(Equal(1))
				s.Expect(s.status("line").Restarts.Total).To(BeEquivalentTo(1))
				// And back, with a change.
				s.jump(-by)
				s.edit("line", incoming(false))
				s.settledAgain("line")
				s.forward(2 * time.Hour)
				s.Expect(s.vendor.Restarts(instanceID)).To(Equal(2))
			})
		}
	}
}

// TestR16AClockThatJumpsStopsNothing: what waits for a time goes on, and what is bounded stays so.
func TestR16AClockThatJumpsStopsNothing(t *testing.T) {
	for _, by := range []time.Duration{-10 * years, 10 * years} {
		t.Run("between attempts by "+by.String(), func(t *testing.T) {
			s := newStory(t)
			s.lookSeldom()
			s.instance("line", incoming(true))
			s.vendor.Update(instanceID, func(in *emulator.Instance) { in.Behavior.NeverKept = []string{emulator.Everything} })
			s.settled("line", v1alpha1.ReasonSettingsNotPersisted)
			s.jump(by)
			s.Expect(s.until(4*time.Hour, func() bool {
				return s.condition("line", v1alpha1.StalledCondition).Reason == v1alpha1.ReasonSettingsNotPersisted
			})).To(BeTrue(), "it gives up loudly")
			s.forward(12 * time.Hour)
			s.Expect(s.sets()).To(HaveLen(3))
		})
		t.Run("after an antagonist was noticed by "+by.String(), func(t *testing.T) {
			s := newStory(t)
			s.lookSeldom()
			s.instance("line", incoming(true))
			s.settled("line", v1alpha1.ReasonSucceeded)
			for range 4 {
				s.vendor.Edit(instanceID, map[string]any{"incomingWebhook": "no"})
				s.forward(time.Hour)
			}
			s.Expect(s.ready("line").Reason).To(Equal(v1alpha1.ReasonDriftFlapping))
			before := len(s.sets())
			s.jump(by)
			s.forward(5 * time.Hour)
			s.Expect(len(s.sets())-before).To(BeNumerically("<=", 1), "one more attempt at most")
			s.forward(24 * time.Hour)
			s.Expect(s.ready("line").Reason).To(Equal(v1alpha1.ReasonSucceeded), "after a quiet window it is tried again")
		})
		t.Run("with reboots counted by "+by.String(), func(t *testing.T) {
			s := newStory(t)
			s.instance("line", recovering(func(r *v1alpha1.WhatsAppRecovery) { r.StuckStarting = v1alpha1.RecoveryReboot }))
			s.vendor.Update(instanceID, func(in *emulator.Instance) {
				in.State, in.Behavior.StateAfterReboot = emulator.StateStarting, emulator.StateStarting
			})
			s.forward(time.Hour)
			s.Expect(s.reboots()).To(Equal(2))
			s.jump(by)
			s.forward(25 * time.Hour)
			s.Expect(s.reboots()).To(BeNumerically("~", 4, 2), "two a day, and the next day has its own")
			s.Expect(s.reboots()).To(BeNumerically(">", 2))
		})
	}
}

// TestR16TimesInTheFutureAreHealedOnce: they are set to now where they stand, and nothing is written after that.
func TestR16TimesInTheFutureAreHealedOnce(t *testing.T) {
	s := newStory(t)
	s.instance("line", incoming(true))
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.jump(-10 * years)
	s.forward(30 * time.Minute)
	healed := s.get("line")
	now := s.clock.Now().Add(s.skew)
	s.Expect(healed.Status.Apply.StartedTime.Time).To(BeTemporally("<=", now))
	s.Expect(healed.Status.Restarts.LastTime.Time).To(BeTemporally("<=", now))
	s.Expect(healed.Status.StateChangedTime.Time).To(BeTemporally("<=", now))
	s.forward(24 * time.Hour)
	s.Expect(s.get("line").ResourceVersion).To(Equal(healed.ResourceVersion), "R2: no further write")
}

// TestR16AClockThatIsSetUnderAProcess: the process knows its own write by when it began, and goes on knowing it.
func TestR16AClockThatIsSetUnderAProcess(t *testing.T) {
	for _, by := range jumps {
		t.Run(by.String(), func(t *testing.T) {
			s := newStory(t)
			s.living = true
			s.options.SettingsInterval = time.Minute
			s.restart()
			s.vendorKeepsLate(2 * time.Minute)
			s.instance("line", incoming(true))
			s.Expect(s.until(time.Hour, func() bool { return len(s.sets()) > 0 })).To(BeTrue())
			s.skew += by
			writes := 0
			for range 30 {
				before := s.get("line").ResourceVersion
				s.forward(time.Minute)
				if s.get("line").ResourceVersion != before {
					writes++
				}
			}
			s.Expect(s.ready("line").Reason).To(Equal(v1alpha1.ReasonSucceeded))
			s.Expect(s.vendor.Restarts(instanceID)).To(Equal(1))
			s.Expect(s.status("line").Restarts.Total).To(BeEquivalentTo(1))
			s.Expect(s.events.count("Normal SettingsConfirmed")).To(Equal(1))
			s.Expect(writes).To(BeNumerically("<=", 6), "the state and the outcome, and no write at every look")
			s.Expect(s.status("line").Apply.StartedTime.Time).To(BeTemporally("<=", s.clock.Now().Add(s.skew)), "in the end it is healed")
		})
	}
}

// vendorKeepsLate makes the instance that is to be created show new values late.
func (s *story) vendorKeepsLate(by time.Duration) {
	s.vendor.Add(emulator.Instance{ID: instanceID, Token: fmt.Sprintf("t0ken-%s-line-abcdefgh", s.ns), Behavior: emulator.Behavior{ApplyDelay: by}})
}
