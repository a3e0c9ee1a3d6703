// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"testing"
	"time"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// TestR9_WhatRidesAlongWasSeenTwiceAPollApart: one restart may do for a retry and for drift, if the drift was seen as often as
// drift has to be.
func TestR9_WhatRidesAlongWasSeenTwiceAPollApart(t *testing.T) {
	s := inEffect(t, onOn)
	s.edit(`"incomingWebhook":false,"outgoingWebhook":true`)
	s.sends(incoming)
	s.answer(v1alpha1.OutcomeNotPersisted)
	s.after(retryAfter - time.Second)
	s.shows("outgoingWebhook", "no")
	s.quiet(v1alpha1.ReasonSettingsNotPersisted)
	s.after(time.Second)
	s.sends(incoming)
}

// TestR16_ARequestUnderOnSpecChangeWritesNoDrift: it allows one more attempt at what was given up, and drift is left as it is.
func TestR16_ARequestUnderOnSpecChangeWritesNoDrift(t *testing.T) {
	s := inEffect(t, onOn)
	s.in.Policy = v1alpha1.PolicyOnSpecChange
	s.giveUp(v1alpha1.AbandonNotPersisted, incoming)
	s.shows("outgoingWebhook", "no")
	s.look()
	s.after(time.Hour)
	s.look()
	s.in.Requested = true
	s.sends(incoming)
}

// TestR9_AnEqualValueIsNoChange: another way to write the same URL arms nothing that was given up.
func TestR9_AnEqualValueIsNoChange(t *testing.T) {
	s := inEffect(t, `"incomingWebhook":true,"webhookUrl":"https://Shop.example/a"`)
	s.giveUp(v1alpha1.AbandonNotPersisted, incoming)
	s.quiet(v1alpha1.ReasonSettingsNotPersisted)
	s.edit(`"incomingWebhook":true,"webhookUrl":"https://shop.example/a"`)
	s.quiet(v1alpha1.ReasonSettingsNotPersisted)
}

// TestR9_AnEqualValueUnderOnSpecChangeWritesNoDrift either.
func TestR9_AnEqualValueUnderOnSpecChangeWritesNoDrift(t *testing.T) {
	s := inEffect(t, `"incomingWebhook":true,"webhookUrl":"https://Shop.example/a"`)
	s.in.Policy = v1alpha1.PolicyOnSpecChange
	s.shows(incoming, "no")
	s.after(time.Hour)
	s.quiet(v1alpha1.ReasonDriftDetected)
	s.edit(`"incomingWebhook":true,"webhookUrl":"https://shop.example/a"`)
	s.quiet(v1alpha1.ReasonDriftDetected)
}

// TestR6_AWishThatWasInEffectIsNotMissingAfterAnotherEdit: another setting's edit does not forget that this one was in effect,
// so that a reading which does not show it says nothing.
func TestR6_AWishThatWasInEffectIsNotMissingAfterAnotherEdit(t *testing.T) {
	t.Run("a setting is managed no more", func(t *testing.T) {
		s := inEffect(t, onOn)
		s.edit(on)
		delete(s.in.Observed, incoming)
		for range 5 {
			if s.look(); len(s.d.Send) > 0 {
				t.Fatalf("sends %v, which was in effect and of which this reading says nothing", s.d.Send)
			}
			s.after(time.Hour)
		}
	})
	t.Run("a change of another settles", func(t *testing.T) {
		s := inEffect(t, onOn)
		s.edit(`"incomingWebhook":true,"outgoingWebhook":false`)
		s.sends("outgoingWebhook")
		s.answer(v1alpha1.OutcomeSettling)
		s.obey()
		delete(s.in.Observed, incoming)
		for range 5 {
			s.after(poll)
			if s.look(); len(s.d.Send) > 0 {
				t.Fatalf("sends %v, which was in effect and of which this reading says nothing", s.d.Send)
			}
		}
	})
	t.Run("a given-up setting", func(t *testing.T) {
		s := inEffect(t, onOn)
		s.edit(`"incomingWebhook":true,"outgoingWebhook":false`)
		s.sends("outgoingWebhook")
		s.answer(v1alpha1.OutcomeNotPersisted)
		delete(s.in.Observed, incoming)
		for range 5 {
			s.after(poll)
			if s.look(); len(s.d.Send) > 0 {
				t.Fatalf("sends %v, which was in effect and of which this reading says nothing", s.d.Send)
			}
		}
	})
}

// TestR14_ANewTokenRepeatsNoRefusal: a new webhook token arms the token alone.
func TestR14_ANewTokenRepeatsNoRefusal(t *testing.T) {
	const withToken = `"incomingWebhook":true,"webhookUrlTokenSecretRef":{"name":"hook"}`
	for _, policy := range []v1alpha1.ReconcilePolicy{v1alpha1.PolicyEnforce, v1alpha1.PolicyOnSpecChange} {
		s := newStory(t, withToken)
		s.in.Policy = policy
		s.token(withToken, "first")
		s.shows("webhookUrlToken", "first")
		s.shows(incoming, "no")
		s.sends(incoming)
		s.answer(v1alpha1.OutcomeRejected)
		s.after(time.Hour)
		s.quiet(v1alpha1.ReasonSettingsRejected)
		s.token(withToken, "second")
		s.sends("webhookUrlToken")
		s.answer(v1alpha1.OutcomeSettling)
		s.after(poll)
		s.shows("webhookUrlToken", "second")
		for range 5 {
			if s.look(); len(s.d.Send) > 0 {
				t.Fatalf("%s: sends %v, which the vendor has refused", policy, s.d.Send)
			}
			s.after(time.Hour)
		}
	}
}

// TestR6_WhatIsShownWhileStartingIsNotSeenInEffect, nor is what an earlier call with another wish may still change; and a wish that
// another one replaced is not in effect any more.
func TestR6_WhatIsShownWhileStartingIsNotSeenInEffect(t *testing.T) {
	s := newStory(t, on)
	s.obey()
	s.state("starting")
	s.look()
	if len(s.in.History.Effective) > 0 {
		t.Fatalf("in effect: %v", s.in.History.Effective)
	}
	s.state("authorized")
	s.quiet(v1alpha1.ReasonUpToDate)
	if len(s.in.History.Effective) != 1 {
		t.Fatalf("in effect: %v", s.in.History.Effective)
	}
	s.state("starting")
	s.look()
	if len(s.in.History.Effective) != 1 {
		t.Fatalf("in effect: %v, want what was known before", s.in.History.Effective)
	}
	s.state("authorized")
	s.edit(`"incomingWebhook":false`)
	s.sends(incoming)
	if len(s.in.History.Effective) != 0 {
		t.Fatalf("in effect: %v", s.in.History.Effective)
	}
	s.answer(v1alpha1.OutcomeSettling)
	s.edit(on)
	s.after(poll)
	s.sends(incoming)
	s.answer(v1alpha1.OutcomeSettling)
	s.after(poll)
	s.look()
	if len(s.in.History.Effective) != 0 {
		t.Fatalf("in effect, though the call before may still change it: %v", s.in.History.Effective)
	}
}

// TestR12_ACallThatWasMadeHoldsNoChangeUp: only one that another process may still be about to make is waited for.
func TestR12_ACallThatWasMadeHoldsNoChangeUp(t *testing.T) {
	s := newStory(t, on)
	s.shows(incoming, "no")
	s.sends(incoming)
	s.answer(v1alpha1.OutcomeSettling)
	s.newProcess()
	s.after(time.Second)
	s.edit(`"incomingWebhook":false`)
	s.sends(incoming)
}

// TestR9_ACorrectionThatWasNotSentIsForgottenOnceTheValueIsBack: what differs again is drift like any other, and is seen twice.
func TestR9_ACorrectionThatWasNotSentIsForgottenOnceTheValueIsBack(t *testing.T) {
	s := inEffect(t, on)
	s.drifts(incoming)
	s.answer(v1alpha1.OutcomeNotSent)
	s.after(poll)
	s.obey()
	s.quiet(v1alpha1.ReasonUpToDate)
	s.after(poll)
	s.shows(incoming, "no")
	s.quiet(v1alpha1.ReasonApplyPending)
}

// TestR6_WhatAloneIsNotShownIsNotSentAgain: the others of an unknown call show, so that it took effect.
func TestR6_WhatAloneIsNotShownIsNotSentAgain(t *testing.T) {
	s := newStory(t, onOn)
	s.shows(incoming, "no")
	s.sends(incoming, outgoing)
	s.answer(v1alpha1.OutcomePending)
	s.after(limits().SettleTimeout)
	s.shows(incoming, "yes")
	s.quiet(v1alpha1.ReasonSettingNotSupported)
	s.abandoned(outgoing + " SettingNotSupported")
	s.outcome(v1alpha1.OutcomeConfirmed)
}

// TestR13_WhatNeverShowsWasNotPersisted: of a call of which nothing shows nobody may say that it was confirmed.
func TestR13_WhatNeverShowsWasNotPersisted(t *testing.T) {
	s := newStory(t, on)
	s.sends(incoming)
	s.answer(v1alpha1.OutcomeSettling)
	s.after(limits().SettleTimeout)
	s.look()
	s.abandoned(incoming + " SettingNotSupported")
	s.outcome(v1alpha1.OutcomeNotPersisted)
}

// TestR16_ANewProcessWaitsATenthLongerForAnEarlierCall whose wish another call has replaced.
func TestR16_ANewProcessWaitsATenthLongerForAnEarlierCall(t *testing.T) {
	s := newStory(t, on)
	s.shows(incoming, "no")
	s.sends(incoming)
	s.answer(v1alpha1.OutcomeSettling)
	s.after(time.Second)
	s.edit(`"incomingWebhook":false`)
	s.sends(incoming)
	s.answer(v1alpha1.OutcomeSettling)
	s.newProcess()
	s.after(limits().SettleTimeout)
	s.quiet(v1alpha1.ReasonSettling)
	s.after(limits().SettleTimeout/10 + time.Second)
	s.quiet(v1alpha1.ReasonUpToDate)
}

// TestR12_ATokenThatShowsWhileStartingIsNotNoted: the reading may be from before or after, so that the change is still to be sent.
func TestR12_ATokenThatShowsWhileStartingIsNotNoted(t *testing.T) {
	const withToken = on + `,"webhookUrlTokenSecretRef":{"name":"hook"}`
	s := newStory(t, "")
	s.token(withToken, "first")
	s.obey()
	s.quiet(v1alpha1.ReasonUpToDate)
	s.token(withToken, "second")
	s.state("starting")
	s.obey()
	s.shows(incoming, "no")
	s.look()
	s.after(time.Minute)
	s.state("authorized")
	s.shows("webhookUrlToken", "first")
	s.sends("webhookUrlToken")
}
