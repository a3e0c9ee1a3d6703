// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
)

// stuck is an instance that has been starting for the given time, at every look of this process, where the spec allows
// two reboots in 24 hours.
func stuck(since time.Duration, change ...func(*plan.RebootInput)) plan.RebootInput {
	in := plan.RebootInput{
		Now: noon, State: "starting", Policy: v1alpha1.PolicyEnforce,
		Rules:      plan.RecoveryRules{StuckStarting: true, YellowCard: true, StuckAfter: 10 * time.Minute, MaxRebootsPerDay: 2},
		StateSince: noon.Add(-since), WatchedSince: noon.Add(-since),
	}
	for _, f := range change {
		f(&in)
	}
	return in
}

func ago(hours ...int) (times []time.Time) {
	for _, h := range hours {
		times = append(times, noon.Add(-time.Duration(h)*time.Hour))
	}
	return times
}

// TestR20_StuckStarting: ten minutes at every look of this process, counted from the latest of the change of state, the
// first look and the last restart; then as many reboots as the spec allows in 24 hours; then a person has to act.
func TestR20_StuckStarting(t *testing.T) {
	reboot := plan.RebootDecision{Reason: plan.RebootStuckStarting, Stuck: true}
	soon := plan.RebootDecision{LookAgain: time.Minute}
	for name, test := range map[string]struct {
		in   plan.RebootInput
		want plan.RebootDecision
	}{
		"for ten minutes":    {stuck(10 * time.Minute), reboot},
		"a second less":      {stuck(10*time.Minute - time.Second), plan.RebootDecision{LookAgain: time.Second}},
		"just now":           {stuck(0), soon},
		"longer than seen":   {stuck(time.Hour, func(in *plan.RebootInput) { in.WatchedSince = noon.Add(-time.Minute) }), soon},
		"seen, but new":      {stuck(time.Hour, func(in *plan.RebootInput) { in.StateSince = noon.Add(-time.Minute) }), soon},
		"we restarted it":    {stuck(time.Hour, func(in *plan.RebootInput) { in.LastRestart = noon.Add(-time.Minute) }), soon},
		"one reboot today":   {stuck(time.Hour, func(in *plan.RebootInput) { in.Recent = ago(2) }), reboot},
		"two, one yesterday": {stuck(time.Hour, func(in *plan.RebootInput) { in.Recent = ago(24, 2) }), reboot},
		"two reboots today":  {stuck(time.Hour, func(in *plan.RebootInput) { in.Recent = ago(23, 2) }), plan.RebootDecision{Stuck: true, Stalled: true}},
		"not allowed":        {stuck(time.Hour, func(in *plan.RebootInput) { in.Rules.StuckStarting = false }), plan.RebootDecision{Stuck: true}},
		"a change waits": {
			stuck(time.Hour, func(in *plan.RebootInput) { in.Rules.StuckStarting, in.ChangeWaits = false, true }),
			plan.RebootDecision{Stuck: true, Stalled: true},
		},
		"under OnSpecChange": {stuck(time.Hour, func(in *plan.RebootInput) { in.Policy = v1alpha1.PolicyOnSpecChange }), reboot},
		"another state":      {stuck(time.Hour, func(in *plan.RebootInput) { in.State = "authorized" }), plan.RebootDecision{}},
		"still created":      {stuck(time.Hour, func(in *plan.RebootInput) { in.State = "" }), plan.RebootDecision{}},
	} {
		if got := decideReboot(t, test.in); got != test.want {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
}

// decideReboot is plan.DecideReboot, which must not change its input.
func decideReboot(t *testing.T, in plan.RebootInput) plan.RebootDecision {
	t.Helper()
	before := in
	before.Recent = slices.Clone(in.Recent)
	d := plan.DecideReboot(in)
	if !reflect.DeepEqual(before, in) {
		t.Errorf("DecideReboot changed its input: %+v, was %+v", in, before)
	}
	return d
}

// TestR20_YellowCard: seen twice a minute apart, with the same cap.
func TestR20_YellowCard(t *testing.T) {
	card := func(since time.Duration, change ...func(*plan.RebootInput)) plan.RebootInput {
		in := stuck(time.Hour, change...)
		in.State, in.WatchedSince = "yellowCard", noon.Add(-since)
		return in
	}
	reboot := plan.RebootDecision{Reason: plan.RebootYellowCard}
	for name, test := range map[string]struct {
		in   plan.RebootInput
		want plan.RebootDecision
	}{
		"for a minute":     {card(time.Minute), reboot},
		"a second less":    {card(time.Minute - time.Second), plan.RebootDecision{LookAgain: time.Second}},
		"first look":       {card(0), plan.RebootDecision{LookAgain: time.Minute}},
		"we restarted it":  {card(time.Hour, func(in *plan.RebootInput) { in.LastRestart = noon.Add(-time.Second) }), plan.RebootDecision{LookAgain: 59 * time.Second}},
		"cap reached":      {card(time.Hour, func(in *plan.RebootInput) { in.Recent = ago(3, 2) }), plan.RebootDecision{}},
		"not allowed":      {card(time.Hour, func(in *plan.RebootInput) { in.Rules.YellowCard = false }), plan.RebootDecision{}},
		"clock is behind":  {card(-time.Hour), plan.RebootDecision{LookAgain: time.Minute}},
		"restart to come":  {card(time.Hour, func(in *plan.RebootInput) { in.LastRestart = noon.Add(time.Hour) }), plan.RebootDecision{LookAgain: time.Minute}},
		"starting allowed": {card(time.Hour, func(in *plan.RebootInput) { in.Rules.StuckStarting = false }), reboot},
	} {
		if got := decideReboot(t, test.in); got != test.want {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
}

// TestR20_Requested: a person may ask for a reboot in every state and beyond the cap, but not under Observe.
func TestR20_Requested(t *testing.T) {
	for _, state := range []string{"starting", "authorized", "yellowCard", "notAuthorized", ""} {
		asked := stuck(0, func(in *plan.RebootInput) { in.State, in.Requested, in.Recent = state, true, ago(5, 4, 3, 2) })
		if got := decideReboot(t, asked); got.Reason != plan.RebootRequested {
			t.Errorf("%q: %+v, want the reboot that was asked for", state, got)
		}
		asked.Policy = v1alpha1.PolicyObserve
		if got := decideReboot(t, asked); got.Reason != "" {
			t.Errorf("%q under Observe: %+v, want no reboot", state, got)
		}
	}
	if got := decideReboot(t, stuck(time.Hour, func(in *plan.RebootInput) { in.Policy = v1alpha1.PolicyObserve })); got.Reason != "" {
		t.Errorf("under Observe: %+v, want no reboot", got)
	}
}
