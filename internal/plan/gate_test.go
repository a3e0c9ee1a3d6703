// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"testing"
	"time"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
	"github.com/greenapi-operator/greenapi-operator/internal/states"
)

// TestR15WhatHoldsAWrite: a change goes out at once, or the decision says what holds it and when to look again, and the
// history stays as it was.
func TestR15WhatHoldsAWrite(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		state string
		since time.Duration
		// logout is for how long the account has been logged out, 0 if it is not.
		logout time.Duration
		held   plan.Hold
	}{
		{state: states.Authorized},
		{state: "notAuthorized"},
		{state: "blocked"},
		{state: states.Starting, held: plan.Hold{By: plan.HeldByStart, For: 20 * time.Second}},
		{state: states.Starting, since: 24 * time.Hour, held: plan.Hold{By: plan.HeldByStart, For: 20 * time.Second}},
		{state: "pendingPassword", held: plan.Hold{By: plan.HeldByLogin, For: 20 * time.Second}},
		{state: "pendingCode", since: 9*time.Minute + 50*time.Second, held: plan.Hold{By: plan.HeldByLogin, For: 10 * time.Second}},
		{state: "pendingCode", since: 10 * time.Minute},
		{state: states.Authorized, logout: time.Second, held: plan.Hold{By: plan.HeldByLogin, For: 20 * time.Second}},
		{state: states.Authorized, logout: 9*time.Minute + 55*time.Second, held: plan.Hold{By: plan.HeldByLogin, For: 5 * time.Second}},
		{state: states.Authorized, logout: 10 * time.Minute},
		{state: "pendingCode", since: 9*time.Minute + 50*time.Second, logout: time.Hour, held: plan.Hold{By: plan.HeldByLogin, For: 10 * time.Second}},
	} {
		t.Run(c.state+" for "+c.since.String()+", logged out for "+c.logout.String(), func(t *testing.T) {
			t.Parallel()
			s := inEffect(t, off)
			s.state(c.state)
			s.in.StateSince = s.in.Now.Add(-c.since)
			if c.logout > 0 {
				s.in.LogoutSince = s.in.Now.Add(-c.logout)
			}
			s.edit(on)
			s.look()
			if s.d.Held != c.held {
				t.Errorf("held %+v, wanted %+v", s.d.Held, c.held)
			}
			if sends := len(s.d.Send) > 0; sends == (c.held.By != "") {
				t.Errorf("sends %v while held %+v", s.d.Send, s.d.Held)
			}
			if c.held.By != "" && (s.d.LookAgain != c.held.For || s.d.History.Record != nil) {
				t.Errorf("looks again in %s, with record %+v", s.d.LookAgain, s.d.History.Record)
			}
		})
	}
}

// TestR30WhatAWindowHolds: changes, corrections or both, of those whom a restart would interrupt, unless a person asks for it now.
func TestR30WhatAWindowHolds(t *testing.T) {
	t.Parallel()
	const wait = 3 * time.Hour
	changes, corrections := plan.Window{Changes: true}, plan.Window{Corrections: true}
	for _, c := range []struct {
		name            string
		window          plan.Window
		state           string
		correction, now bool
		held            plan.Holder
		reason          string
	}{
		{name: "no window"},
		{name: "a change", window: changes, held: plan.HeldByWindow, reason: v1alpha1.ReasonOutsideWindow},
		{name: "a change where corrections wait", window: corrections},
		{name: "a correction", window: corrections, correction: true, held: plan.HeldByWindow, reason: v1alpha1.ReasonOutsideWindow},
		{name: "a correction where changes wait", window: changes, correction: true},
		{name: "asked for", window: changes, now: true},
		{name: "nobody at work", window: changes, state: "notAuthorized"},
		{name: "nobody knows when", window: plan.Window{Problem: "no such zone"}, now: true, held: plan.HeldByInvalidWindow, reason: v1alpha1.ReasonMaintenanceInvalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := inEffect(t, off)
			if c.correction {
				s.shows("incomingWebhook", "yes")
				s.quiet(v1alpha1.ReasonApplyPending)
				s.after(time.Minute)
			} else {
				s.edit(on)
			}
			if c.state != "" {
				s.state(c.state)
			}
			if c.window != (plan.Window{}) && c.window.Problem == "" {
				c.window.Opens = s.in.Now.Add(wait)
			}
			s.in.Window, s.in.ApplyNow = c.window, c.now
			s.look()
			if s.d.Held.By != c.held || len(s.d.Send) > 0 != (c.held == "") {
				t.Fatalf("held %+v and sends %v, wanted %q", s.d.Held, s.d.Send, c.held)
			}
			if s.d.ApplyHandled != (c.now && c.held == "" || c.now && c.window.Problem != "") {
				t.Errorf("the request is done with: %v", s.d.ApplyHandled)
			}
			if c.held != "" && (s.d.Synced != c.reason || s.d.History.Record != nil) {
				t.Errorf("says %s with record %+v", s.d.Synced, s.d.History.Record)
			}
			if c.held == plan.HeldByWindow && s.d.LookAgain != wait {
				t.Errorf("looks again in %s, wanted %s", s.d.LookAgain, wait)
			}
		})
	}
}

// TestR29ApplyNowWaitsForItsCall: it is handled by the call that it asks for, or once nothing is to be written.
func TestR29ApplyNowWaitsForItsCall(t *testing.T) {
	t.Parallel()
	s := inEffect(t, off)
	s.in.ApplyNow = true
	if s.look(); !s.d.ApplyHandled {
		t.Error("nothing is to be written, and it is not handled")
	}
	s.edit(on)
	s.state(states.Starting)
	if s.look(); s.d.ApplyHandled {
		t.Error("handled before the call that it asks for")
	}
	s.state(states.Authorized)
	if s.look(); len(s.d.Send) == 0 || !s.d.ApplyHandled {
		t.Errorf("sends %v, handled %t", s.d.Send, s.d.ApplyHandled)
	}
}

// TestAHoldThatIsOverHoldsNothing.
func TestAHoldThatIsOverHoldsNothing(t *testing.T) {
	t.Parallel()
	for rest, hold := range map[time.Duration]plan.Hold{-time.Second: {}, 0: {}, time.Second: {By: plan.HeldByTurn, For: time.Second}} {
		if got := plan.HoldFor(plan.HeldByTurn, rest); got != hold {
			t.Errorf("%s: %+v", rest, got)
		}
	}
}
