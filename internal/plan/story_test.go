// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"slices"
	"testing"
	"time"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/jsonvalue"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
)

// story is one instance and one process that looks after it.
type story struct {
	t  *testing.T
	in plan.Input
	d  plan.Decision
	// before is the History that the latest decision replaced.
	before plan.History
}

// newStory starts a story of a new resource. The vendor shows nothing yet.
func newStory(t *testing.T, settings string) *story {
	t.Helper()
	return &story{t: t, in: plan.Input{
		Now: noon, Generation: 1, Policy: v1alpha1.PolicyEnforce, Desired: wish(t, settings), Observed: plan.Observed{},
		State: "authorized", StateSince: noon.Add(-time.Hour), Limits: limits(),
	}}
}

// inEffect starts a story in which the vendor shows what the spec wants, and the operator has seen it.
func inEffect(t *testing.T, settings string) *story {
	t.Helper()
	s := newStory(t, settings)
	s.obey()
	s.quiet(v1alpha1.ReasonUpToDate)
	return s
}

// edit changes the spec's settings; the token stays as it is.
func (s *story) edit(settings string) {
	s.t.Helper()
	s.in.Desired, s.in.Generation = wish(s.t, settings), s.in.Generation+1
}

// apiToken is what digests of webhook tokens are keyed with in these tests.
const apiToken = "api-t0ken-of-tests"

// token gives the webhook token a value.
func (s *story) token(settings, value string) {
	s.t.Helper()
	s.in.Desired = wish(s.t, settings)
	s.in.Desired.SetToken(value, apiToken, "")
}

// shows makes the vendor show a text.
func (s *story) shows(name, text string) {
	s.in.Observed[name] = jsonvalue.Value{Type: jsonvalue.String, Text: text}
}

// obey makes the vendor show what is wished.
func (s *story) obey() {
	for _, wished := range s.in.Desired.Settings {
		s.shows(wished.Name, wished.Value)
	}
}

func (s *story) state(name string) { s.in.State, s.in.StateSince = name, s.in.Now }

func (s *story) after(d time.Duration) { s.in.Now = s.in.Now.Add(d) }

// newProcess is a crash or a handover: what was kept in memory is lost.
func (s *story) newProcess() { s.in.Own, s.in.DriftSince = false, nil }

// look decides, and stores the History as the caller would.
func (s *story) look() plan.Decision {
	s.t.Helper()
	s.d, s.before = decide(s.t, s.in), s.in.History
	s.in.History, s.in.DriftSince = throughStatus(s.t, s.d.History), s.d.DriftSince
	if len(s.d.Send) > 0 {
		s.in.Own = true
	}
	if s.d.Handled {
		s.in.Requested = false
	}
	return s.d
}

// sends looks and expects exactly these settings to be written.
func (s *story) sends(names ...string) *v1alpha1.ApplyRecord {
	s.t.Helper()
	if s.look(); !slices.Equal(s.d.Send, names) {
		s.t.Fatalf("at %s sends %v, want %v (Synced %s, record %s)", s.clock(), s.d.Send, names, s.d.Synced, toJSON(s.t, s.d.History.Record))
	}
	return s.d.History.Record
}

// quiet looks and expects no write and this reason of condition Synced.
func (s *story) quiet(reason string) {
	s.t.Helper()
	s.look()
	if len(s.d.Send) > 0 || s.d.Synced != reason {
		s.t.Fatalf("at %s sends %v and says %s, want no write and %s", s.clock(), s.d.Send, s.d.Synced, reason)
	}
}

// answer stores the outcome of the call as the caller would.
func (s *story) answer(outcome v1alpha1.ApplyOutcome) {
	if outcome == v1alpha1.OutcomeNotSent {
		plan.NotSent(&s.in.History, s.before, s.in.Now)
		return
	}
	if outcome == v1alpha1.OutcomePending || outcome == v1alpha1.OutcomeSettling {
		s.in.History.Record.Outcome = outcome
		return
	}
	plan.Finish(s.in.History.Record, outcome, s.in.Now)
}

func (s *story) clock() time.Duration { return s.in.Now.Sub(noon) }

// abandoned expects exactly these settings to be given up, and why: "name reason".
func (s *story) abandoned(want ...string) {
	s.t.Helper()
	var got []string
	for _, entry := range s.in.History.Abandoned {
		got = append(got, entry.Setting+" "+string(entry.Reason))
	}
	if !slices.Equal(got, want) {
		s.t.Fatalf("at %s abandoned %v, want %v", s.clock(), got, want)
	}
}

func (s *story) outcome(want v1alpha1.ApplyOutcome) {
	s.t.Helper()
	if got := s.in.History.Record.Outcome; got != want {
		s.t.Fatalf("at %s the record is %s, want %s", s.clock(), got, want)
	}
}

func (s *story) again(want time.Duration) {
	s.t.Helper()
	if s.d.LookAgain != want {
		s.t.Fatalf("at %s looks again in %s, want %s", s.clock(), s.d.LookAgain, want)
	}
}

// drifts makes a setting change by itself, and expects the correction once two readings show it.
func (s *story) drifts(name string) {
	s.t.Helper()
	s.shows(name, "no")
	s.quiet(v1alpha1.ReasonApplyPending)
	s.after(poll)
	s.sends(name)
}

// correct is a drift that is corrected with success.
func (s *story) correct(name string) {
	s.t.Helper()
	s.drifts(name)
	s.answer(v1alpha1.OutcomeSettling)
	s.after(poll)
	s.obey()
	s.quiet(v1alpha1.ReasonUpToDate)
	s.outcome(v1alpha1.OutcomeConfirmed)
}

// flapping starts a story in which incomingWebhook was just given up because it flaps.
func flapping(t *testing.T) *story {
	t.Helper()
	s := inEffect(t, on)
	for range limits().FlapThreshold {
		s.correct(incoming)
	}
	s.after(poll)
	s.shows(incoming, "no")
	s.quiet(v1alpha1.ReasonDriftFlapping)
	s.abandoned(incoming + " DriftFlapping")
	return s
}

// quietUntilNextTry waits for the one more try of a setting that flaps, and expects no write before.
func (s *story) quietUntilNextTry(wait time.Duration) {
	s.t.Helper()
	last := s.in.History.Abandoned[0].Time.Time.Add(wait)
	for s.in.Now = s.in.Now.Truncate(time.Hour).Add(time.Hour); s.in.Now.Before(last); s.after(time.Hour) {
		s.quiet(v1alpha1.ReasonDriftFlapping)
	}
	s.in.Now = last.Add(-time.Second)
	s.quiet(v1alpha1.ReasonDriftFlapping)
	s.after(time.Second)
	s.quiet(v1alpha1.ReasonApplyPending)
	s.after(poll)
	s.sends(incoming)
}

// giveUp makes settings differ and puts them on the list of those that are no longer written.
func (s *story) giveUp(reason v1alpha1.AbandonReason, names ...string) {
	for _, name := range names {
		s.shows(name, "no")
		entry := v1alpha1.AbandonedSetting{Setting: name, Reason: reason, Count: 1}
		entry.Time.Time = s.in.Now
		s.in.History.Abandoned = append(s.in.History.Abandoned, entry)
	}
}
