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
		held  plan.Hold
	}{
		{state: states.Authorized},
		{state: "notAuthorized"},
		{state: "blocked"},
		{state: states.Starting, held: plan.Hold{By: plan.HeldByStart, For: 20 * time.Second}},
		{state: states.Starting, since: 24 * time.Hour, held: plan.Hold{By: plan.HeldByStart, For: 20 * time.Second}},
		{state: "pendingPassword", held: plan.Hold{By: plan.HeldByLogin, For: 20 * time.Second}},
		{state: "pendingCode", since: 9*time.Minute + 50*time.Second, held: plan.Hold{By: plan.HeldByLogin, For: 10 * time.Second}},
		{state: "pendingCode", since: 10 * time.Minute},
	} {
		t.Run(c.state+" for "+c.since.String(), func(t *testing.T) {
			t.Parallel()
			s := inEffect(t, off)
			s.state(c.state)
			s.in.StateSince = s.in.Now.Add(-c.since)
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

// TestAtMostOneAction: a reboot goes first unless it has to wait, and settings go if there are any.
func TestAtMostOneAction(t *testing.T) {
	t.Parallel()
	write, nothing := &plan.Decision{Send: []string{"incomingWebhook"}}, &plan.Decision{Synced: v1alpha1.ReasonUpToDate}
	reboot := plan.RebootDecision{Reason: plan.RebootRequested}
	for _, c := range []struct {
		settings *plan.Decision
		reboot   plan.RebootDecision
		rest     time.Duration
		action   plan.Action
	}{
		{nil, plan.RebootDecision{}, 0, plan.ActionNone},
		{nothing, plan.RebootDecision{Stuck: true}, 0, plan.ActionNone},
		{write, plan.RebootDecision{}, 0, plan.ActionWrite},
		{write, plan.RebootDecision{}, time.Second, plan.ActionWrite},
		{nil, reboot, 0, plan.ActionReboot},
		{nothing, reboot, 0, plan.ActionReboot},
		{write, reboot, 0, plan.ActionReboot},
		{write, reboot, time.Second, plan.ActionWrite},
		{nil, reboot, time.Second, plan.ActionNone},
	} {
		if action := plan.Choose(c.settings, c.reboot, c.rest); action != c.action {
			t.Errorf("%+v, %+v, %s: %q, wanted %q", c.settings, c.reboot, c.rest, action, c.action)
		}
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
