// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"math"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// maxRetryWait is a wait before an attempt that is not made longer any more; four times as long still is a time.
const maxRetryWait = 365 * 24 * time.Hour

// Decide says what to do about an instance.
func Decide(in Input) Decision {
	d := newDecider(in)
	d.resetAbandoned()
	d.judge()
	d.giveUpExhausted()
	d.trackDrift()
	d.choose()
	return d.close()
}

// choose is the table of states: what follows from the record, the differences and the policy.
func (d *decider) choose() {
	differ, record := d.differing(), d.out.History.Record
	switch {
	case d.TokenUnknown:
		d.say(v1alpha1.ReasonApplyPending, differ)
	case record.Active() && !d.repeat:
		d.whileOpen(record)
	case len(differ) == 0:
		d.inEffect()
	case d.Policy == v1alpha1.PolicyObserve:
		d.leave(differ)
	default:
		d.chooseWrite(differ, record)
	}
}

// chooseWrite is the part of the table in which something differs and may be written.
func (d *decider) chooseWrite(differ []string, record *v1alpha1.ApplyRecord) {
	switch {
	case d.settingsChanged:
		d.apply(v1alpha1.ApplySpecChange, 1, differ)
	case d.tokenChanged && slices.Contains(differ, WebhookTokenName):
		// A change of the token alone: whatever else differs did so before.
		d.apply(v1alpha1.ApplySpecChange, d.carriedAttempt(), []string{WebhookTokenName})
	case d.repeat:
		d.apply(v1alpha1.ApplyRetry, record.Attempt+1, d.withDrift(recordNames(record), differ))
	case d.lifted && slices.ContainsFunc(d.armed(), func(name string) bool { return slices.Contains(differ, name) }):
		d.apply(v1alpha1.ApplyRequested, d.requestedAttempt(), d.withDrift(d.armed(), differ))
	default:
		d.noteToken(differ)
		d.chooseAgain(differ, record)
	}
}

// chooseAgain is the part of the table without a change, a request or an unknown outcome.
func (d *decider) chooseAgain(differ []string, record *v1alpha1.ApplyRecord) {
	if d.Policy == v1alpha1.PolicyOnSpecChange {
		unseen := slices.DeleteFunc(slices.Clone(differ), d.wasInEffect)
		if len(unseen) == 0 {
			d.leave(differ)
			return
		}
		differ = unseen
	}
	switch {
	case d.continues(v1alpha1.OutcomeRejected, differ):
		d.say(v1alpha1.ReasonSettingsRejected, differ)
	case d.continues(v1alpha1.OutcomeNotPersisted, differ):
		d.retry(record, differ)
	case d.continues(v1alpha1.OutcomeNotSent, differ) && (!d.seen() || record.Reason != v1alpha1.ApplyDrift):
		d.apply(record.Reason, record.Attempt+1, d.withDrift(d.unfulfilled(record, differ), differ))
	default:
		d.correctDrift(differ)
	}
}

// noteToken notes that a new webhook token is in effect while something else differs, so that it is no change any more.
func (d *decider) noteToken(differ []string) {
	if d.tokenChanged && !slices.Contains(differ, WebhookTokenName) && d.comparisons[WebhookTokenName] == same &&
		!d.starting() && d.superseding(d.out.History.Record) <= 0 {
		d.out.History.SyncedSecretVersion = d.Desired.SecretVersion
	}
}

// whileOpen is the time between a call and its outcome: only another wish is a reason to write (R11, R12).
func (d *decider) whileOpen(record *v1alpha1.ApplyRecord) {
	d.out.LookAgain = d.Limits.SettlePoll
	if rest := d.settleRest(record); rest > 0 {
		d.out.LookAgain = min(d.out.LookAgain, rest)
	}
	if d.Policy != v1alpha1.PolicyObserve && d.changedSince(record) {
		if names := d.changedWhileOpen(record); len(names) > 0 {
			d.out.LookAgain = 0
			d.apply(v1alpha1.ApplySpecChange, 1, names)
			if d.out.Held.Long() {
				// What was begun is verified still.
				d.say(v1alpha1.ReasonSettling, names)
				d.out.Held, d.out.LookAgain = Hold{}, d.Limits.SettlePoll
			}
			return
		}
		// The open call is all that the change needs: from now on it is for the present wish.
		record.Generation, record.SettingsHash, record.SecretVersion = d.Generation, d.Desired.Hash, d.Desired.SecretVersion
		d.forgetSeen()
	}
	d.say(v1alpha1.ReasonSettling, recordNames(record))
}

// inEffect is the goal: nothing differs but what is abandoned.
func (d *decider) inEffect() {
	h := &d.out.History
	if rest := d.superseding(h.Record); rest > 0 {
		d.say(v1alpha1.ReasonSettling, recordNames(h.Record))
		d.out.LookAgain = min(rest, d.Limits.SettlePoll)
		return
	}
	if !d.starting() {
		h.SyncedHash, h.SyncedSecretVersion = d.Desired.Hash, d.Desired.SecretVersion
	}
	switch {
	case len(h.Abandoned) > 0 && d.Policy != v1alpha1.PolicyObserve:
		d.sayAbandoned()
	case len(d.out.Pending) > 0:
		d.leave(nil)
	case len(d.Desired.Settings) == 0:
		d.say(v1alpha1.ReasonNothingManaged, nil)
	default:
		d.say(v1alpha1.ReasonUpToDate, nil)
	}
}

// leave reports drift that the policy does not correct (R16).
func (d *decider) leave(differ []string) {
	if d.rebootRest() <= 0 {
		d.out.Drift = differ
	}
	if len(d.out.History.Abandoned) > 0 && d.Policy != v1alpha1.PolicyObserve {
		d.sayAbandoned()
		return
	}
	names := make([]string, 0, len(d.out.Pending))
	for _, p := range d.out.Pending {
		names = append(names, p.Setting)
	}
	d.say(v1alpha1.ReasonDriftDetected, names)
}

// retry waits before the next attempt of a series, longer each time (R13).
func (d *decider) retry(record *v1alpha1.ApplyRecord, differ []string) {
	wait := d.Limits.RetryAfter
	for i := int32(1); i < record.Attempt && wait < maxRetryWait; i++ {
		wait *= 4
	}
	finished := record.StartedTime.Time
	if record.FinishedTime != nil {
		finished = record.FinishedTime.Time
	}
	if rest := wait - d.elapsed(finished); rest > 0 {
		d.say(v1alpha1.ReasonSettingsNotPersisted, differ)
		d.out.LookAgain, d.out.Retries = rest, true
		return
	}
	d.apply(v1alpha1.ApplyRetry, record.Attempt+1, d.withDrift(d.unfulfilled(record, differ), differ))
}

// correctDrift corrects what changed by itself, once two readings show it and unless it flaps (R9, R17).
func (d *decider) correctDrift(differ []string) {
	if rest := d.rebootRest(); rest > 0 {
		d.say(v1alpha1.ReasonSettling, differ)
		d.out.LookAgain = min(rest, d.Limits.SettlePoll)
		return
	}
	d.out.Drift = differ
	if d.giveUpFlapping(differ) {
		if differ = d.differing(); len(differ) == 0 {
			d.inEffect()
			return
		}
	}
	if hold := startGate(&d.Input, true); hold.By != "" {
		d.hold(hold, differ)
		return
	}
	twice := slices.DeleteFunc(slices.Clone(differ), func(name string) bool { return d.driftRest(name) > 0 })
	if len(twice) > 0 {
		d.apply(v1alpha1.ApplyDrift, 1, twice)
		return
	}
	d.say(v1alpha1.ReasonApplyPending, differ)
	d.out.LookAgain = d.Limits.SettlePoll
	for _, name := range differ {
		d.out.LookAgain = min(d.out.LookAgain, d.driftRest(name))
	}
}

// rebootRest is how long old values are no drift because this operator rebooted the instance (R20).
func (d *decider) rebootRest() time.Duration {
	if d.LastReboot.IsZero() {
		return 0
	}
	return d.Limits.SettleTimeout - d.elapsed(d.LastReboot)
}

// apply plans a setSettings, unless something holds it.
func (d *decider) apply(reason v1alpha1.ApplyReason, attempt int32, names []string) {
	if hold := held(&d.Input, d.seen()); hold.By != "" {
		d.hold(hold, names)
		return
	}
	d.say(v1alpha1.ReasonApplyPending, names)
	d.out.Send = names
	d.intend(reason, attempt)
}

// close returns the decision.
func (d *decider) close() Decision {
	d.noteEffective()
	d.out.ApplyHandled = d.ApplyNow && (len(d.out.Send) > 0 || !d.willWrite())
	d.out.Lifts = d.lifted
	if d.lifted && !d.out.Handled {
		// The request could not be acted on yet, so what it would lift stays as it was.
		d.out.History.Abandoned = d.History.Abandoned
	}
	return d.out
}

// say sets the reason of condition Synced.
func (d *decider) say(reason string, names []string) { d.out.Synced, d.out.Settings = reason, names }

// intend writes the record of the call to come.
func (d *decider) intend(reason v1alpha1.ApplyReason, attempt int32) {
	h := &d.out.History
	if attempt < 1 {
		// It was counted beyond what can be counted.
		attempt = math.MaxInt32
	}
	record := &v1alpha1.ApplyRecord{
		Generation:    d.Generation,
		SettingsHash:  d.Desired.Hash,
		SecretVersion: d.Desired.SecretVersion,
		Settings:      d.recordSettings(),
		Attempt:       attempt,
		Reason:        reason,
		StateBefore:   d.State,
		StartedTime:   metav1.NewMicroTime(d.Now),
		Outcome:       v1alpha1.OutcomePending,
	}
	record.SupersededTime = d.supersededTime()
	d.keepRefusal()
	correction := reason == v1alpha1.ApplyDrift || reason == v1alpha1.ApplyRequested && d.seen()
	d.forgetSeen()
	if correction {
		h.Corrections = appendCorrection(h.Corrections, d.Now, d.out.Send)
	}
	d.retryFlapping()
	h.Record = record
}

// forgetSeen is what a write of another wish leads to: from then on neither the old wish nor the new one is known to be in
// effect.
func (d *decider) forgetSeen() {
	if !d.settingsSeen() {
		d.out.History.SyncedHash = ""
	}
	if !d.tokenSeen() {
		d.out.History.SyncedSecretVersion = ""
	}
}
