// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// isWish reports whether a record is about exactly what the user wants now.
func (t *table) isWish(record *v1alpha1.ApplyRecord) bool {
	return record.SettingsHash == t.Desired.Hash && record.SecretVersion == t.Desired.SecretVersion
}

func (t *table) changedSince(record *v1alpha1.ApplyRecord) bool { return !t.isWish(record) }

// judge closes the outcome of an open record: confirmed once its values show, not persisted once the settle time is
// over (R11, R13).
func (t *table) judge() {
	record := t.d.History.Record
	if !record.Active() || t.Hold {
		return
	}
	open, lost, superseded, shown := t.sort(record)
	over := t.settleRest(record) <= 0
	if len(open)+len(lost)+len(superseded) == 0 {
		// While the instance starts, what it shows may be from before or after: it is believed once it has started.
		if !t.starting() || over {
			t.finish(v1alpha1.OutcomeConfirmed)
		}
		return
	}
	if !over {
		return
	}
	for _, name := range lost {
		t.abandon(name, v1alpha1.AbandonNotSupported)
	}
	switch {
	case len(open)+len(superseded) == 0 && shown > 0:
		t.finish(v1alpha1.OutcomeConfirmed)
	case len(open) > 0 && t.mayRepeat(record):
		t.repeat = true
	default:
		t.finish(v1alpha1.OutcomeNotPersisted)
	}
}

// sort sorts the record's settings that are managed still: which differ, which the vendor does not show, which are
// wished otherwise by now, and how many show.
func (t *table) sort(record *v1alpha1.ApplyRecord) (open, lost, superseded []string, shown int) {
	for _, sent := range record.Settings {
		s, managed := t.Desired.find(sent.Setting)
		switch {
		case !managed:
		case s.Wish != sent.Wish:
			superseded = append(superseded, s.Name)
		case t.verdicts[s.Name] == same:
			shown++
		case t.verdicts[s.Name] == missing:
			lost = append(lost, s.Name)
		default:
			open = append(open, s.Name)
		}
	}
	return open, lost, superseded, shown
}

// mayRepeat reports whether a call whose outcome was never known is repeated at once. A second unknown outcome in a row
// is not; a repetition is known by its reason.
func (t *table) mayRepeat(record *v1alpha1.ApplyRecord) bool {
	return record.Outcome == v1alpha1.OutcomePending && record.Reason != v1alpha1.ApplyRetry &&
		record.Attempt < t.Limits.MaxAttempts && t.Policy != v1alpha1.PolicyObserve && !t.changed()
}

func (t *table) finish(outcome v1alpha1.ApplyOutcome) { Finish(t.d.History.Record, outcome, t.Now) }

// Finish closes a record with an outcome that is known now.
func Finish(record *v1alpha1.ApplyRecord, outcome v1alpha1.ApplyOutcome, now time.Time) {
	finished := metav1.NewMicroTime(now)
	record.Outcome, record.FinishedTime = outcome, &finished
}

// settleRest is how long old values are still no drift. A process that did not write the record adds a tenth, since
// clocks differ (R16).
func (t *table) settleRest(record *v1alpha1.ApplyRecord) time.Duration {
	return t.withMargin(t.Limits.SettleTimeout) - t.elapsed(record.StartedTime.Time)
}

// foreignCallRest is how long a call that another process was about to make may still leave (R12).
func (t *table) foreignCallRest(record *v1alpha1.ApplyRecord) time.Duration {
	if t.Own || record.Outcome != v1alpha1.OutcomePending {
		return 0
	}
	return t.withMargin(t.Limits.CallWindow) - t.elapsed(record.StartedTime.Time)
}

func (t *table) withMargin(d time.Duration) time.Duration {
	if t.Own {
		return d
	}
	return d + d/10
}

// changedWhileOpen returns what a change needs to write while an earlier call is open: what differs and was not sent
// with the same wish, and what was sent with another wish, whatever a possibly stale reading shows (R12).
func (t *table) changedWhileOpen(record *v1alpha1.ApplyRecord) []string {
	sent := make(map[string]string, len(record.Settings))
	for _, s := range record.Settings {
		sent[s.Setting] = s.Wish
	}
	var names []string
	for _, s := range t.Desired.Settings {
		wish, was := sent[s.Name]
		if was && wish != s.Wish || !was && t.verdicts[s.Name] != same && !t.abandoned(s.Name) {
			names = append(names, s.Name)
		}
	}
	return names
}

// recordSettings lists what the record of the call to come is about: what is sent, and what an open record sent with
// the same wish, so that it is verified still.
func (t *table) recordSettings() []v1alpha1.AppliedSetting {
	names := slices.Clone(t.d.Send)
	if open := t.d.History.Record; open.Active() {
		for _, sent := range open.Settings {
			if s, managed := t.Desired.find(sent.Setting); managed && s.Wish == sent.Wish && !slices.Contains(names, s.Name) {
				names = append(names, s.Name)
			}
		}
		slices.Sort(names)
	}
	applied := make([]v1alpha1.AppliedSetting, 0, len(names))
	for _, name := range names {
		s, _ := t.Desired.find(name)
		applied = append(applied, v1alpha1.AppliedSetting{Setting: name, Wish: s.Wish})
	}
	return applied
}

// continues reports whether the latest record is about the present wish, ended so, and is still unfulfilled.
func (t *table) continues(outcome v1alpha1.ApplyOutcome, differ []string) bool {
	record := t.d.History.Record
	return record != nil && record.Outcome == outcome && t.isWish(record) && len(unfulfilled(record, differ)) > 0
}

// unfulfilled returns the record's settings that differ.
func unfulfilled(record *v1alpha1.ApplyRecord, differ []string) []string {
	var names []string
	for _, sent := range record.Settings {
		if slices.Contains(differ, sent.Setting) {
			names = append(names, sent.Setting)
		}
	}
	return names
}

func recordNames(record *v1alpha1.ApplyRecord) []string {
	names := make([]string, 0, len(record.Settings))
	for _, s := range record.Settings {
		names = append(names, s.Setting)
	}
	return names
}

// NotSent closes a record whose call certainly had no effect: it does not count as an attempt, and the correction it
// would have been is taken back (R11).
func NotSent(h *History, now time.Time) {
	record := h.Record
	Finish(record, v1alpha1.OutcomeNotSent, now)
	record.Attempt = max(record.Attempt-1, 0)
	if n := len(h.Corrections); n > 0 && h.Corrections[n-1].Time.Unix() == record.StartedTime.Unix() {
		h.Corrections = h.Corrections[:n-1]
	}
}
