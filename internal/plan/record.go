// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// maxRecordSettings is the MaxItems of the status for the settings of a record. A spec manages fewer.
const maxRecordSettings = 128

// isWish reports whether a record is about exactly what the user wants now.
func (t *table) isWish(record *v1alpha1.ApplyRecord) bool {
	return record.SettingsHash == t.Desired.Hash && record.SecretVersion == t.Desired.SecretVersion
}

func (t *table) changedSince(record *v1alpha1.ApplyRecord) bool { return !t.isWish(record) }

// judge closes the outcome of an open record: confirmed once its values show, not persisted once the settle time is
// over (R11, R13).
func (t *table) judge() {
	record := t.d.History.Record
	if t.Hold {
		return
	}
	if !record.Active() {
		t.putRight()
		return
	}
	found := t.sort(record)
	over := t.settleRest(record) <= 0
	if len(found.open)+len(found.lost)+len(found.superseded) == 0 {
		// While the instance starts, what it shows may be from before or after: it is believed once it has started. The
		// same goes for what it shows while an earlier call with another wish may still come into effect. And a call is
		// not done with because one of its settings is no longer managed.
		if over || !t.starting() && found.gone == 0 && t.superseding(record) <= 0 {
			t.finish(v1alpha1.OutcomeConfirmed)
		}
		return
	}
	if over {
		t.judgeOver(record, found)
	}
}

// judgeOver closes a record whose settle time is over and whose values do not all show.
func (t *table) judgeOver(record *v1alpha1.ApplyRecord, found sorted) {
	if (found.repeatable > 0 || found.shown == 0 && len(found.lost) > 0) && t.mayRepeat(record) {
		t.repeat = true
		return
	}
	for _, name := range found.lost {
		t.abandon(name, v1alpha1.AbandonNotSupported)
	}
	if len(found.open)+len(found.superseded) == 0 && found.shown > 0 {
		t.finish(v1alpha1.OutcomeConfirmed)
		return
	}
	t.finish(v1alpha1.OutcomeNotPersisted)
}

// sorted are a record's settings: which differ (and how many of them are not given up), which the vendor does not show,
// which are wished otherwise by now, how many show, and how many are no longer managed.
type sorted struct {
	open, lost, superseded  []string
	repeatable, shown, gone int
}

func (t *table) sort(record *v1alpha1.ApplyRecord) (found sorted) {
	for _, sent := range record.Settings {
		s, managed := t.Desired.find(sent.Setting)
		switch {
		case !managed:
			found.gone++
		case s.Wish != sent.Wish:
			found.superseded = append(found.superseded, s.Name)
		case t.verdicts[s.Name] == same:
			found.shown++
		case t.verdicts[s.Name] == missing:
			found.lost = append(found.lost, s.Name)
		default:
			found.open = append(found.open, s.Name)
			if !t.abandoned(s.Name) {
				found.repeatable++
			}
		}
	}
	return found
}

// putRight takes out of a closed record what is in effect after all: the values came late, or somebody set them.
func (t *table) putRight() {
	record := t.d.History.Record
	if record == nil || t.starting() || t.superseding(record) > 0 || !t.isWish(record) ||
		record.Outcome != v1alpha1.OutcomeNotPersisted && record.Outcome != v1alpha1.OutcomeRejected {
		return
	}
	rest := slices.DeleteFunc(slices.Clone(record.Settings), func(sent v1alpha1.AppliedSetting) bool {
		shows, managed := t.verdicts[sent.Setting]
		return managed && shows == same
	})
	if len(rest) == 0 {
		t.finish(v1alpha1.OutcomeConfirmed)
		return
	}
	record.Settings = rest
}

// supersededTime returns when the latest of the open calls was started that sent another wish for a setting to be sent.
func (t *table) supersededTime() *metav1.MicroTime {
	open := t.d.History.Record
	if !open.Active() {
		return nil
	}
	for _, sent := range open.Settings {
		if s, _ := t.Desired.find(sent.Setting); s.Wish != sent.Wish && slices.Contains(t.d.Send, sent.Setting) {
			return &open.StartedTime
		}
	}
	return open.SupersededTime
}

// superseding is how long an earlier call with another wish may still come into effect.
func (t *table) superseding(record *v1alpha1.ApplyRecord) time.Duration {
	if record == nil || record.SupersededTime == nil {
		return 0
	}
	return t.withMargin(t.Limits.SettleTimeout) - t.elapsed(record.SupersededTime.Time)
}

// mayRepeat reports whether a call whose outcome was never known is repeated at once. A second unknown outcome in a row
// is not; a repetition is known by its reason.
func (t *table) mayRepeat(record *v1alpha1.ApplyRecord) bool {
	return record.Outcome == v1alpha1.OutcomePending && record.Reason != v1alpha1.ApplyRetry &&
		record.Attempt < t.Limits.MaxAttempts && t.Policy != v1alpha1.PolicyObserve && !t.changed() &&
		(t.Policy != v1alpha1.PolicyOnSpecChange || !t.seen())
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
		if (was && wish != s.Wish || !was && t.verdicts[s.Name] != same) && !t.abandoned(s.Name) {
			names = append(names, s.Name)
		}
	}
	return names
}

// recordSettings lists what the record of the call to come is about: what is sent, and what an open record sent besides,
// so that it is verified still, or known when a setting is managed again.
func (t *table) recordSettings() []v1alpha1.AppliedSetting {
	applied := make([]v1alpha1.AppliedSetting, 0, len(t.d.Send))
	for _, name := range t.d.Send {
		s, _ := t.Desired.find(name)
		applied = append(applied, v1alpha1.AppliedSetting{Setting: name, Wish: s.Wish})
	}
	if open := t.d.History.Record; open.Active() {
		var gone []v1alpha1.AppliedSetting
		for _, sent := range open.Settings {
			if slices.Contains(t.d.Send, sent.Setting) {
				continue
			}
			if _, managed := t.Desired.find(sent.Setting); managed {
				applied = append(applied, sent)
			} else {
				gone = append(gone, sent)
			}
		}
		// Names that were replaced by others time and again while calls were open could fill any list. What is managed
		// always has its place.
		applied = append(applied, gone[:min(len(gone), max(maxRecordSettings-len(applied), 0))]...)
	}
	slices.SortFunc(applied, func(a, b v1alpha1.AppliedSetting) int { return strings.Compare(a.Setting, b.Setting) })
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

// NotSent closes a record whose call certainly had no effect: it does not count as an attempt, and what the intent noted
// of it is taken back (R11). Before is the History that the intent replaced: a call that was open then is open again.
func NotSent(h *History, before History, now time.Time) {
	if before.Record.Active() {
		*h = before
		return
	}
	record := h.Record
	Finish(record, v1alpha1.OutcomeNotSent, now)
	record.Attempt = max(record.Attempt-1, 0)
	h.Corrections = before.Corrections
	if record.Reason != v1alpha1.ApplyRequested {
		h.Abandoned = before.Abandoned
	}
}
