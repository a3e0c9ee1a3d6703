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

const (
	onOn   = `"incomingWebhook":true,"outgoingWebhook":true`
	onOff  = `"incomingWebhook":true,"outgoingWebhook":false`
	offOff = `"incomingWebhook":false,"outgoingWebhook":false`
)

// open starts a story in which a change of incomingWebhook to yes is Settling, outgoingWebhook is no and stays so.
func open(t *testing.T) *story {
	t.Helper()
	s := inEffect(t, offOff)
	s.edit(onOff)
	s.sends(incoming)
	s.answer(v1alpha1.OutcomeSettling)
	s.after(time90)
	s.quiet(v1alpha1.ReasonSettling)
	return s
}

// TestR12_ChangeWhileOpen: only what the new change needs is sent; the record goes on to verify the rest.
func TestR12_ChangeWhileOpen(t *testing.T) {
	for _, outcome := range []v1alpha1.ApplyOutcome{v1alpha1.OutcomePending, v1alpha1.OutcomeSettling} {
		s := open(t)
		s.in.History.Record.Outcome = outcome
		s.edit(onOn)
		record := s.sends(outgoing)
		if record.Attempt != 1 || record.Reason != v1alpha1.ApplySpecChange || len(record.Settings) != 2 {
			t.Errorf("%s: record %s, want attempt 1 of a change about both settings", outcome, toJSON(t, record))
		}
		s.answer(v1alpha1.OutcomeSettling)
		s.after(poll)
		s.shows(outgoing, "yes")
		s.quiet(v1alpha1.ReasonSettling)
		s.shows(incoming, "yes")
		s.quiet(v1alpha1.ReasonUpToDate)
	}
}

// TestR12_ChangeWaitsUntilStarted: the instance is not written to before it left starting, and then at once.
func TestR12_ChangeWaitsUntilStarted(t *testing.T) {
	s := open(t)
	s.state("starting")
	s.edit(onOn)
	for range 3 {
		s.after(poll)
		s.quiet(v1alpha1.ReasonInstanceStarting)
		s.again(poll)
	}
	s.state("notAuthorized")
	s.sends(outgoing)
}

// TestR12_BackAndForthEndsAtTheWish: A, B, A within the settle time sends A, though a stale reading shows A already.
func TestR12_BackAndForthEndsAtTheWish(t *testing.T) {
	s := open(t)
	s.edit(offOff)
	record := s.sends(incoming)
	if record.Reason != v1alpha1.ApplySpecChange || record.Attempt != 1 {
		t.Errorf("record %s, want a change of its own", toJSON(t, record))
	}
}

// TestR12_StaleReadingDoesNotConfirmTheWayBack: after A, B, A the reading may be from before B, so the record is not
// confirmed by it while B may still come into effect. Nothing may end at B, under no policy.
func TestR12_StaleReadingDoesNotConfirmTheWayBack(t *testing.T) {
	for _, policy := range []v1alpha1.ReconcilePolicy{v1alpha1.PolicyEnforce, v1alpha1.PolicyOnSpecChange} {
		t.Run(string(policy), func(t *testing.T) {
			s := open(t)
			s.in.Policy = policy
			s.edit(offOff)
			s.sends(incoming)
			s.answer(v1alpha1.OutcomeSettling)
			s.after(poll)
			s.quiet(v1alpha1.ReasonSettling) // Shows A from before B.
			s.shows(incoming, "yes")         // B comes into effect, A will within the settle time.
			for range 4 {
				s.after(poll)
				s.quiet(v1alpha1.ReasonSettling)
			}
			s.obey()
			for s.in.Now.Before(noon.Add(3 * settle)) {
				s.after(poll)
				s.look()
				if len(s.d.Send) > 0 {
					t.Fatalf("restarts once more for the same change at %s", s.clock())
				}
			}
			s.quiet(v1alpha1.ReasonUpToDate)
		})
	}
}

// TestR12_NotSentOverAnOpenCall: a call that was never sent takes nothing from the open one that it was to follow: what
// that one sent with another wish still counts as differing, and the same wish is not sent again.
func TestR12_NotSentOverAnOpenCall(t *testing.T) {
	t.Run("the way back", func(t *testing.T) {
		s := open(t)
		s.edit(offOff)
		s.sends(incoming)
		s.answer(v1alpha1.OutcomeNotSent)
		s.after(time.Second)
		s.sends(incoming)
	})
	t.Run("the same wish", func(t *testing.T) {
		s := open(t)
		s.edit(onOn)
		s.sends(outgoing)
		s.answer(v1alpha1.OutcomeNotSent)
		s.after(time.Second)
		s.sends(outgoing)
	})
	t.Run("the second change taken back", func(t *testing.T) {
		s := open(t)
		s.edit(onOn)
		s.sends(outgoing)
		s.answer(v1alpha1.OutcomeNotSent)
		s.after(time.Second)
		s.edit(onOff)
		s.quiet(v1alpha1.ReasonSettling)
	})
}

// TestR12_SettingTakenOutWhileOpen: a call is not done with because its setting is no longer managed. Put back, it is
// not sent again, and put back with another value, it is.
func TestR12_SettingTakenOutWhileOpen(t *testing.T) {
	for name, test := range map[string]struct {
		settings string
		sends    []string
	}{
		"same value":  {onOff, nil},
		"other value": {offOff, []string{incoming}},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			s.edit(`"outgoingWebhook":false`)
			s.after(poll)
			s.look()
			s.after(poll)
			s.edit(test.settings)
			for range 3 {
				if s.look(); len(s.d.Send) > 0 {
					break
				}
				s.after(poll)
			}
			if !slices.Equal(s.d.Send, test.sends) {
				t.Errorf("sends %v, want %v", s.d.Send, test.sends)
			}
		})
	}
}

// TestR12_ForeignPending: another process may be about to call. No call goes out before its last moment to do so.
func TestR12_ForeignPending(t *testing.T) {
	s := inEffect(t, offOff)
	s.edit(onOff)
	s.sends(incoming)
	s.newProcess()
	s.edit(offOff)
	last := callWindow + callWindow/10
	s.after(last - time.Second/2)
	s.quiet(v1alpha1.ReasonSettling)
	s.again(time.Second / 2)
	s.after(time.Second / 2)
	s.sends(incoming)
}

// TestR12_ARequestIsDoneWhileAForeignCallMayLeave: everything was looked at, which is all that was asked for.
func TestR12_ARequestIsDoneWhileAForeignCallMayLeave(t *testing.T) {
	s := newStory(t, on)
	s.sends(incoming)
	s.newProcess()
	s.edit(onOn)
	s.in.Requested = true
	s.quiet(v1alpha1.ReasonSettling)
	if !s.d.Handled || s.d.Held.By != plan.HeldByWrite {
		t.Errorf("handled %t, held by %q", s.d.Handled, s.d.Held.By)
	}
}

// TestR12_ForeignPendingOfOtherSettings: the other process's call is waited for whatever it is about.
func TestR12_ForeignPendingOfOtherSettings(t *testing.T) {
	for name, settings := range map[string]string{"still managed": onOn, "no longer managed": `"outgoingWebhook":true`} {
		t.Run(name, func(t *testing.T) {
			s := inEffect(t, offOff)
			s.edit(onOff)
			s.sends(incoming)
			s.newProcess()
			s.edit(settings)
			s.after(callWindow)
			s.quiet(v1alpha1.ReasonSettling)
			s.after(callWindow)
			s.sends(outgoing)
		})
	}
}

// TestR12_OwnPendingDoesNotWait: a process knows that its own call is over.
func TestR12_OwnPendingDoesNotWait(t *testing.T) {
	s := inEffect(t, offOff)
	s.edit(onOff)
	s.sends(incoming)
	s.edit(onOn)
	s.after(time.Second)
	s.sends(outgoing)
}

// TestR12_DriftWaitsForTheOutcome: other settings that differ while a call is open are left until it is known.
func TestR12_DriftWaitsForTheOutcome(t *testing.T) {
	for name, edit := range map[string]string{"": onOff, " after an edit that needs no call": `"incomingWebhook":true,"outgoingWebhook":false,"stateWebhook":true`} {
		t.Run("drift"+name, func(t *testing.T) {
			s := open(t)
			s.shows("stateWebhook", "yes")
			s.edit(edit)
			s.quiet(v1alpha1.ReasonSettling)
			s.shows(outgoing, "yes")
			for range 3 {
				s.after(poll)
				s.quiet(v1alpha1.ReasonSettling)
			}
			s.shows(incoming, "yes")
			s.quiet(v1alpha1.ReasonApplyPending)
			s.outcome(v1alpha1.OutcomeConfirmed)
			s.after(poll)
			if record := s.sends(outgoing); record.Reason != v1alpha1.ApplyDrift {
				t.Errorf("record %s, want drift", toJSON(t, record))
			}
		})
	}
}

// TestR12_TokenChangeWhileOpen: a new value of the webhook token is a change like any other.
func TestR12_TokenChangeWhileOpen(t *testing.T) {
	s := newStory(t, "")
	s.token(tokenRef, "first")
	s.shows(plan.WebhookTokenName, "")
	s.sends(plan.WebhookTokenName)
	s.answer(v1alpha1.OutcomeSettling)
	s.after(time90)
	s.quiet(v1alpha1.ReasonSettling)
	s.token(tokenRef, "second")
	s.sends(plan.WebhookTokenName)
	s.answer(v1alpha1.OutcomeSettling)
	s.after(settle)
	s.obey()
	s.quiet(v1alpha1.ReasonUpToDate)
	if s.in.History.SyncedSecretVersion != s.in.Desired.SecretVersion {
		t.Errorf("synced version %q, want %q", s.in.History.SyncedSecretVersion, s.in.Desired.SecretVersion)
	}
}
