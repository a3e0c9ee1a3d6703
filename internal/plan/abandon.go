// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

const (
	// maxCorrections is how many corrections the status keeps.
	maxCorrections = 16
	// maxFlapWait is the longest wait before one more correction of a setting that flaps.
	maxFlapWait = 7 * 24 * time.Hour
)

// abandoned reports whether a setting is not written. One that flapped is tried once more when its wait is over.
func (t *table) abandoned(name string) bool {
	entry := t.entry(name)
	return entry != nil && !t.flapWaitOver(entry)
}

func (t *table) entry(name string) *v1alpha1.AbandonedSetting {
	return find(t.d.History.Abandoned, name)
}

func find(list []v1alpha1.AbandonedSetting, name string) *v1alpha1.AbandonedSetting {
	for i := range list {
		if list[i].Setting == name {
			return &list[i]
		}
	}
	return nil
}

func (t *table) abandon(name string, reason v1alpha1.AbandonReason) {
	now := metav1.NewTime(t.Now)
	if entry := t.entry(name); entry != nil {
		entry.Reason, entry.Time = reason, now
		return
	}
	t.d.History.Abandoned = append(t.d.History.Abandoned, v1alpha1.AbandonedSetting{Setting: name, Reason: reason, Time: now, Count: 1})
	slices.SortFunc(t.d.History.Abandoned, func(a, b v1alpha1.AbandonedSetting) int {
		if a.Setting < b.Setting {
			return -1
		}
		return 1
	})
}

// resetAbandoned takes settings off the list again: all on a change, the webhook token on a new token, one whose value matches
// after all, all on a request.
func (t *table) resetAbandoned() {
	list := &t.d.History.Abandoned
	if t.settingsChanged {
		*list = nil
	}
	*list = slices.DeleteFunc(*list, func(entry v1alpha1.AbandonedSetting) bool {
		shows, managed := t.comparisons[entry.Setting]
		switch {
		case !managed && !t.Hold:
			return true
		case t.tokenChanged && entry.Setting == WebhookTokenName:
			return true
		case !managed || shows != same || t.starting():
			return false
		default:
			return entry.Reason != v1alpha1.AbandonFlapping || t.flapWaitOver(&entry)
		}
	})
	t.retryOnRequest()
}

// retryOnRequest arms everything again for one attempt that a person asked for.
func (t *table) retryOnRequest() {
	list, record := &t.d.History.Abandoned, t.d.History.Record
	if !t.Requested || record.Active() || t.Policy == v1alpha1.PolicyObserve {
		return
	}
	t.exhausted = len(*list) > 0
	*list = nil
	t.lifted = t.exhausted || record != nil && t.isWish(record) &&
		(record.Outcome == v1alpha1.OutcomeRejected || record.Outcome == v1alpha1.OutcomeNotPersisted)
}

// armed returns what a request armed again: what was abandoned, and what the latest record did not bring about.
func (t *table) armed() []string {
	var names []string
	for _, entry := range t.History.Abandoned {
		names = append(names, entry.Setting)
	}
	if record := t.d.History.Record; record != nil && t.isWish(record) {
		names = append(names, t.unfulfilled(record, t.differing())...)
	}
	return names
}

// requestedAttempt numbers the attempt that a person asked for: the next of a series that is under way, else one that
// is the last (not a fresh series).
func (t *table) requestedAttempt() int32 {
	record, next := t.d.History.Record, int32(1)
	if record != nil && t.isWish(record) && record.Outcome == v1alpha1.OutcomeNotPersisted {
		next = record.Attempt + 1
	}
	if t.exhausted || record != nil && record.Outcome == v1alpha1.OutcomeRejected {
		next = max(next, t.Limits.MaxAttempts)
	}
	return next
}

// giveUpExhausted abandons what the last attempt did not bring about (R13).
func (t *table) giveUpExhausted() {
	record := t.d.History.Record
	if record == nil || record.Outcome != v1alpha1.OutcomeNotPersisted || record.Attempt < t.Limits.MaxAttempts ||
		!t.isWish(record) || t.changed() || t.lifted || t.Policy == v1alpha1.PolicyObserve || t.Hold {
		return
	}
	for _, name := range t.unfulfilled(record, t.differing()) {
		t.abandon(name, v1alpha1.AbandonNotPersisted)
	}
}

// keepRefusal keeps what the vendor refused from being written again once the record is about something else: a new webhook token
// alone.
func (t *table) keepRefusal() {
	if t.settingsChanged || !t.tokenChanged || !t.continues(v1alpha1.OutcomeRejected, t.differing()) {
		return
	}
	for _, name := range t.unfulfilled(t.d.History.Record, t.differing()) {
		if !slices.Contains(t.d.Send, name) {
			t.abandon(name, v1alpha1.AbandonRejected)
		}
	}
}

// giveUpFlapping abandons what was corrected too often within the window, and reports whether it did (R17).
func (t *table) giveUpFlapping(differ []string) bool {
	counts := map[string]int{}
	for _, correction := range t.d.History.Corrections {
		for _, name := range correction.Settings {
			counts[name]++
		}
	}
	tooMany := len(t.d.History.Corrections) >= 2*t.Limits.FlapThreshold
	gaveUp := false
	for _, name := range differ {
		if counts[name] >= t.Limits.FlapThreshold || tooMany {
			t.abandon(name, v1alpha1.AbandonFlapping)
			gaveUp = true
		}
	}
	return gaveUp
}

// retryFlapping notes one more try of settings that flapped: if they come back, the wait is twice as long.
func (t *table) retryFlapping() {
	for _, name := range t.d.Send {
		if entry := t.entry(name); entry != nil && entry.Reason == v1alpha1.AbandonFlapping {
			entry.Time = metav1.NewTime(t.Now)
			entry.Count++
		}
	}
}

func (t *table) flapWaitOver(entry *v1alpha1.AbandonedSetting) bool {
	if entry.Reason != v1alpha1.AbandonFlapping {
		return false
	}
	wait := t.Limits.FlapWindow
	for i := int32(1); i < entry.Count && wait < maxFlapWait; i++ {
		wait *= 2
	}
	return t.elapsed(entry.Time.Time) >= min(wait, max(maxFlapWait, t.Limits.FlapWindow))
}

// recentCorrections are those within the flap window.
func (t *table) recentCorrections() []v1alpha1.Correction {
	return slices.DeleteFunc(slices.Clone(t.Input.History.Corrections), func(c v1alpha1.Correction) bool {
		return t.elapsed(c.Time.Time) > t.Limits.FlapWindow
	})
}

func appendCorrection(list []v1alpha1.Correction, now time.Time, names []string) []v1alpha1.Correction {
	list = append(list, v1alpha1.Correction{Time: metav1.NewTime(now), Settings: slices.Clone(names)})
	if extra := len(list) - maxCorrections; extra > 0 {
		list = slices.Delete(list, 0, extra)
	}
	return list
}

// sayAbandoned shows the gravest reason for which settings are abandoned (the order of R26).
func (t *table) sayAbandoned() {
	for _, reason := range []v1alpha1.AbandonReason{v1alpha1.AbandonRejected, v1alpha1.AbandonNotPersisted, v1alpha1.AbandonNotSupported, v1alpha1.AbandonFlapping} {
		if names := AbandonedFor(t.d.History, reason); len(names) > 0 {
			t.say(string(reason), names)
			return
		}
	}
}

// AbandonedFor returns the names of the settings that are abandoned for a reason. One that this release does not know, of a
// newer release that was rolled back, counts as AbandonNotPersisted: it is not written either.
func AbandonedFor(h History, reason v1alpha1.AbandonReason) []string {
	var names []string
	for _, entry := range h.Abandoned {
		why := entry.Reason
		if why != v1alpha1.AbandonNotSupported && why != v1alpha1.AbandonFlapping && why != v1alpha1.AbandonRejected {
			why = v1alpha1.AbandonNotPersisted
		}
		if why == reason {
			names = append(names, entry.Setting)
		}
	}
	return names
}
