// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"time"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// Limits are the operator's flags that a decision depends on.
type Limits struct {
	// SettleTimeout is how long after setSettings old values are not drift.
	SettleTimeout time.Duration
	// SettlePoll is how often settings are read while settling, and how far two readings of drift are apart.
	SettlePoll time.Duration
	// RetryAfter is the wait before attempt 2; it is four times as long before each further one.
	RetryAfter time.Duration
	// MaxAttempts is how many attempts there are in all.
	MaxAttempts int32
	// FlapThreshold is how often drift of one setting is corrected within FlapWindow.
	FlapThreshold int
	// FlapWindow is the time in which corrections count.
	FlapWindow time.Duration
	// CallWindow is how long after its intent was written a call may still leave (R10).
	CallWindow time.Duration
}

// DefaultLimits are those of an operator whose flags do not say otherwise. CallWindow follows from other flags.
func DefaultLimits() Limits {
	return Limits{
		SettleTimeout: 6 * time.Minute, SettlePoll: 20 * time.Second, RetryAfter: 15 * time.Minute, MaxAttempts: 3,
		FlapThreshold: 3, FlapWindow: 6 * time.Hour,
	}
}

// History is what a decision needs to know of the past. It stands in the status of the resource.
type History struct {
	SyncedHash          string
	SyncedSecretVersion string
	// SecretKey tells which API token the versions of the webhook token are keyed with.
	SecretKey string
	// Effective are the settings whose wish was seen in effect, sorted.
	Effective   []v1alpha1.AppliedSetting
	Abandoned   []v1alpha1.AbandonedSetting
	Record      *v1alpha1.ApplyRecord
	Corrections []v1alpha1.Correction
}

// Input is all that a decision depends on. The reading it speaks of was taken at Now.
type Input struct {
	Now        time.Time
	Generation int64
	Policy     v1alpha1.ReconcilePolicy
	Desired    Desired
	Observed   Observed
	// State is the vendor's word for the state, StateSince when it was first seen.
	State      string
	StateSince time.Time
	// LogoutSince is since when the vendor has been logging the account out, zero if it is not.
	LogoutSince time.Time
	History     History
	Limits      Limits
	// Own reports whether this process wrote History.Record.
	Own bool
	// DriftSince says since when this process has seen a setting differ outside `starting` without a change.
	DriftSince map[string]time.Time
	// LastReboot is when this operator rebooted the instance, zero if never: old values are no drift for the settle time.
	LastReboot time.Time
	// Requested reports whether a person asked for a reconcile that was not handled yet.
	Requested bool
	// Window is when maintenance windows let a restart begin.
	Window Window
	// ApplyNow: a person asked for one call that waits for no window.
	ApplyNow bool
	// TokenUnknown forbids any write: the webhook token that the spec refers to is not known.
	TokenUnknown bool
}

// Decision is what to do.
type Decision struct {
	// Send names the settings to write, sorted; empty if nothing is to be written. History.Record then is the intent,
	// which must be stored before the call.
	Send []string
	// History is what to store.
	History History
	// Synced is the reason that condition Synced shows.
	Synced string
	// Settings are the names that the reason is about, sorted.
	Settings []string
	// Pending are all differences, whatever is done about them.
	Pending []v1alpha1.PendingChange
	// Drift names the settings that differ without a change, sorted.
	Drift []string
	// DriftSince is what to remember for the next decision, nil if nothing differs.
	DriftSince map[string]time.Time
	// LookAgain is how soon to look again; 0 means at the ordinary interval.
	LookAgain time.Duration
	// Handled reports whether a request was acted on, as far as it can be.
	Handled bool
	// Lifts reports whether a request tries again what was given up.
	Lifts bool
	// ApplyHandled reports whether ApplyNow was acted on: the call is sent, or nothing is to be written.
	ApplyHandled bool
	// Retries reports whether the reason is about settings that are tried again, besides which others may be given up.
	Retries bool
	// Held is what holds a write that is due.
	Held Hold
}

// elapsed is the time since then; a time in the future counts as now (R16).
func (in *Input) elapsed(since time.Time) time.Duration { return max(in.Now.Sub(since), 0) }
