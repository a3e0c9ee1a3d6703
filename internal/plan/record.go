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
func (d *decider) isWish(record *v1alpha1.ApplyRecord) bool {
	return record.SettingsHash == d.Desired.Hash
}

// changedSince reports whether the user wants something else by now than a record is about.
func (d *decider) changedSince(record *v1alpha1.ApplyRecord) bool {
	return !d.isWish(record) || d.Desired.SecretVersion != "" && d.Desired.SecretVersion != record.SecretVersion
}

// judge closes the outcome of an open record: confirmed once its values show, not persisted once the settle time is
// over (R11, R13).
func (d *decider) judge() {
	record := d.out.History.Record
	if d.TokenUnknown {
		return
	}
	if !record.Active() {
		d.dropSettingsNowInEffect()
		return
	}
	found := d.classifyRecord(record)
	over := d.settleRest(record) <= 0
	if len(found.open)+len(found.lost)+len(found.superseded) == 0 {
		// While the instance starts, what it shows may be from before or after: it is believed once it has started. The
		// same goes for what it shows while an earlier call with another wish may still come into effect. And a call is
		// not done with because one of its settings is no longer managed, or not shown.
		if over || !d.starting() && !found.unknown && d.superseding(record) <= 0 {
			d.finish(v1alpha1.OutcomeConfirmed)
		}
		return
	}
	if over {
		d.judgeOver(record, found)
	}
}

// judgeOver closes a record whose settle time is over and whose values do not all show.
func (d *decider) judgeOver(record *v1alpha1.ApplyRecord, found classified) {
	if (found.repeatable > 0 || found.shown == 0 && found.repeatableLost > 0) && d.mayRepeat(record) {
		d.repeat = true
		return
	}
	for _, name := range found.lost {
		d.abandon(name, v1alpha1.AbandonNotSupported)
	}
	if len(found.open)+len(found.superseded) == 0 && found.shown > 0 {
		d.finish(v1alpha1.OutcomeConfirmed)
		return
	}
	d.finish(v1alpha1.OutcomeNotPersisted)
}

// classified are a record's settings: which differ (and how many of them are not given up), which the vendor does not show,
// which are wished otherwise by now, how many show, and whether of some nothing is known: they are no longer managed, or were
// in effect before and are not shown.
type classified struct {
	open, lost, superseded            []string
	repeatable, repeatableLost, shown int
	unknown                           bool
}

func (d *decider) classifyRecord(record *v1alpha1.ApplyRecord) (found classified) {
	for _, sent := range record.Settings {
		s, managed := d.Desired.find(sent.Setting)
		switch {
		case !managed:
			found.unknown = true
		case !s.is(sent):
			found.superseded = append(found.superseded, s.Name)
		case d.comparisons[s.Name] == unshown:
			found.unknown = true
		case d.comparisons[s.Name] == same:
			found.shown++
		case d.comparisons[s.Name] == missing:
			found.lost = append(found.lost, s.Name)
			if !d.abandoned(s.Name) {
				found.repeatableLost++
			}
		default:
			found.open = append(found.open, s.Name)
			if !d.abandoned(s.Name) {
				found.repeatable++
			}
		}
	}
	return found
}

// dropSettingsNowInEffect takes out of a closed record what is in effect after all: the values came late, or somebody set them.
func (d *decider) dropSettingsNowInEffect() {
	record := d.out.History.Record
	if record == nil || d.starting() || d.superseding(record) > 0 || !d.isWish(record) ||
		record.Outcome != v1alpha1.OutcomeNotPersisted && record.Outcome != v1alpha1.OutcomeRejected {
		return
	}
	rest := slices.DeleteFunc(slices.Clone(record.Settings), func(sent v1alpha1.AppliedSetting) bool {
		shows, managed := d.comparisons[sent.Setting]
		return managed && shows == same
	})
	if len(rest) == 0 {
		d.finish(v1alpha1.OutcomeConfirmed)
		return
	}
	record.Settings = rest
}

// supersededTime returns when the latest of the open calls was started that sent another wish for a setting to be sent.
func (d *decider) supersededTime() *metav1.MicroTime {
	open := d.out.History.Record
	if !open.Active() {
		return nil
	}
	for _, sent := range open.Settings {
		if s, _ := d.Desired.find(sent.Setting); !s.is(sent) && slices.Contains(d.out.Send, sent.Setting) {
			return &open.StartedTime
		}
	}
	return open.SupersededTime
}

// superseding is how long an earlier call with another wish may still come into effect.
func (d *decider) superseding(record *v1alpha1.ApplyRecord) time.Duration {
	if record == nil || record.SupersededTime == nil {
		return 0
	}
	return d.withMargin(d.Limits.SettleTimeout) - d.elapsed(record.SupersededTime.Time)
}

// mayRepeat reports whether a call whose outcome was never known is repeated at once. A second unknown outcome in a row
// is not; a repetition is known by its reason.
func (d *decider) mayRepeat(record *v1alpha1.ApplyRecord) bool {
	return record.Outcome == v1alpha1.OutcomePending && record.Reason != v1alpha1.ApplyRetry &&
		record.Attempt < d.Limits.MaxAttempts && d.Policy != v1alpha1.PolicyObserve && !d.changed() &&
		(d.Policy != v1alpha1.PolicyOnSpecChange || !d.seen())
}

func (d *decider) finish(outcome v1alpha1.ApplyOutcome) { Finish(d.out.History.Record, outcome, d.Now) }

// Finish closes a record with an outcome that is known now.
func Finish(record *v1alpha1.ApplyRecord, outcome v1alpha1.ApplyOutcome, now time.Time) {
	finished := metav1.NewMicroTime(now)
	record.Outcome, record.FinishedTime = outcome, &finished
}

// settleRest is how long old values are still no drift. A process that did not write the record adds a tenth, since
// clocks differ (R16).
func (d *decider) settleRest(record *v1alpha1.ApplyRecord) time.Duration {
	return d.withMargin(d.Limits.SettleTimeout) - d.elapsed(record.StartedTime.Time)
}

// withMargin is how long to wait, by this process's own clock or by another one's.
func (in *Input) withMargin(wait time.Duration) time.Duration {
	if in.Own {
		return wait
	}
	return wait + wait/10
}

// changedWhileOpen returns what a change needs to write while an earlier call is open: what differs and was not sent
// with the same wish, and what was sent with another wish, whatever a possibly stale reading shows (R12). A new webhook token
// is a change of the token alone.
func (d *decider) changedWhileOpen(record *v1alpha1.ApplyRecord) []string {
	sent := make(map[string]v1alpha1.AppliedSetting, len(record.Settings))
	for _, s := range record.Settings {
		sent[s.Setting] = s
	}
	differ := d.differing()
	var names []string
	for _, s := range d.Desired.Settings {
		before, was := sent[s.Name]
		changed := !d.isWish(record) || s.Name == WebhookTokenName
		if (was && !s.is(before) || !was && changed && slices.Contains(differ, s.Name)) && !d.abandoned(s.Name) {
			names = append(names, s.Name)
		}
	}
	return names
}

// recordSettings lists what the record of the call to come is about: what is sent, and what an open record sent besides,
// so that it is verified still, or known when a setting is managed again. A new webhook token does not end a series of
// attempts at other settings either.
func (d *decider) recordSettings() []v1alpha1.AppliedSetting {
	applied := make([]v1alpha1.AppliedSetting, 0, len(d.out.Send))
	for _, name := range d.out.Send {
		s, _ := d.Desired.find(name)
		applied = append(applied, v1alpha1.AppliedSetting{Setting: name, Wish: s.Wish})
	}
	var unmanaged []v1alpha1.AppliedSetting
	for _, sent := range d.unfinished() {
		if slices.Contains(d.out.Send, sent.Setting) {
			continue
		}
		if _, managed := d.Desired.find(sent.Setting); managed {
			applied = append(applied, sent)
		} else {
			unmanaged = append(unmanaged, sent)
		}
	}
	// Names that were replaced by others time and again while calls were open could fill any list. What is managed
	// always has its place.
	applied = append(applied, unmanaged[:min(len(unmanaged), max(maxRecordSettings-len(applied), 0))]...)
	slices.SortFunc(applied, func(a, b v1alpha1.AppliedSetting) int { return strings.Compare(a.Setting, b.Setting) })
	return applied
}

// unfinished are the settings of the latest record that are not done with when the next call is made.
func (d *decider) unfinished() []v1alpha1.AppliedSetting {
	record := d.out.History.Record
	switch {
	case record.Active():
		return record.Settings
	case d.carries():
		differ := d.unfulfilled(record, d.differing())
		return slices.DeleteFunc(slices.Clone(record.Settings), func(sent v1alpha1.AppliedSetting) bool { return !slices.Contains(differ, sent.Setting) })
	}
	return nil
}

// carries reports whether the call to come brings a new webhook token alone while a series of attempts waits for its next.
func (d *decider) carries() bool {
	return !d.settingsChanged && d.tokenChanged && d.continues(v1alpha1.OutcomeNotPersisted, d.differing())
}

// carriedAttempt is the number of an attempt that is not one more of the series that waits. One that a person asked for after the
// last one does not make the series longer.
func (d *decider) carriedAttempt() int32 {
	if d.carries() {
		return min(d.out.History.Record.Attempt, d.Limits.MaxAttempts)
	}
	return 1
}

// continues reports whether the latest record is about the present wish, ended so, and is still unfulfilled.
func (d *decider) continues(outcome v1alpha1.ApplyOutcome, differ []string) bool {
	record := d.out.History.Record
	return record != nil && record.Outcome == outcome && d.isWish(record) && len(d.unfulfilled(record, differ)) > 0
}

// unfulfilled returns those of the record's settings that are wished as they were sent, and differ.
func (d *decider) unfulfilled(record *v1alpha1.ApplyRecord, differ []string) []string {
	var names []string
	for _, sent := range record.Settings {
		if s, _ := d.Desired.find(sent.Setting); s.is(sent) && slices.Contains(differ, sent.Setting) {
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
