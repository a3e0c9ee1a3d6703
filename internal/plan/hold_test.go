// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"testing"
	"time"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
)

// TestHold: while something forbids writing nothing is written, judged, given up or taken for a change.
func TestHold(t *testing.T) {
	for name, story := range map[string]func(*testing.T) *story{
		"change":  func(t *testing.T) *story { s := inEffect(t, off); s.edit(on); return s },
		"drift":   func(t *testing.T) *story { s := inEffect(t, on); s.shows(incoming, "no"); return s },
		"unknown": changed,
		"retry":   func(t *testing.T) *story { s := changed(t); s.neverKept(); return s },
		"last attempt": func(t *testing.T) *story {
			s := changed(t)
			s.in.History.Record.Attempt = 3
			s.answer(v1alpha1.OutcomeNotPersisted)
			return s
		},
		"given up":      exhausted,
		"rejected":      rejected,
		"change inside": func(t *testing.T) *story { s := open(t); s.edit(onOn); return s },
	} {
		t.Run(name, func(t *testing.T) {
			s := story(t)
			s.in.TokenUnknown = true
			before := s.in.History
			for range 4 {
				s.quiet(v1alpha1.ReasonApplyPending)
				s.after(settle)
			}
			if before.Record != nil && s.in.History.Record.Outcome != before.Record.Outcome {
				t.Errorf("the record is %s, was %s", s.in.History.Record.Outcome, before.Record.Outcome)
			}
			if s.in.History.SyncedHash != before.SyncedHash {
				t.Error("the hash of the synced settings was changed")
			}
			if name != "change" && name != "change inside" && len(s.in.History.Abandoned) != len(before.Abandoned) {
				t.Errorf("abandoned %+v, was %+v", s.in.History.Abandoned, before.Abandoned)
			}
		})
	}
}

// TestHold_TokenOutOfReach: a token whose Secret is gone for a while is no other token when it is back, and one that
// was given up stays so.
func TestHold_TokenOutOfReach(t *testing.T) {
	s := givenUp(t, v1alpha1.AbandonNotPersisted)
	known := s.in.Desired
	s.in.Desired, s.in.TokenUnknown = wish(t, on+","+tokenRef), true
	s.quiet(v1alpha1.ReasonApplyPending)
	s.after(time.Hour)
	s.in.Desired, s.in.TokenUnknown = known, false
	s.quiet(v1alpha1.ReasonSettingsNotPersisted)
	s.abandoned(incoming+" SettingsNotPersisted", plan.WebhookTokenName+" SettingsNotPersisted")
}

// TestFirstSight: a resource without a past is a change, and costs no call where everything is as wished.
func TestFirstSight(t *testing.T) {
	s := newStory(t, onOff)
	s.obey()
	s.quiet(v1alpha1.ReasonUpToDate)
	s = newStory(t, onOff)
	s.obey()
	s.shows(outgoing, "yes")
	if record := s.sends(outgoing); record.Reason != v1alpha1.ApplySpecChange {
		t.Errorf("record %s, want a change", toJSON(t, record))
	}
	newStory(t, "").quiet(v1alpha1.ReasonNothingManaged)
}

// TestLimitsOfOne: with one attempt in all nothing is repeated, tried again or left waiting.
func TestLimitsOfOne(t *testing.T) {
	for _, outcome := range []v1alpha1.ApplyOutcome{v1alpha1.OutcomePending, v1alpha1.OutcomeSettling, v1alpha1.OutcomeNotPersisted} {
		s := changed(t)
		s.in.Limits.MaxAttempts = 1
		s.answer(outcome)
		s.after(settle)
		s.quiet(v1alpha1.ReasonSettingsNotPersisted)
		s.abandoned(incoming + " SettingsNotPersisted")
	}
}
