// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package instance

import (
	"time"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
)

// History is what a status says of the past.
func History(s *v1alpha1.InstanceStatus) plan.History {
	return plan.History{
		SyncedHash: s.SyncedSettingsHash, SyncedSecretVersion: s.SyncedSecretVersion, SecretKey: s.SecretVersionKey, Effective: s.EffectiveSettings,
		Abandoned: s.Abandoned, Record: s.Apply, Corrections: s.Corrections,
	}
}

// LastRestart is when the operator caused the latest restart that a status knows of, zero if never.
func LastRestart(s *v1alpha1.InstanceStatus) time.Time {
	last := LastReboot(s)
	if s.Restarts != nil && s.Restarts.LastTime != nil && s.Restarts.LastTime.After(last) {
		last = s.Restarts.LastTime.Time
	}
	return last
}

// LastReboot is when the operator rebooted the instance, zero if never.
func LastReboot(s *v1alpha1.InstanceStatus) time.Time {
	var last time.Time
	for _, at := range RebootTimes(s) {
		if at.After(last) {
			last = at
		}
	}
	return last
}

// RebootTimes are the times of the reboots that a status knows of.
func RebootTimes(s *v1alpha1.InstanceStatus) []time.Time {
	if s.Restarts == nil {
		return nil
	}
	times := make([]time.Time, 0, len(s.Restarts.RecentReboots))
	for _, at := range s.Restarts.RecentReboots {
		times = append(times, at.Time)
	}
	return times
}
