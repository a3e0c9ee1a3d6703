// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"testing"
	"time"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
)

// Settings that many stories use, and what they are called at the vendor.
const (
	incoming, outgoing = "incomingWebhook", "outgoingWebhook"
	on, off            = `"incomingWebhook":true`, `"incomingWebhook":false`
	tokenRef           = `"webhookUrlTokenSecretRef":{"name":"hook"}`
	time90             = 90 * time.Second
)

// changed starts a story in which the user changed a setting and the call for it was just planned.
func changed(t *testing.T) *story {
	t.Helper()
	s := inEffect(t, off)
	s.edit(on)
	s.sends(incoming)
	return s
}

// TestR11_ConfirmedOnceShown: while it settles old values have no consequence, and the first reading with the wished
// values confirms.
func TestR11_ConfirmedOnceShown(t *testing.T) {
	s := changed(t)
	s.answer(v1alpha1.OutcomeSettling)
	for s.in.Now.Before(noon.Add(settle - poll)) {
		s.after(poll)
		s.quiet(v1alpha1.ReasonSettling)
		s.again(poll)
	}
	if s.in.History.SyncedHash != "" {
		t.Error("the hash of the synced settings stands before they are in effect")
	}
	s.obey()
	s.quiet(v1alpha1.ReasonUpToDate)
	s.outcome(v1alpha1.OutcomeConfirmed)
	if finished := s.in.History.Record.FinishedTime; finished == nil || !finished.Time.Equal(s.in.Now) {
		t.Errorf("finished at %v, want now", finished)
	}
	if s.in.History.SyncedHash != s.in.Desired.Hash {
		t.Error("the hash of the synced settings is not that of the spec")
	}
	s.again(0)
}

// TestR11_NotConfirmedWhileStarting: what an instance shows while it starts may be from before or after.
func TestR11_NotConfirmedWhileStarting(t *testing.T) {
	s := changed(t)
	s.answer(v1alpha1.OutcomeSettling)
	s.obey()
	s.state("starting")
	s.after(poll)
	s.quiet(v1alpha1.ReasonSettling)
	s.outcome(v1alpha1.OutcomeSettling)
	s.state("authorized")
	s.quiet(v1alpha1.ReasonUpToDate)
}

// TestR11_LastLookIsWhenTheSettleTimeEnds: the poll is cut short for it.
func TestR11_LastLookIsWhenTheSettleTimeEnds(t *testing.T) {
	s := changed(t)
	s.answer(v1alpha1.OutcomeSettling)
	s.after(settle - 5*time.Second)
	s.quiet(v1alpha1.ReasonSettling)
	s.again(5 * time.Second)
	s.after(5*time.Second - time.Second)
	s.quiet(v1alpha1.ReasonSettling)
	s.after(time.Second)
	s.quiet(v1alpha1.ReasonSettingsNotPersisted)
}

// TestR11_UnknownOutcomeConfirmed: a call that is not known to have arrived is confirmed like any other.
func TestR11_UnknownOutcomeConfirmed(t *testing.T) {
	s := changed(t)
	s.newProcess()
	s.after(time90)
	s.obey()
	s.quiet(v1alpha1.ReasonUpToDate)
	s.outcome(v1alpha1.OutcomeConfirmed)
}

// TestR11_UnknownOutcomeIsRepeatedOnce: it settles first, then the call is repeated at once; a second unknown outcome
// in a row is NotPersisted, and waits like one.
func TestR11_UnknownOutcomeIsRepeatedOnce(t *testing.T) {
	for name, test := range map[string]struct {
		crash  bool
		settle time.Duration
	}{
		"own call, answer lost": {false, settle},
		"another process":       {true, settle + settle/10},
	} {
		t.Run(name, func(t *testing.T) {
			s := changed(t)
			if test.crash {
				s.newProcess()
			}
			s.after(test.settle - time.Second)
			s.quiet(v1alpha1.ReasonSettling)
			s.after(time.Second)
			if record := s.sends(incoming); record.Attempt != 2 || record.Reason != v1alpha1.ApplyRetry {
				t.Errorf("record %s, want attempt 2, a retry", toJSON(t, record))
			}
			if test.crash {
				s.newProcess()
			}
			s.after(test.settle - time.Second)
			s.quiet(v1alpha1.ReasonSettling)
			s.after(time.Second)
			s.quiet(v1alpha1.ReasonSettingsNotPersisted)
			s.outcome(v1alpha1.OutcomeNotPersisted)
			s.again(4 * retryAfter)
		})
	}
}

// TestR11_RepetitionSettlesWithAYes: the repetition is an attempt like any other.
func TestR11_RepetitionSettlesWithAYes(t *testing.T) {
	s := changed(t)
	s.after(settle)
	s.sends(incoming)
	s.answer(v1alpha1.OutcomeSettling)
	s.after(time90)
	s.obey()
	s.quiet(v1alpha1.ReasonUpToDate)
}

// TestR11_NoRepetitionWhileStarting: not even of a call that never arrived.
func TestR11_NoRepetitionWhileStarting(t *testing.T) {
	s := changed(t)
	s.state("starting")
	s.after(settle)
	s.quiet(v1alpha1.ReasonInstanceStarting)
	s.state("authorized")
	s.sends(incoming)
}

// TestR11_NotSentIsNoAttempt: a call that certainly had no effect keeps the number of the attempt, and is repeated with
// the same reason when the caller looks again.
func TestR11_NotSentIsNoAttempt(t *testing.T) {
	s := changed(t)
	for range 5 {
		s.answer(v1alpha1.OutcomeNotSent)
		s.outcome(v1alpha1.OutcomeNotSent)
		if record := s.in.History.Record; record.Attempt != 0 || record.FinishedTime == nil {
			t.Fatalf("record %s, want attempt 0, finished", toJSON(t, record))
		}
		s.after(time.Second)
		if record := s.sends(incoming); record.Attempt != 1 || record.Reason != v1alpha1.ApplySpecChange {
			t.Fatalf("record %s, want attempt 1 of the change", toJSON(t, record))
		}
	}
}

// TestR11_NotSentKeepsTheSeries: a retry that was not sent is still the same attempt, without another wait.
func TestR11_NotSentKeepsTheSeries(t *testing.T) {
	s := changed(t)
	s.answer(v1alpha1.OutcomeSettling)
	s.after(settle)
	s.quiet(v1alpha1.ReasonSettingsNotPersisted)
	s.after(retryAfter)
	s.sends(incoming)
	s.answer(v1alpha1.OutcomeNotSent)
	s.after(time.Second)
	if record := s.sends(incoming); record.Attempt != 2 || record.Reason != v1alpha1.ApplyRetry {
		t.Errorf("record %s, want attempt 2, a retry", toJSON(t, record))
	}
}

// TestR11_NotSentTakesTheCorrectionBack: only calls that may have had an effect count as corrections.
func TestR11_NotSentTakesTheCorrectionBack(t *testing.T) {
	s := inEffect(t, on)
	s.correct(incoming)
	s.shows(incoming, "no")
	s.quiet(v1alpha1.ReasonApplyPending)
	for range 2 * limits().FlapThreshold {
		s.after(poll)
		s.sends(incoming)
		if got := len(s.in.History.Corrections); got != 2 {
			t.Fatalf("%d corrections with the call under way, want 2", got)
		}
		s.answer(v1alpha1.OutcomeNotSent)
		if got := len(s.in.History.Corrections); got != 1 {
			t.Fatalf("%d corrections after a call that was not sent, want 1", got)
		}
	}
}

// TestR11_NotSentDriftIsRepeatedUnderTheSamePolicy: the drift goes on, so the correction is due still.
func TestR11_NotSentDriftIsRepeatedUnderTheSamePolicy(t *testing.T) {
	s := inEffect(t, on)
	s.drifts(incoming)
	s.answer(v1alpha1.OutcomeNotSent)
	s.after(time.Minute)
	if record := s.sends(incoming); record.Reason != v1alpha1.ApplyDrift || record.Attempt != 1 {
		t.Errorf("record %s, want the same correction", toJSON(t, record))
	}
	s.answer(v1alpha1.OutcomeNotSent)
	s.in.Policy = v1alpha1.PolicyOnSpecChange
	s.after(time.Minute)
	s.quiet(v1alpha1.ReasonDriftDetected)
}

// TestR11_FlapRetryWithUnknownOutcomeEnds: the one more try of a setting that flaps does not stay open for ever.
func TestR11_FlapRetryWithUnknownOutcomeEnds(t *testing.T) {
	s := flapping(t)
	s.quietUntilNextTry(flapWindow)
	s.after(settle)
	s.look()
	if s.in.History.Record.Active() && len(s.d.Send) == 0 {
		t.Errorf("the record is still %s when its settle time is over", s.in.History.Record.Outcome)
	}
}

// TestR11_NotSentFlapRetryIsRepeated: the one more try is not used up by a call that was never sent.
func TestR11_NotSentFlapRetryIsRepeated(t *testing.T) {
	s := flapping(t)
	s.quietUntilNextTry(flapWindow)
	s.answer(v1alpha1.OutcomeNotSent)
	s.after(poll)
	s.sends(incoming)
}

// TestR11_RecordsNameNoSecret: what is written before the call holds no value.
func TestR11_RecordsNameNoSecret(t *testing.T) {
	s := newStory(t, "")
	s.token(tokenRef, "s3cret")
	s.shows(plan.WebhookTokenName, "")
	record := s.sends(plan.WebhookTokenName)
	// The first 16 digits of HMAC-SHA-256 with the API token as its key, as openssl prints them.
	const digest = "3766bf00451bd20e"
	if len(record.Settings) != 1 || record.Settings[0].Wish != digest || record.SecretVersion != digest {
		t.Errorf("record %s, want the digest %s in place of the token", toJSON(t, record), digest)
	}
}
