// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/states"
)

// composeEnding notes how the latest restart of an authorized instance ended, which decides how many of its fleet may follow (R33, R34):
// well if its settings are in effect, badly if they were refused or did not last, if it did not start within the settle time, or if it
// is no longer authorized within the soak time after it ended well. One that was not authorized before counts neither way.
func (w statusWriter) composeEnding(p *pass, soak time.Duration) {
	record, before := w.Apply, p.stored.Apply
	if record == nil || record.StateBefore != states.Authorized || record.FinishedTime == nil {
		return
	}
	if !record.SameCall(before) || before.Outcome != record.Outcome {
		w.noteOutcome(record)
	}
	if record.Outcome == v1alpha1.OutcomeConfirmed && p.looked.State {
		w.noteSoak(record, soak)
	}
}

// noteOutcome notes how a call ended whose outcome became known just now.
func (w statusWriter) noteOutcome(record *v1alpha1.ApplyRecord) {
	finished := metav1.NewTime(record.FinishedTime.Time).Rfc3339Copy()
	switch {
	case record.Outcome == v1alpha1.OutcomeNotPersisted:
		w.endedBadly(finished, v1alpha1.ReasonSettingsNotPersisted)
	case record.Outcome == v1alpha1.OutcomeRejected:
		w.endedBadly(finished, v1alpha1.ReasonSettingsRejected)
	case record.Outcome == v1alpha1.OutcomeConfirmed && w.StateInstance == states.Starting:
		w.endedBadly(finished, v1alpha1.ReasonStarting)
	case record.Outcome == v1alpha1.OutcomeConfirmed:
		w.rollout().LastSucceededTime = &finished
	}
}

// noteSoak notes, once, that an instance is no longer authorized soon after it ended well.
func (w statusWriter) noteSoak(record *v1alpha1.ApplyRecord, soak time.Duration) {
	if w.StateInstance == states.Authorized || states.Of(w.StateInstance).Restarting || w.StateChangedTime.After(record.FinishedTime.Add(soak)) {
		return
	}
	failed := w.rollout().LastFailedTime
	if failed == nil || failed.Time.Before(record.StartedTime.Truncate(time.Second)) {
		w.endedBadly(w.now, states.Of(w.StateInstance).Reason)
	}
}

// endedBadly notes a failure, and takes back that the same restart ended well.
func (w statusWriter) endedBadly(at metav1.Time, why string) {
	r := w.rollout()
	well, known := r.LastSucceededTime, r.LastFailedTime
	if w.Apply.Attempt <= 1 || known == nil || well != nil && known.Before(well) {
		// A retry that ends badly as well is no news of the fleet.
		r.LastFailedTime = &at
	}
	if well != nil && !well.Time.Before(w.Apply.StartedTime.Truncate(time.Second)) {
		r.LastSucceededTime = nil
	}
	r.LastFailure = why
}

// rollout is the record of the status.
func (w statusWriter) rollout() *v1alpha1.RolloutRecord {
	if w.Rollout == nil {
		w.Rollout = &v1alpha1.RolloutRecord{}
	}
	return w.Rollout
}
