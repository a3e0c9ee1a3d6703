// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"slices"
	"testing"
	"time"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// neverKept answers the call that is under way, and expects it to be found not kept when the settle time is over.
func (s *story) neverKept() {
	s.t.Helper()
	s.answer(v1alpha1.OutcomeSettling)
	s.after(settle)
	s.quiet(v1alpha1.ReasonSettingsNotPersisted)
	s.outcome(v1alpha1.OutcomeNotPersisted)
}

// exhausted starts a story in which all attempts at a change were not kept.
func exhausted(t *testing.T) *story {
	t.Helper()
	s := changed(t)
	s.neverKept()
	s.after(retryAfter)
	s.sends(incoming)
	s.neverKept()
	s.after(4 * retryAfter)
	s.sends(incoming)
	s.neverKept()
	s.abandoned(incoming + " SettingsNotPersisted")
	return s
}

// TestR13_WaitsBetweenAttempts: 15 minutes, then an hour, each from the end of the attempt before.
func TestR13_WaitsBetweenAttempts(t *testing.T) {
	s := changed(t)
	for attempt, wait := range []time.Duration{retryAfter, 4 * retryAfter} {
		s.neverKept()
		s.again(wait)
		s.abandoned()
		s.after(wait - time.Second)
		s.quiet(v1alpha1.ReasonSettingsNotPersisted)
		s.again(time.Second)
		s.after(time.Second)
		record := s.sends(incoming)
		if int(record.Attempt) != attempt+2 || record.Reason != v1alpha1.ApplyRetry {
			t.Errorf("record %s, want retry %d", toJSON(t, record), attempt+2)
		}
	}
}

// TestR13_AbandonedAfterTheLastAttempt: three in all, and none in the next days.
func TestR13_AbandonedAfterTheLastAttempt(t *testing.T) {
	s := exhausted(t)
	if s.in.History.SyncedHash != s.in.Desired.Hash {
		t.Error("what is not abandoned is in effect, but the hash does not say so")
	}
	for range 72 {
		s.after(time.Hour)
		s.quiet(v1alpha1.ReasonSettingsNotPersisted)
		s.newProcess()
	}
}

// TestR13_UnknownOutcomesCount: among the three attempts.
func TestR13_UnknownOutcomesCount(t *testing.T) {
	s := changed(t)
	s.after(settle)
	s.sends(incoming)
	s.after(settle)
	s.quiet(v1alpha1.ReasonSettingsNotPersisted)
	s.after(4 * retryAfter)
	if record := s.sends(incoming); record.Attempt != 3 {
		t.Errorf("record %s, want attempt 3", toJSON(t, record))
	}
	s.neverKept()
	s.abandoned(incoming + " SettingsNotPersisted")
}

// TestR13_OnlyWhatStillDiffersIsGivenUp: what was kept is not abandoned with the rest.
func TestR13_OnlyWhatStillDiffersIsGivenUp(t *testing.T) {
	s := inEffect(t, offOff)
	s.edit(onOn)
	s.sends(incoming, outgoing)
	s.neverKept()
	s.shows(outgoing, "yes")
	s.after(retryAfter)
	s.sends(incoming)
	s.neverKept()
	s.after(4 * retryAfter)
	s.sends(incoming)
	s.neverKept()
	s.abandoned(incoming + " SettingsNotPersisted")
}

// TestR13_GivenUpIsWhatDiffersThen: what the last attempt brought about is not given up even for a moment.
func TestR13_GivenUpIsWhatDiffersThen(t *testing.T) {
	s := inEffect(t, offOff)
	s.in.Limits.MaxAttempts = 1
	s.edit(onOn)
	s.sends(incoming, outgoing)
	s.answer(v1alpha1.OutcomeSettling)
	s.shows(outgoing, "yes")
	s.after(settle)
	s.quiet(v1alpha1.ReasonSettingsNotPersisted)
	s.abandoned(incoming + " SettingsNotPersisted")
}

// TestR13_NewDriftWaitsWithTheRetry: it goes out with the next attempt.
func TestR13_NewDriftWaitsWithTheRetry(t *testing.T) {
	s := inEffect(t, offOff)
	s.edit(onOff)
	s.sends(incoming)
	s.neverKept()
	s.shows(outgoing, "yes")
	s.after(retryAfter - poll)
	s.quiet(v1alpha1.ReasonSettingsNotPersisted)
	s.after(poll)
	s.sends(incoming, outgoing)
}

// TestR13_DriftThatIsNotKeptIsASeries: a correction that is not kept is retried like a change, and given up.
func TestR13_DriftThatIsNotKeptIsASeries(t *testing.T) {
	s := inEffect(t, on)
	s.drifts(incoming)
	s.neverKept()
	s.after(retryAfter)
	s.sends(incoming)
	s.neverKept()
	s.after(4 * retryAfter)
	s.sends(incoming)
	s.neverKept()
	s.abandoned(incoming + " SettingsNotPersisted")
}

// TestR13_LateValuesEndTheSeries: values that come while a retry waits are in effect, and later drift is new drift.
func TestR13_LateValuesEndTheSeries(t *testing.T) {
	s := changed(t)
	s.neverKept()
	s.after(time.Minute)
	s.obey()
	s.quiet(v1alpha1.ReasonUpToDate)
	s.outcome(v1alpha1.OutcomeConfirmed)
	s.after(time.Hour)
	s.drifts(incoming)
}

// TestR13_LateValueBesideAnAbandonedOne: a setting whose value came after all is corrected again when it drifts, though
// another one of the same series stays given up.
func TestR13_LateValueBesideAnAbandonedOne(t *testing.T) {
	s := inEffect(t, offOff)
	s.edit(onOn)
	s.sends(incoming, outgoing)
	s.neverKept()
	s.after(retryAfter)
	s.sends(incoming, outgoing)
	s.neverKept()
	s.after(4 * retryAfter)
	s.sends(incoming, outgoing)
	s.neverKept()
	s.abandoned(incoming+" SettingsNotPersisted", outgoing+" SettingsNotPersisted")
	s.after(time.Hour)
	s.shows(incoming, "yes")
	s.quiet(v1alpha1.ReasonSettingsNotPersisted)
	s.abandoned(outgoing + " SettingsNotPersisted")
	s.after(time.Hour)
	s.shows(incoming, "no")
	s.look()
	s.after(poll)
	s.sends(incoming)
}

// TestR13_ChangeStartsANewSeries: even one that goes back to a wish whose series was used up.
func TestR13_ChangeStartsANewSeries(t *testing.T) {
	s := exhausted(t)
	s.edit(off)
	s.quiet(v1alpha1.ReasonUpToDate)
	s.abandoned()
	s.edit(on)
	if record := s.sends(incoming); record.Attempt != 1 || record.Reason != v1alpha1.ApplySpecChange {
		t.Errorf("record %s, want attempt 1 of a change", toJSON(t, record))
	}
}

// TestR14_ANoIsNotPersistedAtOnce: there is nothing to settle; the wait counts from the answer.
func TestR14_ANoIsNotPersistedAtOnce(t *testing.T) {
	s := changed(t)
	s.after(5 * time.Second)
	s.answer(v1alpha1.OutcomeNotPersisted)
	s.after(time.Second)
	s.quiet(v1alpha1.ReasonSettingsNotPersisted)
	s.again(retryAfter - time.Second)
	s.after(retryAfter - time.Second)
	s.sends(incoming)
}

// rejected starts a story in which the vendor refused the values of a change.
func rejected(t *testing.T) *story {
	t.Helper()
	s := inEffect(t, offOff)
	s.edit(onOff)
	s.sends(incoming)
	s.answer(v1alpha1.OutcomeRejected)
	return s
}

// TestR14_RejectedIsNotTriedAgain: not by time, a new process, or drift of another setting.
func TestR14_RejectedIsNotTriedAgain(t *testing.T) {
	s := rejected(t)
	for range 48 {
		s.after(time.Hour)
		s.newProcess()
		s.quiet(v1alpha1.ReasonSettingsRejected)
		if !slices.Equal(s.d.Settings, []string{incoming}) {
			t.Fatalf("rejected %v, want %s", s.d.Settings, incoming)
		}
	}
}

// TestR14_RejectedIsLiftedByAChangeOrARequest: or by the value being there after all.
func TestR14_RejectedIsLiftedByAChangeOrARequest(t *testing.T) {
	for name, lift := range map[string]func(*story){
		"change":             func(s *story) { s.edit(onOn) },
		"request":            func(s *story) { s.in.Requested = true },
		"the way and back":   func(s *story) { s.edit(offOff); s.look(); s.edit(onOff) },
		"put right by hand":  func(s *story) { s.shows(incoming, "yes"); s.look(); s.shows(incoming, "no"); s.look(); s.after(poll) },
		"out and back in":    func(s *story) { s.edit(`"outgoingWebhook":false`); s.look(); s.edit(onOff) },
		"change of the wish": func(s *story) { s.edit(`"incomingWebhook":true`) },
	} {
		t.Run(name, func(t *testing.T) {
			s := rejected(t)
			s.after(time.Hour)
			s.quiet(v1alpha1.ReasonSettingsRejected)
			lift(s)
			if s.look(); !slices.Contains(s.d.Send, incoming) {
				t.Errorf("sends %v, want %s", s.d.Send, incoming)
			}
		})
	}
}
