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

// isWish reports whether a record is about the settings that the user wants now. Which webhook token it sent says the wish
// that is noted for it.
func (t *table) isWish(record *v1alpha1.ApplyRecord) bool {
	return record.SettingsHash == t.Desired.Hash
}

// changedSince reports whether the user wants something else by now than a record is about.
func (t *table) changedSince(record *v1alpha1.ApplyRecord) bool {
	return !t.isWish(record) || t.Desired.SecretVersion != "" && t.Desired.SecretVersion != record.SecretVersion
}

// judge closes the outcome of an open record: confirmed once its values show, not persisted once the settle time is
// over (R11, R13).
func (t *table) judge() {
	record := t.d.History.Record
	if t.Hold {
		return
	}
	if !record.Active() {
		t.dropSettingsNowInEffect()
		return
	}
	found := t.classify(record)
	over := t.settleRest(record) <= 0
	if len(found.open)+len(found.lost)+len(found.superseded) == 0 {
		// While the instance starts, what it shows may be from before or after: it is believed once it has started. The
		// same goes for what it shows while an earlier call with another wish may still come into effect. And a call is
		// not done with because one of its settings is no longer managed, or not shown.
		if over || !t.starting() && found.unknown == 0 && t.superseding(record) <= 0 {
			t.finish(v1alpha1.OutcomeConfirmed)
		}
		return
	}
	if over {
		t.judgeOver(record, found)
	}
}

// judgeOver closes a record whose settle time is over and whose values do not all show.
func (t *table) judgeOver(record *v1alpha1.ApplyRecord, found classified) {
	if (found.repeatable > 0 || found.shown == 0 && found.repeatableLost > 0) && t.mayRepeat(record) {
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

// classified are a record's settings: which differ (and how many of them are not given up), which the vendor does not show,
// which are wished otherwise by now, how many show, and of how many nothing is known: they are no longer managed, or were
// in effect before and are not shown.
type classified struct {
	open, lost, superseded                     []string
	repeatable, repeatableLost, shown, unknown int
}

func (t *table) classify(record *v1alpha1.ApplyRecord) (found classified) {
	for _, sent := range record.Settings {
		s, managed := t.Desired.find(sent.Setting)
		switch {
		case !managed:
			found.unknown++
		case !s.is(sent):
			found.superseded = append(found.superseded, s.Name)
		case t.comparisons[s.Name] == unshown:
			found.unknown++
		case t.comparisons[s.Name] == same:
			found.shown++
		case t.comparisons[s.Name] == missing:
			found.lost = append(found.lost, s.Name)
			if !t.abandoned(s.Name) {
				found.repeatableLost++
			}
		default:
			found.open = append(found.open, s.Name)
			if !t.abandoned(s.Name) {
				found.repeatable++
			}
		}
	}
	return found
}

// dropSettingsNowInEffect takes out of a closed record what is in effect after all: the values came late, or somebody set them.
func (t *table) dropSettingsNowInEffect() {
	record := t.d.History.Record
	if record == nil || t.starting() || t.superseding(record) > 0 || !t.isWish(record) ||
		record.Outcome != v1alpha1.OutcomeNotPersisted && record.Outcome != v1alpha1.OutcomeRejected {
		return
	}
	rest := slices.DeleteFunc(slices.Clone(record.Settings), func(sent v1alpha1.AppliedSetting) bool {
		shows, managed := t.comparisons[sent.Setting]
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
		if s, _ := t.Desired.find(sent.Setting); !s.is(sent) && slices.Contains(t.d.Send, sent.Setting) {
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
// with the same wish, and what was sent with another wish, whatever a possibly stale reading shows (R12). A new webhook token
// is a change of the token alone.
func (t *table) changedWhileOpen(record *v1alpha1.ApplyRecord) []string {
	sent := make(map[string]v1alpha1.AppliedSetting, len(record.Settings))
	for _, s := range record.Settings {
		sent[s.Setting] = s
	}
	differ := t.differing()
	var names []string
	for _, s := range t.Desired.Settings {
		before, was := sent[s.Name]
		changed := !t.isWish(record) || s.Name == WebhookTokenName
		if (was && !s.is(before) || !was && changed && slices.Contains(differ, s.Name)) && !t.abandoned(s.Name) {
			names = append(names, s.Name)
		}
	}
	return names
}

// recordSettings lists what the record of the call to come is about: what is sent, and what an open record sent besides,
// so that it is verified still, or known when a setting is managed again. A new webhook token does not end a series of
// attempts at other settings either.
func (t *table) recordSettings() []v1alpha1.AppliedSetting {
	applied := make([]v1alpha1.AppliedSetting, 0, len(t.d.Send))
	for _, name := range t.d.Send {
		s, _ := t.Desired.find(name)
		applied = append(applied, v1alpha1.AppliedSetting{Setting: name, Wish: s.Wish})
	}
	var gone []v1alpha1.AppliedSetting
	for _, sent := range t.unfinished() {
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
	slices.SortFunc(applied, func(a, b v1alpha1.AppliedSetting) int { return strings.Compare(a.Setting, b.Setting) })
	return applied
}

// unfinished are the settings of the latest record that are not done with when the next call is made.
func (t *table) unfinished() []v1alpha1.AppliedSetting {
	record := t.d.History.Record
	switch {
	case record.Active():
		return record.Settings
	case t.carries():
		differ := t.unfulfilled(record, t.differing())
		return slices.DeleteFunc(slices.Clone(record.Settings), func(sent v1alpha1.AppliedSetting) bool { return !slices.Contains(differ, sent.Setting) })
	}
	return nil
}

// carries reports whether the call to come brings a new webhook token alone while a series of attempts waits for its next.
func (t *table) carries() bool {
	return !t.settingsChanged && t.tokenChanged && t.continues(v1alpha1.OutcomeNotPersisted, t.differing())
}

// carriedAttempt is the number of an attempt that is not one more of the series that waits.
func (t *table) carriedAttempt() int32 {
	if t.carries() {
		return t.d.History.Record.Attempt
	}
	return 1
}

// continues reports whether the latest record is about the present wish, ended so, and is still unfulfilled.
func (t *table) continues(outcome v1alpha1.ApplyOutcome, differ []string) bool {
	record := t.d.History.Record
	return record != nil && record.Outcome == outcome && t.isWish(record) && len(t.unfulfilled(record, differ)) > 0
}

// unfulfilled returns those of the record's settings that are wished as they were sent, and differ.
func (t *table) unfulfilled(record *v1alpha1.ApplyRecord, differ []string) []string {
	var names []string
	for _, sent := range record.Settings {
		if s, _ := t.Desired.find(sent.Setting); s.is(sent) && slices.Contains(differ, sent.Setting) {
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
// of it is taken back (R11). Before is the History that the intent replaced: a call that was open then is open again, and a
// series that waited for its next attempt waits again.
func NotSent(h *History, before History, now time.Time) {
	record := h.Record
	series := before.Record != nil && before.Record.Outcome == v1alpha1.OutcomeNotPersisted && record.Reason == v1alpha1.ApplySpecChange &&
		before.Record.SettingsHash == record.SettingsHash && record.SecretVersion != "" && before.Record.SecretVersion != record.SecretVersion
	if before.Record.Active() || series {
		*h = before
		return
	}
	Finish(record, v1alpha1.OutcomeNotSent, now)
	record.Attempt = max(record.Attempt-1, 0)
	h.Corrections = before.Corrections
	if record.Reason != v1alpha1.ApplyRequested {
		h.Abandoned = before.Abandoned
	}
}
