// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"slices"
	"testing"
	"time"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
)

// TestR16_Observe: never writes, says what differs, and takes over what was set by hand.
func TestR16_Observe(t *testing.T) {
	s := inEffect(t, off)
	s.in.Policy = v1alpha1.PolicyObserve
	s.edit(on)
	for range 3 {
		s.quiet(v1alpha1.ReasonDriftDetected)
		s.again(0)
		s.after(time.Hour)
	}
	if len(s.d.Pending) != 1 {
		t.Errorf("pending %+v, want the one difference", s.d.Pending)
	}
	s.in.Requested = true
	s.quiet(v1alpha1.ReasonDriftDetected)
	s.obey()
	s.quiet(v1alpha1.ReasonUpToDate)
	if s.in.History.SyncedHash != s.in.Desired.Hash {
		t.Error("what is in effect is not noted")
	}
}

// TestR16_ObserveWhileACallIsOpen: its outcome is still judged, nothing is repeated or given up.
func TestR16_ObserveWhileACallIsOpen(t *testing.T) {
	s := changed(t)
	s.in.Policy = v1alpha1.PolicyObserve
	s.after(poll)
	s.quiet(v1alpha1.ReasonSettling)
	s.after(settle)
	s.quiet(v1alpha1.ReasonDriftDetected)
	s.outcome(v1alpha1.OutcomeNotPersisted)
	s.in.Policy = v1alpha1.PolicyEnforce
	s.after(retryAfter)
	s.sends(incoming)
}

// TestR16_ObserveTakesNoHalfOfACallForAll: one setting shows, one does not, and one is wished otherwise by now.
func TestR16_ObserveTakesNoHalfOfACallForAll(t *testing.T) {
	s := newStory(t, onOn+`,"stateWebhook":true`)
	s.sends(incoming, outgoing, "stateWebhook")
	s.answer(v1alpha1.OutcomeSettling)
	s.obey()
	s.shows(outgoing, "no")
	s.in.Policy = v1alpha1.PolicyObserve
	s.edit(onOn + `,"stateWebhook":false`)
	s.after(settle)
	s.look()
	s.outcome(v1alpha1.OutcomeNotPersisted)
}

// TestR16_ObserveWritesNoChangeWhileACallIsOpen: not even one that would supersede it.
func TestR16_ObserveWritesNoChangeWhileACallIsOpen(t *testing.T) {
	for _, settings := range []string{offOff, onOn} {
		s := open(t)
		s.in.Policy = v1alpha1.PolicyObserve
		s.edit(settings)
		s.quiet(v1alpha1.ReasonSettling)
	}
}

// TestR16_OnSpecChangeWritesUntilSeenOnce: a change is retried like under Enforce; drift after it was seen is left.
func TestR16_OnSpecChangeWritesUntilSeenOnce(t *testing.T) {
	s := inEffect(t, off)
	s.in.Policy = v1alpha1.PolicyOnSpecChange
	s.edit(on)
	s.sends(incoming)
	s.neverKept()
	s.after(retryAfter)
	s.sends(incoming)
	s.answer(v1alpha1.OutcomeSettling)
	s.after(time90)
	s.obey()
	s.quiet(v1alpha1.ReasonUpToDate)
	s.shows(incoming, "no")
	for range 5 {
		s.after(time.Hour)
		s.quiet(v1alpha1.ReasonDriftDetected)
		s.again(0)
	}
	if !slices.Equal(s.d.Drift, []string{incoming}) {
		t.Errorf("drift %v, want %s", s.d.Drift, incoming)
	}
	s.edit(onOff)
	s.sends(incoming, outgoing)
}

// TestR16_OnSpecChangeLeavesDriftThatEnforceWasAtWorkOn: the policy in force counts, not the one of the open call.
func TestR16_OnSpecChangeLeavesDriftThatEnforceWasAtWorkOn(t *testing.T) {
	for name, outcome := range map[string]v1alpha1.ApplyOutcome{
		"unknown": v1alpha1.OutcomePending, "settling": v1alpha1.OutcomeSettling, "no": v1alpha1.OutcomeNotPersisted,
		"rejected": v1alpha1.OutcomeRejected, "not sent": v1alpha1.OutcomeNotSent,
	} {
		t.Run(name, func(t *testing.T) {
			s := inEffect(t, on)
			s.drifts(incoming)
			s.answer(outcome)
			s.in.Policy = v1alpha1.PolicyOnSpecChange
			for range 4 {
				s.after(settle)
				s.quiet(v1alpha1.ReasonDriftDetected)
			}
		})
	}
}

// TestR16_OnSpecChangeAndANewToken: a new version of the webhook token's Secret is a change.
func TestR16_OnSpecChangeAndANewToken(t *testing.T) {
	s := newStory(t, "")
	s.in.Policy = v1alpha1.PolicyOnSpecChange
	s.token(tokenRef, "first")
	s.obey()
	s.quiet(v1alpha1.ReasonUpToDate)
	s.token(tokenRef, "second")
	if record := s.sends(plan.WebhookTokenName); record.Reason != v1alpha1.ApplySpecChange {
		t.Errorf("record %s, want a change", toJSON(t, record))
	}
}

// TestR16_SeenMeansOutsideStarting: an instance that starts may show values from before, so a change is not taken to
// be in effect by what it shows then.
func TestR16_SeenMeansOutsideStarting(t *testing.T) {
	s := inEffect(t, on)
	s.in.Policy = v1alpha1.PolicyOnSpecChange
	s.state("starting")
	s.shows(incoming, "no") // From before the restart, by which somebody set it to yes.
	s.edit(off)
	s.look()
	s.state("authorized")
	s.shows(incoming, "yes")
	s.sends(incoming)
}

// TestR16_FutureTimesCountAsNow: a record written by a clock that is ahead is one of this moment.
func TestR16_FutureTimesCountAsNow(t *testing.T) {
	s := changed(t)
	s.answer(v1alpha1.OutcomeSettling)
	s.after(-time.Hour)
	s.quiet(v1alpha1.ReasonSettling)
	s.after(time.Hour + settle - time.Second)
	s.quiet(v1alpha1.ReasonSettling)
	s.after(time.Second)
	s.quiet(v1alpha1.ReasonSettingsNotPersisted)
	s.after(-time.Hour)
	s.quiet(v1alpha1.ReasonSettingsNotPersisted)
	s.again(retryAfter)
}

// TestR16_ForeignRecordSettlesATenthLonger: clocks differ.
func TestR16_ForeignRecordSettlesATenthLonger(t *testing.T) {
	s := changed(t)
	s.answer(v1alpha1.OutcomeSettling)
	s.newProcess()
	s.after(settle + settle/10 - time.Second)
	s.quiet(v1alpha1.ReasonSettling)
	s.again(time.Second)
	s.after(time.Second)
	s.quiet(v1alpha1.ReasonSettingsNotPersisted)
}

// TestR16_FutureTimesOfEveryKind: none of them makes a wait end early, and none shortens a count.
func TestR16_FutureTimesOfEveryKind(t *testing.T) {
	t.Run("login", func(t *testing.T) {
		s := inEffect(t, off)
		s.edit(on)
		s.in.State, s.in.StateSince = "pendingCode", s.in.Now.Add(time.Hour)
		s.quiet(v1alpha1.ReasonApplyPending)
		s.again(poll)
	})
	t.Run("corrections", func(t *testing.T) {
		s := inEffect(t, on)
		for range limits().FlapThreshold {
			s.correct(incoming)
		}
		s.after(-time.Hour)
		s.shows(incoming, "no")
		s.quiet(v1alpha1.ReasonDriftFlapping)
	})
	t.Run("given up", func(t *testing.T) {
		s := flapping(t)
		s.after(-24 * time.Hour)
		s.quiet(v1alpha1.ReasonDriftFlapping)
	})
	t.Run("foreign intent", func(t *testing.T) {
		s := changed(t)
		s.newProcess()
		s.edit(onOn)
		s.after(-time.Hour)
		s.quiet(v1alpha1.ReasonSettling)
		s.again(callWindow + callWindow/10)
	})
}
