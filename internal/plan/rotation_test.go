// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"reflect"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
)

const oldKey, newKey = "11111111", "22222222"

// intended is the record of a rotation that was begun some time before noon.
func intended(since time.Duration, outcome v1alpha1.RotationOutcome) *v1alpha1.RotationRecord {
	at := metav1.NewMicroTime(noon.Add(-since))
	return &v1alpha1.RotationRecord{Request: "now", ReplacedTokenKey: oldKey, StartedTime: &at, Outcome: outcome}
}

func rotating(change ...func(*plan.RotationInput)) plan.RotationInput {
	in := plan.RotationInput{Now: noon, Requested: true, TokenKey: oldKey, State: "authorized", Limits: plan.DefaultLimits()}
	for _, f := range change {
		f(&in)
	}
	return in
}

func TestP16WhenToRotate(t *testing.T) {
	wait := func(by plan.Holder, rest time.Duration) plan.RotationDecision {
		return plan.RotationDecision{Held: plan.Hold{By: by, For: rest}, LookAgain: rest}
	}
	poll := plan.DefaultLimits().SettlePoll
	for name, test := range map[string]struct {
		change func(*plan.RotationInput)
		want   plan.RotationDecision
	}{
		"asked for":                   {func(*plan.RotationInput) {}, plan.RotationDecision{Rotate: true}},
		"not asked for":               {func(in *plan.RotationInput) { in.Requested = false }, plan.RotationDecision{}},
		"after another one":           {func(in *plan.RotationInput) { in.Record = intended(time.Hour, v1alpha1.RotationRotated) }, plan.RotationDecision{Rotate: true}},
		"after one that did nothing":  {func(in *plan.RotationInput) { in.Record = intended(0, v1alpha1.RotationNotRotated) }, plan.RotationDecision{Rotate: true}},
		"while it is not authorized":  {func(in *plan.RotationInput) { in.State = "notAuthorized" }, plan.RotationDecision{Rotate: true}},
		"while it starts":             {func(in *plan.RotationInput) { in.State = "starting" }, wait(plan.HeldByStart, poll)},
		"while it is created":         {func(in *plan.RotationInput) { in.Creating = true }, wait(plan.HeldByStart, poll)},
		"while a write is open":       {func(in *plan.RotationInput) { in.WriteOpen = true }, wait(plan.HeldByWrite, poll)},
		"soon after a reboot":         {func(in *plan.RotationInput) { in.LastReboot = noon.Add(-6*time.Minute + 5*time.Second) }, wait(plan.HeldByReboot, 5*time.Second)},
		"right after a reboot":        {func(in *plan.RotationInput) { in.LastReboot = noon }, wait(plan.HeldByReboot, poll)},
		"once a reboot is long over":  {func(in *plan.RotationInput) { in.LastReboot = noon.Add(-6 * time.Minute) }, plan.RotationDecision{Rotate: true}},
		"while another one is open":   {func(in *plan.RotationInput) { in.Record = intended(0, v1alpha1.RotationPending) }, plan.RotationDecision{LookAgain: time.Minute}},
		"while an open one is unsure": {func(in *plan.RotationInput) { in.Record = intended(-time.Hour, v1alpha1.RotationPending) }, plan.RotationDecision{LookAgain: time.Minute}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := plan.DecideRotation(rotating(test.change)); !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestP17WhatAnAcceptedTokenMeans(t *testing.T) {
	for name, test := range map[string]struct {
		record *v1alpha1.RotationRecord
		key    string
		made   bool
		want   plan.RotationDecision
	}{
		"the old one, too soon":      {intended(45*time.Second, v1alpha1.RotationPending), oldKey, false, plan.RotationDecision{LookAgain: 15 * time.Second}},
		"the old one":                {intended(time.Minute, v1alpha1.RotationPending), oldKey, false, plan.RotationDecision{Outcome: v1alpha1.RotationNotRotated}},
		"the old one, that was lost": {intended(time.Hour, v1alpha1.RotationLost), oldKey, false, plan.RotationDecision{Outcome: v1alpha1.RotationNotRotated}},
		"another one":                {intended(time.Second, v1alpha1.RotationPending), newKey, false, plan.RotationDecision{Outcome: v1alpha1.RotationRecovered}},
		"another one after a loss":   {intended(time.Hour, v1alpha1.RotationLost), newKey, false, plan.RotationDecision{Outcome: v1alpha1.RotationRecovered}},
		"the one that was made":      {intended(time.Second, v1alpha1.RotationPending), newKey, true, plan.RotationDecision{Outcome: v1alpha1.RotationRotated}},
	} {
		t.Run(name, func(t *testing.T) {
			got := plan.DecideRotation(rotating(func(in *plan.RotationInput) { in.Record, in.TokenKey, in.Made = test.record, test.key, test.made }))
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

// TestP17WhatARefusedTokenMeans: nothing for a minute, then three looks, then the claim for half an hour.
func TestP17WhatARefusedTokenMeans(t *testing.T) {
	record := intended(0, v1alpha1.RotationPending)
	at := func(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }
	var alone plan.Refusals
	for _, look := range []struct {
		seconds int
		want    plan.RefusedDecision
	}{
		{10, plan.RefusedDecision{LookAgain: 50 * time.Second}},
		{60, plan.RefusedDecision{LookAgain: 20 * time.Second}},
		{70, plan.RefusedDecision{LookAgain: 10 * time.Second}},
		{80, plan.RefusedDecision{LookAgain: 20 * time.Second}},
		{99, plan.RefusedDecision{LookAgain: time.Second}},
		{100, plan.RefusedDecision{Lost: true}},
	} {
		if got := alone.Note(record, at(look.seconds), false); got != look.want {
			t.Errorf("after %d s: %+v, want %+v", look.seconds, got, look.want)
		}
	}
	var claimed plan.Refusals
	asked := 0
	for seconds := 60; ; seconds += 60 {
		d := claimed.Note(record, at(seconds), true)
		if d.AskClaim {
			asked++
			claimed.Asked(at(seconds))
		}
		if d.Lost {
			if first := 180; seconds != first+30*60 || asked != 3 {
				t.Errorf("lost after %d s, and asked %d times", seconds, asked)
			}
			break
		}
	}
	var patient plan.Refusals
	for _, seconds := range []int{60, 80, 100} {
		patient.Note(record, at(seconds), true)
	}
	patient.Asked(at(100))
	for seconds, want := range map[int]bool{100 + 10*60 - 1: false, 100 + 10*60: true} {
		if got := patient.Note(record, at(seconds), true); got.AskClaim != want {
			t.Errorf("after %d s the claim is asked again: %t", seconds, got.AskClaim)
		}
	}
	var another plan.Refusals
	if got := another.Note(intended(time.Hour, v1alpha1.RotationLost), noon, true); !got.Lost {
		t.Errorf("what was lost is lost for another process: %+v", got)
	}
}
