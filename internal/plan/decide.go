// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"math"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/states"
)

// loginGrace is how long settings wait for a person who is logging in (R15).
const loginGrace = 10 * time.Minute

// maxRetryWait is a wait before an attempt that is not made longer any more; four times as long still is a time.
const maxRetryWait = 365 * 24 * time.Hour

// Decide says what to do about an instance.
func Decide(in Input) Decision {
	t := newTable(in)
	t.resetAbandoned()
	t.judge()
	t.giveUpExhausted()
	t.trackDrift()
	t.choose()
	return t.close()
}

// choose is the table of states: what follows from the record, the differences and the policy.
func (t *table) choose() {
	differ, record := t.differing(), t.d.History.Record
	switch {
	case t.Hold:
		t.say(v1alpha1.ReasonApplyPending, differ)
	case record.Active() && !t.repeat:
		t.whileOpen(record)
	case len(differ) == 0:
		t.inEffect()
	case t.Policy == v1alpha1.PolicyObserve:
		t.leave(differ)
	default:
		t.chooseWrite(differ, record)
	}
}

// chooseWrite is the part of the table in which something differs and may be written.
func (t *table) chooseWrite(differ []string, record *v1alpha1.ApplyRecord) {
	switch {
	case t.settingsChanged:
		t.apply(v1alpha1.ApplySpecChange, 1, differ)
	case t.tokenChanged && slices.Contains(differ, WebhookTokenName):
		// A change of the token alone: whatever else differs did so before.
		t.apply(v1alpha1.ApplySpecChange, t.carriedAttempt(), []string{WebhookTokenName})
	case t.repeat:
		t.apply(v1alpha1.ApplyRetry, record.Attempt+1, t.withDrift(recordNames(record), differ))
	case t.lifted && slices.ContainsFunc(t.armed(), func(name string) bool { return slices.Contains(differ, name) }):
		t.apply(v1alpha1.ApplyRequested, t.requestedAttempt(), t.withDrift(t.armed(), differ))
	default:
		t.noteToken(differ)
		t.chooseAgain(differ, record)
	}
}

// chooseAgain is the part of the table without a change, a request or an unknown outcome.
func (t *table) chooseAgain(differ []string, record *v1alpha1.ApplyRecord) {
	if t.Policy == v1alpha1.PolicyOnSpecChange {
		unseen := slices.DeleteFunc(slices.Clone(differ), t.wasInEffect)
		if len(unseen) == 0 {
			t.leave(differ)
			return
		}
		differ = unseen
	}
	switch {
	case t.continues(v1alpha1.OutcomeRejected, differ):
		t.say(v1alpha1.ReasonSettingsRejected, differ)
	case t.continues(v1alpha1.OutcomeNotPersisted, differ):
		t.retry(record, differ)
	case t.continues(v1alpha1.OutcomeNotSent, differ) && (!t.seen() || record.Reason != v1alpha1.ApplyDrift):
		t.apply(record.Reason, record.Attempt+1, t.withDrift(t.unfulfilled(record, differ), differ))
	default:
		t.drift(differ)
	}
}

// noteToken notes that a new webhook token is in effect while something else differs, so that it is no change any more.
func (t *table) noteToken(differ []string) {
	if t.tokenChanged && !slices.Contains(differ, WebhookTokenName) && t.comparisons[WebhookTokenName] == same &&
		!t.starting() && t.superseding(t.d.History.Record) <= 0 {
		t.d.History.SyncedSecretVersion = t.Desired.SecretVersion
	}
}

// whileOpen is the time between a call and its outcome: only another wish is a reason to write (R11, R12).
func (t *table) whileOpen(record *v1alpha1.ApplyRecord) {
	t.d.LookAgain = t.Limits.SettlePoll
	if rest := t.settleRest(record); rest > 0 {
		t.d.LookAgain = min(t.d.LookAgain, rest)
	}
	if t.Policy != v1alpha1.PolicyObserve && t.changedSince(record) {
		if names := t.changedWhileOpen(record); len(names) > 0 {
			t.d.LookAgain = 0
			if wait := t.foreignCallRest(record); wait > 0 {
				t.say(v1alpha1.ReasonSettling, names)
				t.d.LookAgain = min(wait, t.Limits.SettlePoll)
				return
			}
			t.apply(v1alpha1.ApplySpecChange, 1, names)
			return
		}
		// The open call is all that the change needs: from now on it is for the present wish.
		record.Generation, record.SettingsHash, record.SecretVersion = t.Generation, t.Desired.Hash, t.Desired.SecretVersion
		t.forgetSeen()
	}
	t.say(v1alpha1.ReasonSettling, recordNames(record))
}

// inEffect is the goal: nothing differs but what is abandoned.
func (t *table) inEffect() {
	h := &t.d.History
	if rest := t.superseding(h.Record); rest > 0 {
		t.say(v1alpha1.ReasonSettling, recordNames(h.Record))
		t.d.LookAgain = min(rest, t.Limits.SettlePoll)
		return
	}
	if !t.starting() {
		h.SyncedHash, h.SyncedSecretVersion = t.Desired.Hash, t.Desired.SecretVersion
	}
	switch {
	case len(h.Abandoned) > 0 && t.Policy != v1alpha1.PolicyObserve:
		t.sayAbandoned()
	case len(t.d.Pending) > 0:
		t.leave(nil)
	case len(t.Desired.Settings) == 0:
		t.say(v1alpha1.ReasonNothingManaged, nil)
	default:
		t.say(v1alpha1.ReasonUpToDate, nil)
	}
}

// leave reports drift that the policy does not correct (R16).
func (t *table) leave(differ []string) {
	if t.rebootRest() <= 0 {
		t.d.Drift = differ
	}
	if len(t.d.History.Abandoned) > 0 && t.Policy != v1alpha1.PolicyObserve {
		t.sayAbandoned()
		return
	}
	names := make([]string, 0, len(t.d.Pending))
	for _, p := range t.d.Pending {
		names = append(names, p.Setting)
	}
	t.say(v1alpha1.ReasonDriftDetected, names)
}

// retry waits before the next attempt of a series, longer each time (R13).
func (t *table) retry(record *v1alpha1.ApplyRecord, differ []string) {
	wait := t.Limits.RetryAfter
	for i := int32(1); i < record.Attempt && wait < maxRetryWait; i++ {
		wait *= 4
	}
	finished := record.StartedTime.Time
	if record.FinishedTime != nil {
		finished = record.FinishedTime.Time
	}
	if rest := wait - t.elapsed(finished); rest > 0 {
		t.say(v1alpha1.ReasonSettingsNotPersisted, differ)
		t.d.LookAgain, t.d.Retries = rest, true
		return
	}
	t.apply(v1alpha1.ApplyRetry, record.Attempt+1, t.withDrift(t.unfulfilled(record, differ), differ))
}

// drift corrects what changed by itself, once two readings show it and unless it flaps (R9, R17).
func (t *table) drift(differ []string) {
	if rest := t.rebootRest(); rest > 0 {
		t.say(v1alpha1.ReasonSettling, differ)
		t.d.LookAgain = min(rest, t.Limits.SettlePoll)
		return
	}
	t.d.Drift = differ
	if t.giveUpFlapping(differ) {
		if differ = t.differing(); len(differ) == 0 {
			t.inEffect()
			return
		}
	}
	if t.starting() {
		t.say(v1alpha1.ReasonInstanceStarting, differ)
		t.d.LookAgain = t.Limits.SettlePoll
		return
	}
	twice := slices.DeleteFunc(slices.Clone(differ), func(name string) bool { return t.driftRest(name) > 0 })
	if len(twice) > 0 {
		t.apply(v1alpha1.ApplyDrift, 1, twice)
		return
	}
	t.say(v1alpha1.ReasonApplyPending, differ)
	t.d.LookAgain = t.Limits.SettlePoll
	for _, name := range differ {
		t.d.LookAgain = min(t.d.LookAgain, t.driftRest(name))
	}
}

// rebootRest is how long old values are no drift because this operator rebooted the instance (R20).
func (t *table) rebootRest() time.Duration {
	if t.LastReboot.IsZero() {
		return 0
	}
	return t.Limits.SettleTimeout - t.elapsed(t.LastReboot)
}

// apply plans a setSettings, unless the instance cannot take one now (R15).
func (t *table) apply(reason v1alpha1.ApplyReason, attempt int32, names []string) {
	if t.starting() {
		t.say(v1alpha1.ReasonInstanceStarting, names)
		t.d.LookAgain, t.d.Handled = t.Limits.SettlePoll, false
		return
	}
	if states.Of(t.State).Login == states.LoginEnter {
		if rest := loginGrace - t.elapsed(t.StateSince); rest > 0 {
			t.say(v1alpha1.ReasonApplyPending, names)
			t.d.LookAgain, t.d.Handled, t.d.LoginWait = min(rest, t.Limits.SettlePoll), false, true
			return
		}
	}
	t.say(v1alpha1.ReasonApplyPending, names)
	t.d.Send = names
	t.intend(reason, attempt)
}

// close returns the decision.
func (t *table) close() Decision {
	t.noteEffective()
	if t.lifted && !t.d.Handled {
		// The request could not be acted on yet, so what it would lift stays as it was.
		t.d.History.Abandoned = t.History.Abandoned
	}
	return t.d
}

// say sets the reason of condition Synced.
func (t *table) say(reason string, names []string) { t.d.Synced, t.d.Settings = reason, names }

// elapsed is the time since then; a time in the future counts as now (R16).
func (t *table) elapsed(since time.Time) time.Duration { return max(t.Now.Sub(since), 0) }

// intend writes the record of the call to come.
func (t *table) intend(reason v1alpha1.ApplyReason, attempt int32) {
	h := &t.d.History
	if attempt < 1 {
		// It was counted beyond what can be counted.
		attempt = math.MaxInt32
	}
	record := &v1alpha1.ApplyRecord{
		Generation:    t.Generation,
		SettingsHash:  t.Desired.Hash,
		SecretVersion: t.Desired.SecretVersion,
		Settings:      t.recordSettings(),
		Attempt:       attempt,
		Reason:        reason,
		StartedTime:   metav1.NewMicroTime(t.Now),
		Outcome:       v1alpha1.OutcomePending,
	}
	record.SupersededTime = t.supersededTime()
	t.keepRefusal()
	correction := reason == v1alpha1.ApplyDrift || reason == v1alpha1.ApplyRequested && t.seen()
	t.forgetSeen()
	if correction {
		h.Corrections = appendCorrection(h.Corrections, t.Now, t.d.Send)
	}
	t.retryFlapping()
	h.Record = record
}

// forgetSeen is what a write of another wish leads to: from then on neither the old wish nor the new one is known to be in
// effect.
func (t *table) forgetSeen() {
	if !t.settingsSeen() {
		t.d.History.SyncedHash = ""
	}
	if !t.tokenSeen() {
		t.d.History.SyncedSecretVersion = ""
	}
}
