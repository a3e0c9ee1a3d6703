// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// clampFutureTimes sets times of a status that lie in the future to now, and reports whether there were any. A clock that was wrong,
// or is another machine's, wrote them; what was written has happened by now at the latest. Left as they are they would
// count as now at every look, so that no wait that begins with them ever ended. The beginning of a write that this very
// process made, by which it is known, stays as it is while it is remembered.
func clampFutureTimes(s *v1alpha1.InstanceStatus, now time.Time, own func(*v1alpha1.ApplyRecord) bool) bool {
	clamped := false
	past := func(at *time.Time) {
		if at.After(now) {
			*at, clamped = now.Truncate(time.Second), true
		}
	}
	if s.StateChangedTime != nil {
		past(&s.StateChangedTime.Time)
	}
	if record := s.Apply; record != nil {
		if record.StartedTime.After(now) && !own(record) {
			past(&record.StartedTime.Time)
		}
		if record.FinishedTime != nil {
			past(&record.FinishedTime.Time)
		}
		if record.SupersededTime != nil {
			past(&record.SupersededTime.Time)
		}
	}
	for i := range s.Abandoned {
		past(&s.Abandoned[i].Time.Time)
	}
	for i := range s.Corrections {
		past(&s.Corrections[i].Time.Time)
	}
	if restarts := s.Restarts; restarts != nil {
		if restarts.LastTime != nil {
			past(&restarts.LastTime.Time)
		}
		for i := range restarts.RecentReboots {
			past(&restarts.RecentReboots[i].Time)
		}
	}
	clampRollout(s.Rollout, past)
	clampRotation(s.APITokenRotation, past)
	return clamped
}

func clampRollout(rollout *v1alpha1.RolloutRecord, past func(*time.Time)) {
	if rollout == nil {
		return
	}
	for _, at := range []*metav1.Time{rollout.LastSucceededTime, rollout.LastFailedTime} {
		if at != nil {
			past(&at.Time)
		}
	}
}

func clampRotation(record *v1alpha1.RotationRecord, past func(*time.Time)) {
	if record == nil {
		return
	}
	for _, at := range []*metav1.MicroTime{record.StartedTime, record.FinishedTime} {
		if at != nil {
			past(&at.Time)
		}
	}
}
