// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"slices"
	"testing"
	"time"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// TestR9_DriftNeedsTwoReadings: at least a poll apart, both outside starting and of one process.
func TestR9_DriftNeedsTwoReadings(t *testing.T) {
	s := inEffect(t, on)
	s.shows(incoming, "no")
	s.quiet(v1alpha1.ReasonApplyPending)
	s.again(poll)
	if !slices.Equal(s.d.Drift, []string{incoming}) {
		t.Errorf("drift %v, want %s", s.d.Drift, incoming)
	}
	s.after(poll - time.Second)
	s.quiet(v1alpha1.ReasonApplyPending)
	s.again(time.Second)
	s.newProcess()
	s.after(time.Second)
	s.quiet(v1alpha1.ReasonApplyPending)
	s.after(poll)
	record := s.sends(incoming)
	if record.Reason != v1alpha1.ApplyDrift || record.Attempt != 1 || len(s.in.History.Corrections) != 1 {
		t.Errorf("record %s and %d corrections, want the first correction", toJSON(t, record), len(s.in.History.Corrections))
	}
	if s.in.History.SyncedHash != s.in.Desired.Hash {
		t.Error("a correction of drift takes back that the wish was once in effect")
	}
}

// TestR9_AValueThatIsBackIsNoDrift: the two readings are about one and the same difference.
func TestR9_AValueThatIsBackIsNoDrift(t *testing.T) {
	s := inEffect(t, on)
	for range 5 {
		s.shows(incoming, "no")
		s.quiet(v1alpha1.ReasonApplyPending)
		s.after(poll)
		s.obey()
		s.quiet(v1alpha1.ReasonUpToDate)
		s.after(poll)
	}
}

// TestR9_ReadingsWhileStartingDoNotCount: an instance that starts may show old values.
func TestR9_ReadingsWhileStartingDoNotCount(t *testing.T) {
	s := inEffect(t, on)
	s.state("starting")
	s.shows(incoming, "no")
	for range 10 {
		s.quiet(v1alpha1.ReasonInstanceStarting)
		s.again(poll)
		s.after(poll)
	}
	s.state("authorized")
	s.quiet(v1alpha1.ReasonApplyPending)
	s.after(poll)
	s.sends(incoming)
}

// TestR15_NoWriteWhileStarting: the change waits, and the state is read at every poll.
func TestR15_NoWriteWhileStarting(t *testing.T) {
	for _, state := range []string{"starting", ""} {
		s := inEffect(t, off)
		s.state(state)
		s.edit(on)
		for range 30 {
			s.quiet(v1alpha1.ReasonInstanceStarting)
			s.again(poll)
			s.after(poll)
		}
		s.state("authorized")
		s.sends(incoming)
	}
}

// TestR15_WaitsForALogin: at most ten minutes of a person entering a code or password.
func TestR15_WaitsForALogin(t *testing.T) {
	for _, state := range []string{"pendingCode", "pendingPassword"} {
		s := inEffect(t, off)
		s.state(state)
		s.edit(on)
		s.quiet(v1alpha1.ReasonApplyPending)
		s.again(poll)
		s.after(10*time.Minute - time.Second)
		s.quiet(v1alpha1.ReasonApplyPending)
		s.again(time.Second)
		s.after(time.Second)
		s.sends(incoming)
	}
}

// TestR15_EveryOtherStateTakesSettings: settings do not wait for a person to scan a QR code.
func TestR15_EveryOtherStateTakesSettings(t *testing.T) {
	for _, state := range []string{"authorized", "notAuthorized", "blocked", "sleepMode", "suspended", "yellowCard", "expired", "neverHeardOf"} {
		s := inEffect(t, off)
		s.state(state)
		s.edit(on)
		s.sends(incoming)
	}
}

// TestR15_HoldsForEveryReason: changes, retries, repetitions, drift and requests alike.
func TestR15_HoldsForEveryReason(t *testing.T) {
	for name, due := range map[string]func(*testing.T) *story{
		"retry":      func(t *testing.T) *story { s := changed(t); s.neverKept(); s.after(retryAfter); return s },
		"repetition": func(t *testing.T) *story { s := changed(t); s.after(settle); return s },
		"drift": func(t *testing.T) *story {
			s := inEffect(t, on)
			s.shows(incoming, "no")
			s.look()
			s.after(poll)
			return s
		},
		"request":  func(t *testing.T) *story { s := exhausted(t); s.in.Requested = true; return s },
		"not sent": func(t *testing.T) *story { s := changed(t); s.answer(v1alpha1.OutcomeNotSent); return s },
	} {
		t.Run(name, func(t *testing.T) {
			s := due(t)
			for _, state := range []string{"starting", "", "pendingCode"} {
				s.in.State, s.in.StateSince = state, s.in.Now
				if s.look(); len(s.d.Send) > 0 {
					t.Fatalf("sends %v in state %q", s.d.Send, state)
				}
			}
			s.state("authorized")
			s.sends(incoming)
		})
	}
}

// TestR20_OldValuesAfterOurReboot: they are no drift for the settle time; a change goes out all the same.
func TestR20_OldValuesAfterOurReboot(t *testing.T) {
	for _, policy := range []v1alpha1.ReconcilePolicy{v1alpha1.PolicyEnforce, v1alpha1.PolicyOnSpecChange} {
		t.Run(string(policy), func(t *testing.T) {
			s := inEffect(t, on)
			s.in.Policy, s.in.LastReboot = policy, s.in.Now
			s.shows(incoming, "no")
			for s.in.Now.Before(noon.Add(settle)) {
				if s.look(); len(s.d.Send) > 0 || len(s.d.Drift) > 0 || len(s.in.History.Abandoned) > 0 {
					t.Fatalf("at %s sends %v, drift %v", s.clock(), s.d.Send, s.d.Drift)
				}
				s.after(poll)
			}
			s.look()
			if !slices.Equal(s.d.Drift, []string{incoming}) || len(s.d.Send) > 0 {
				t.Errorf("when the settle time is over: sends %v, drift %v", s.d.Send, s.d.Drift)
			}
		})
	}
	s := inEffect(t, on)
	s.in.LastReboot = s.in.Now
	s.edit(off)
	s.sends(incoming)
}
