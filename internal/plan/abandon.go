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

const (
	// maxCorrections is how many corrections the status keeps.
	maxCorrections = 16
	// maxFlapWait is the longest wait before one more correction of a setting that flaps.
	maxFlapWait = 7 * 24 * time.Hour
)

// abandoned reports whether a setting is not written. One that flapped is tried once more when its wait is over.
func (d *decider) abandoned(name string) bool {
	entry := d.entry(name)
	return entry != nil && !d.flapWaitOver(entry)
}

func (d *decider) entry(name string) *v1alpha1.AbandonedSetting {
	return findAbandoned(d.out.History.Abandoned, name)
}

func findAbandoned(list []v1alpha1.AbandonedSetting, name string) *v1alpha1.AbandonedSetting {
	for i := range list {
		if list[i].Setting == name {
			return &list[i]
		}
	}
	return nil
}

func (d *decider) abandon(name string, reason v1alpha1.AbandonReason) {
	now := metav1.NewTime(d.Now)
	if entry := d.entry(name); entry != nil {
		entry.Reason, entry.Time = reason, now
		return
	}
	d.out.History.Abandoned = append(d.out.History.Abandoned, v1alpha1.AbandonedSetting{Setting: name, Reason: reason, Time: now, Count: 1})
	slices.SortFunc(d.out.History.Abandoned, func(a, b v1alpha1.AbandonedSetting) int { return strings.Compare(a.Setting, b.Setting) })
}

// resetAbandoned takes settings off the list again: all on a change, the webhook token on a new token, one whose value matches
// after all, all on a request.
func (d *decider) resetAbandoned() {
	list := &d.out.History.Abandoned
	if d.settingsChanged {
		*list = nil
	}
	*list = slices.DeleteFunc(*list, func(entry v1alpha1.AbandonedSetting) bool {
		shows, managed := d.comparisons[entry.Setting]
		switch {
		case !managed && !d.TokenUnknown:
			return true
		case d.tokenChanged && entry.Setting == WebhookTokenName:
			return true
		case !managed || shows != same || d.starting():
			return false
		default:
			return entry.Reason != v1alpha1.AbandonFlapping || d.flapWaitOver(&entry)
		}
	})
	d.retryOnRequest()
}

// retryOnRequest arms everything again for one attempt that a person asked for.
func (d *decider) retryOnRequest() {
	list, record := &d.out.History.Abandoned, d.out.History.Record
	if !d.Requested || record.Active() || d.Policy == v1alpha1.PolicyObserve {
		return
	}
	d.exhausted = len(*list) > 0
	*list = nil
	d.lifted = d.exhausted || record != nil && d.isWish(record) &&
		(record.Outcome == v1alpha1.OutcomeRejected || record.Outcome == v1alpha1.OutcomeNotPersisted)
}

// armed returns what a request armed again: what was abandoned, and what the latest record did not bring about.
func (d *decider) armed() []string {
	var names []string
	for _, entry := range d.History.Abandoned {
		names = append(names, entry.Setting)
	}
	if record := d.out.History.Record; record != nil && d.isWish(record) {
		names = append(names, d.unfulfilled(record, d.differing())...)
	}
	return names
}

// requestedAttempt numbers the attempt that a person asked for: the next of a series that is under way, else one that
// is the last (not a fresh series).
func (d *decider) requestedAttempt() int32 {
	record, next := d.out.History.Record, int32(1)
	if record != nil && d.isWish(record) && record.Outcome == v1alpha1.OutcomeNotPersisted {
		next = record.Attempt + 1
	}
	if d.exhausted || record != nil && record.Outcome == v1alpha1.OutcomeRejected {
		next = max(next, d.Limits.MaxAttempts)
	}
	return next
}

// giveUpExhausted abandons what the last attempt did not bring about (R13).
func (d *decider) giveUpExhausted() {
	record := d.out.History.Record
	if record == nil || record.Outcome != v1alpha1.OutcomeNotPersisted || record.Attempt < d.Limits.MaxAttempts ||
		!d.isWish(record) || d.changed() || d.lifted || d.Policy == v1alpha1.PolicyObserve || d.TokenUnknown {
		return
	}
	for _, name := range d.unfulfilled(record, d.differing()) {
		d.abandon(name, v1alpha1.AbandonNotPersisted)
	}
}

// keepRefusal keeps what the vendor refused from being written again once the record is about something else: a new webhook token
// alone.
func (d *decider) keepRefusal() {
	if d.settingsChanged || !d.tokenChanged || !d.continues(v1alpha1.OutcomeRejected, d.differing()) {
		return
	}
	for _, name := range d.unfulfilled(d.out.History.Record, d.differing()) {
		if !slices.Contains(d.out.Send, name) {
			d.abandon(name, v1alpha1.AbandonRejected)
		}
	}
}

// giveUpFlapping abandons what was corrected too often within the window, and reports whether it did (R17).
func (d *decider) giveUpFlapping(differ []string) bool {
	counts := map[string]int{}
	for _, correction := range d.out.History.Corrections {
		for _, name := range correction.Settings {
			counts[name]++
		}
	}
	tooMany := len(d.out.History.Corrections) >= 2*d.Limits.FlapThreshold
	gaveUp := false
	for _, name := range differ {
		if counts[name] >= d.Limits.FlapThreshold || tooMany {
			d.abandon(name, v1alpha1.AbandonFlapping)
			gaveUp = true
		}
	}
	return gaveUp
}

// retryFlapping notes one more try of settings that flapped: if they come back, the wait is twice as long.
func (d *decider) retryFlapping() {
	for _, name := range d.out.Send {
		if entry := d.entry(name); entry != nil && entry.Reason == v1alpha1.AbandonFlapping {
			entry.Time = metav1.NewTime(d.Now)
			entry.Count++
		}
	}
}

func (d *decider) flapWaitOver(entry *v1alpha1.AbandonedSetting) bool {
	if entry.Reason != v1alpha1.AbandonFlapping {
		return false
	}
	wait := d.Limits.FlapWindow
	for i := int32(1); i < entry.Count && wait < maxFlapWait; i++ {
		wait *= 2
	}
	return d.elapsed(entry.Time.Time) >= min(wait, max(maxFlapWait, d.Limits.FlapWindow))
}

// recentCorrections are those within the flap window.
func (d *decider) recentCorrections() []v1alpha1.Correction {
	return slices.DeleteFunc(slices.Clone(d.Input.History.Corrections), func(c v1alpha1.Correction) bool {
		return d.elapsed(c.Time.Time) > d.Limits.FlapWindow
	})
}

func appendCorrection(list []v1alpha1.Correction, now time.Time, names []string) []v1alpha1.Correction {
	list = append(list, v1alpha1.Correction{Time: metav1.NewTime(now), Settings: slices.Clone(names)})
	return list[max(len(list)-maxCorrections, 0):]
}

// sayAbandoned shows the gravest reason for which settings are abandoned (the order of R26).
func (d *decider) sayAbandoned() {
	for _, reason := range []v1alpha1.AbandonReason{v1alpha1.AbandonRejected, v1alpha1.AbandonNotPersisted, v1alpha1.AbandonNotSupported, v1alpha1.AbandonFlapping} {
		if names := AbandonedFor(d.out.History, reason); len(names) > 0 {
			d.say(string(reason), names)
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
