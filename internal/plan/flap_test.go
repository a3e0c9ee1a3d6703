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

// TestR17_FlapThreshold: three corrections within six hours, and the next difference is given up at once.
func TestR17_FlapThreshold(t *testing.T) {
	s := flapping(t)
	if !slices.Equal(s.d.Settings, []string{incoming}) || s.in.History.Abandoned[0].Count != 1 {
		t.Errorf("given up %v %+v, want %s once", s.d.Settings, s.in.History.Abandoned, incoming)
	}
}

// TestR17_OnlyTheWindowCounts: corrections that are older than the window are forgotten.
func TestR17_OnlyTheWindowCounts(t *testing.T) {
	s := inEffect(t, on)
	for range 10 {
		s.correct(incoming)
		s.after(flapWindow/2 + time.Second)
	}
	if got := len(s.in.History.Corrections); got > 2 {
		t.Errorf("%d corrections are kept, want those of the window", got)
	}
}

// TestR17_TheWindowIncludesItsEnd: a correction counts until it is older than the window.
func TestR17_TheWindowIncludesItsEnd(t *testing.T) {
	for over, kept := range map[time.Duration]int{0: 1, time.Second: 0} {
		s := inEffect(t, on)
		s.correct(incoming)
		made := s.in.History.Corrections[0].Time.Time
		s.in.Now = made.Add(flapWindow + over)
		s.obey()
		s.look()
		if got := len(s.in.History.Corrections); got != kept {
			t.Errorf("%s after the window %d corrections are kept, want %d", over, got, kept)
		}
	}
}

// TestR17_OtherSettingsStillCorrected: what flaps is given up alone.
func TestR17_OtherSettingsStillCorrected(t *testing.T) {
	s := inEffect(t, onOn)
	for range limits().FlapThreshold {
		s.correct(incoming)
	}
	s.shows(incoming, "no")
	s.shows(outgoing, "no")
	s.look()
	s.after(poll)
	if s.d.Send == nil {
		s.look()
	}
	if !slices.Equal(s.d.Send, []string{outgoing}) {
		t.Errorf("sends %v, want %s", s.d.Send, outgoing)
	}
	s.abandoned(incoming + " DriftFlapping")
}

// TestR17_InstanceThreshold: twice as many corrections of whatever settings are too many for an instance.
func TestR17_InstanceThreshold(t *testing.T) {
	names := []string{incoming, outgoing, "stateWebhook"}
	s := inEffect(t, onOn+`,"stateWebhook":true,"pollMessageWebhook":true`)
	for i := range 2 * limits().FlapThreshold {
		s.correct(names[i%len(names)])
	}
	s.shows("pollMessageWebhook", "no")
	s.quiet(v1alpha1.ReasonDriftFlapping)
	s.abandoned("pollMessageWebhook DriftFlapping")
}

// TestR17_OneMoreTryAfterAQuietWindow: each time it comes back the wait doubles, up to seven days.
func TestR17_OneMoreTryAfterAQuietWindow(t *testing.T) {
	s := flapping(t)
	wait := flapWindow
	for i := range 8 {
		s.quietUntilNextTry(wait)
		if got := s.in.History.Abandoned[0].Count; int(got) != i+2 {
			t.Fatalf("count %d, want %d", got, i+2)
		}
		s.answer(v1alpha1.OutcomeSettling)
		s.after(poll)
		s.obey()
		s.quiet(v1alpha1.ReasonDriftFlapping)
		s.outcome(v1alpha1.OutcomeConfirmed)
		s.shows(incoming, "no")
		wait = min(2*wait, 7*24*time.Hour)
	}
}

// TestR17_QuietEndsIt: a setting that holds for the whole wait is given up no longer.
func TestR17_QuietEndsIt(t *testing.T) {
	s := flapping(t)
	s.obey()
	s.after(flapWindow - time.Second)
	s.quiet(v1alpha1.ReasonDriftFlapping)
	s.after(time.Second)
	s.quiet(v1alpha1.ReasonUpToDate)
	s.abandoned()
}

// TestR17_MatchingDoesNotLiftFlapping: it would be back in a moment.
func TestR17_MatchingDoesNotLiftFlapping(t *testing.T) {
	s := flapping(t)
	s.obey()
	s.after(time.Minute)
	s.quiet(v1alpha1.ReasonDriftFlapping)
	s.shows(incoming, "no")
	s.after(time.Minute)
	s.quiet(v1alpha1.ReasonDriftFlapping)
}

// TestR17_ChangesDoNotCount: neither a user who changes his mind often nor a token that is rotated often flaps.
func TestR17_ChangesDoNotCount(t *testing.T) {
	s := newStory(t, "")
	s.token(on+","+tokenRef, "t")
	s.obey()
	s.quiet(v1alpha1.ReasonUpToDate)
	for i := range 20 {
		version := string(rune('A' + i))
		settings, changes := on+","+tokenRef, []string{plan.WebhookTokenName}
		if i%2 == 0 {
			settings = off + "," + tokenRef
		}
		if i > 0 || settings != on+","+tokenRef {
			changes = []string{incoming, plan.WebhookTokenName}
		}
		s.token(settings, "t"+version)
		s.sends(changes...)
		s.answer(v1alpha1.OutcomeSettling)
		s.after(poll)
		s.obey()
		s.quiet(v1alpha1.ReasonUpToDate)
	}
	if got := len(s.in.History.Corrections); got != 0 {
		t.Errorf("%d corrections, want none", got)
	}
}

// TestR17_RequestedCorrectionCounts: what a person asked for is a correction like any other once the wish was seen.
func TestR17_RequestedCorrectionCounts(t *testing.T) {
	s := flapping(t)
	s.in.Requested = true
	s.sends(incoming)
	if got := len(s.in.History.Corrections); got != limits().FlapThreshold+1 {
		t.Errorf("%d corrections, want %d", got, limits().FlapThreshold+1)
	}
	s.answer(v1alpha1.OutcomeSettling)
	s.after(poll)
	s.obey()
	s.quiet(v1alpha1.ReasonUpToDate)
	s.shows(incoming, "no")
	s.quiet(v1alpha1.ReasonDriftFlapping)
}

// TestR17_TheLatestSixteenAreKept: the status has no room for more.
func TestR17_TheLatestSixteenAreKept(t *testing.T) {
	s := inEffect(t, on)
	s.in.Limits.FlapThreshold = 100
	for range 20 {
		s.correct(incoming)
	}
	list := s.in.History.Corrections
	if len(list) != 16 || !list[15].Time.Time.Equal(s.in.History.Record.StartedTime.Time) {
		t.Errorf("%d corrections, the last at %s", len(list), list[len(list)-1].Time)
	}
}
