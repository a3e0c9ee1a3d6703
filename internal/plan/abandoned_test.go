// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"testing"
	"time"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
)

// TestAbandoned_EmptiedByAChange: whatever the reasons were.
func TestAbandoned_EmptiedByAChange(t *testing.T) {
	s := flapping(t)
	s.edit(onOff)
	s.shows(outgoing, "no")
	s.sends(incoming)
	s.abandoned()
}

// givenUp starts a story in which incomingWebhook and the webhook token were given up.
func givenUp(t *testing.T, reason v1alpha1.AbandonReason) *story {
	t.Helper()
	s := newStory(t, "")
	s.token(on+","+tokenRef, "first")
	s.obey()
	s.quiet(v1alpha1.ReasonUpToDate)
	s.giveUp(reason, incoming, plan.WebhookTokenName)
	s.quiet(string(reason))
	return s
}

// TestAbandoned_NewTokenRearmsTheTokenAlone: whatever the reason was.
func TestAbandoned_NewTokenRearmsTheTokenAlone(t *testing.T) {
	for _, reason := range []v1alpha1.AbandonReason{v1alpha1.AbandonNotPersisted, v1alpha1.AbandonNotSupported, v1alpha1.AbandonFlapping} {
		s := givenUp(t, reason)
		s.token(on+","+tokenRef, "second")
		s.sends(plan.WebhookTokenName)
		s.abandoned(incoming + " " + string(reason))
	}
}

// TestAbandoned_RequestIsOneAttempt: not a fresh series.
func TestAbandoned_RequestIsOneAttempt(t *testing.T) {
	s := exhausted(t)
	s.after(time.Hour)
	s.in.Requested = true
	if record := s.sends(incoming); record.Reason != v1alpha1.ApplyRequested || !s.d.Handled {
		t.Errorf("record %s, handled %t, want a request that is handled", toJSON(t, record), s.d.Handled)
	}
	s.abandoned()
	s.neverKept()
	s.abandoned(incoming + " SettingsNotPersisted")
	s.after(24 * time.Hour)
	s.quiet(v1alpha1.ReasonSettingsNotPersisted)
}

// TestAbandoned_RequestLiftsEveryReason: and what it set is corrected again from then on.
func TestAbandoned_RequestLiftsEveryReason(t *testing.T) {
	for _, reason := range []v1alpha1.AbandonReason{v1alpha1.AbandonNotPersisted, v1alpha1.AbandonNotSupported, v1alpha1.AbandonFlapping} {
		s := givenUp(t, reason)
		s.in.Requested = true
		s.sends(incoming, plan.WebhookTokenName)
		s.answer(v1alpha1.OutcomeSettling)
		s.after(poll)
		s.obey()
		s.quiet(v1alpha1.ReasonUpToDate)
	}
}

// TestAbandoned_RequestWaitsForTheInstance: until it can be acted on, what it would lift stays given up.
func TestAbandoned_RequestWaitsForTheInstance(t *testing.T) {
	s := exhausted(t)
	s.in.Requested = true
	s.state("starting")
	for range 3 {
		s.quiet(v1alpha1.ReasonInstanceStarting)
		s.abandoned(incoming + " SettingsNotPersisted")
		if s.d.Handled {
			t.Fatal("handled before anything was done")
		}
	}
	s.state("authorized")
	s.sends(incoming)
}

// TestAbandoned_RequestWhileSettlingOnlyReads: and is handled by it.
func TestAbandoned_RequestWhileSettlingOnlyReads(t *testing.T) {
	s := changed(t)
	s.answer(v1alpha1.OutcomeSettling)
	s.in.Requested = true
	s.after(poll)
	s.quiet(v1alpha1.ReasonSettling)
	if !s.d.Handled {
		t.Error("not handled")
	}
}

// TestAbandoned_RequestCutsTheWaitShort: the attempt counts in the series.
func TestAbandoned_RequestCutsTheWaitShort(t *testing.T) {
	s := changed(t)
	s.neverKept()
	s.in.Requested = true
	if record := s.sends(incoming); record.Attempt != 2 || record.Reason != v1alpha1.ApplyRequested {
		t.Errorf("record %s, want attempt 2, requested", toJSON(t, record))
	}
	s.neverKept()
	s.again(4 * retryAfter)
}

// TestAbandoned_RemovedWhenMatching: one entry by its value being there after all, the others stay.
func TestAbandoned_RemovedWhenMatching(t *testing.T) {
	s := givenUp(t, v1alpha1.AbandonNotPersisted)
	s.state("starting")
	s.shows(incoming, "yes")
	s.quiet(v1alpha1.ReasonSettingsNotPersisted)
	s.abandoned(incoming+" SettingsNotPersisted", plan.WebhookTokenName+" SettingsNotPersisted")
	s.state("authorized")
	s.quiet(v1alpha1.ReasonSettingsNotPersisted)
	s.abandoned(plan.WebhookTokenName + " SettingsNotPersisted")
}

// TestAbandoned_OthersAreStillWritten: only what is given up is left alone.
func TestAbandoned_OthersAreStillWritten(t *testing.T) {
	s := inEffect(t, onOn)
	s.giveUp(v1alpha1.AbandonNotPersisted, incoming)
	s.drifts(outgoing)
}

// TestAbandoned_TheGravestReasonIsShown: in the order of R26.
func TestAbandoned_TheGravestReasonIsShown(t *testing.T) {
	s := inEffect(t, onOn+`,"stateWebhook":true`)
	s.giveUp(v1alpha1.AbandonFlapping, incoming)
	s.quiet(v1alpha1.ReasonDriftFlapping)
	s.giveUp(v1alpha1.AbandonNotSupported, outgoing)
	s.quiet(v1alpha1.ReasonSettingNotSupported)
	s.giveUp(v1alpha1.AbandonNotPersisted, "stateWebhook")
	s.quiet(v1alpha1.ReasonSettingsNotPersisted)
}

// TestAbandoned_RequestNotSent: what was asked for is still due, and still one attempt.
func TestAbandoned_RequestNotSent(t *testing.T) {
	s := exhausted(t)
	s.in.Requested = true
	first := s.sends(incoming)
	s.answer(v1alpha1.OutcomeNotSent)
	s.after(time.Second)
	if record := s.sends(incoming); record.Reason != v1alpha1.ApplyRequested || record.Attempt != first.Attempt {
		t.Errorf("record %s, want the requested attempt %d", toJSON(t, record), first.Attempt)
	}
	s.neverKept()
	s.abandoned(incoming + " SettingsNotPersisted")
}

// TestAbandoned_RequestUnderObserve: nothing is lifted, and the request is done with.
func TestAbandoned_RequestUnderObserve(t *testing.T) {
	s := exhausted(t)
	s.in.Policy, s.in.Requested = v1alpha1.PolicyObserve, true
	s.quiet(v1alpha1.ReasonDriftDetected)
	s.abandoned(incoming + " SettingsNotPersisted")
	if !s.d.Handled {
		t.Error("not handled")
	}
}

// TestAbandoned_RequestIsOneAttemptOfWhateverReason: what was asked for and is not kept is given up at once.
func TestAbandoned_RequestIsOneAttemptOfWhateverReason(t *testing.T) {
	for name, story := range map[string]func(*testing.T) *story{
		"flapping": flapping,
		"rejected": rejected,
		"not supported": func(t *testing.T) *story {
			s := inEffect(t, on)
			s.giveUp(v1alpha1.AbandonNotSupported, incoming)
			return s
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := story(t)
			s.in.Requested = true
			s.sends(incoming)
			s.neverKept()
			s.abandoned(incoming + " SettingsNotPersisted")
		})
	}
}

// TestAbandoned_RequestWhileSettlingLiftsNothing: not even what the open call is not about.
func TestAbandoned_RequestWhileSettlingLiftsNothing(t *testing.T) {
	s := open(t)
	s.giveUp(v1alpha1.AbandonNotPersisted, outgoing)
	s.shows(outgoing, "yes")
	s.in.Requested = true
	s.quiet(v1alpha1.ReasonSettling)
	s.abandoned(outgoing + " SettingsNotPersisted")
}
