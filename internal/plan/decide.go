// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"maps"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// States of the vendor that matter to a decision; "" is an instance that is still being created.
const (
	stateStarting        = "starting"
	stateCreating        = ""
	statePendingCode     = "pendingCode"
	statePendingPassword = "pendingPassword"
)

// loginGrace is how long settings wait for a person who is logging in (R15).
const loginGrace = 10 * time.Minute

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

// History is what a decision needs to know of the past. It stands in the status of the resource.
type History struct {
	SyncedHash          string
	SyncedSecretVersion string
	Abandoned           []v1alpha1.AbandonedSetting
	Record              *v1alpha1.ApplyRecord
	Corrections         []v1alpha1.Correction
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
	History    History
	Limits     Limits
	// Own reports whether this process wrote History.Record.
	Own bool
	// DriftSince says since when this process has seen a setting differ outside `starting` without a change.
	DriftSince map[string]time.Time
	// Requested reports whether a person asked for a reconcile that was not handled yet.
	Requested bool
	// Hold forbids any write: the webhook token that the spec refers to is not known.
	Hold bool
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
	// DriftSince is what to remember for the next decision.
	DriftSince map[string]time.Time
	// LookAgain is how soon to look again; 0 means at the ordinary interval.
	LookAgain time.Duration
	// Handled reports whether a request was acted on, as far as it can be.
	Handled bool
}

// Decide says what to do about an instance.
func Decide(in Input) Decision {
	t := newTable(in)
	t.rearm()
	t.judge()
	t.giveUpExhausted()
	t.trackDrift()
	t.choose()
	return t.close()
}

// table is a decision in the making.
type table struct {
	Input
	d        Decision
	verdicts map[string]verdict
	// changed: the user wants something else than was last written or seen in effect.
	settingsChanged, tokenChanged bool
	// repeat: the latest call's outcome was never known and its values do not show.
	repeat bool
	// lifted: a request armed again what a breaker held; exhausted: it was an abandoned setting.
	lifted, exhausted bool
}

func newTable(in Input) *table {
	t := &table{Input: in, verdicts: make(map[string]verdict, len(in.Desired.Settings))}
	t.d = Decision{History: in.History, Handled: in.Requested, DriftSince: maps.Clone(in.DriftSince)}
	// The lists are edited in place below; the caller's stay as they are.
	t.d.History.Abandoned = slices.Clone(in.History.Abandoned)
	t.d.History.Record = in.History.Record.DeepCopy()
	t.d.History.Corrections = t.recentCorrections()
	for _, s := range in.Desired.Settings {
		t.verdicts[s.Name] = compare(s, in.Observed)
		if t.verdicts[s.Name] != same {
			t.d.Pending = append(t.d.Pending, show(s, in.Observed))
		}
	}
	record := in.History.Record
	t.settingsChanged = in.Desired.Hash != in.History.SyncedHash && (record == nil || record.SettingsHash != in.Desired.Hash)
	// While something holds writes back, the version may just not be known.
	t.tokenChanged = !in.Hold && in.Desired.SecretVersion != in.History.SyncedSecretVersion &&
		(record == nil || record.SecretVersion != in.Desired.SecretVersion)
	return t
}

func (t *table) changed() bool { return t.settingsChanged || t.tokenChanged }

// seen reports whether what the user wants was in effect once.
func (t *table) seen() bool {
	h := t.History
	return t.Desired.Hash == h.SyncedHash && t.Desired.SecretVersion == h.SyncedSecretVersion
}

// differing returns the names of managed settings that differ and are not abandoned, sorted.
func (t *table) differing() []string {
	var names []string
	for _, s := range t.Desired.Settings {
		if t.verdicts[s.Name] != same && !t.abandoned(s.Name) {
			names = append(names, s.Name)
		}
	}
	return names
}

// starting reports whether the instance restarts or is being created: nothing can be written then, and what it shows
// may be old.
func (t *table) starting() bool { return t.State == stateStarting || t.State == stateCreating }

// trackDrift remembers since when a setting differs without a change. Readings while starting say nothing, and while
// a write is open they may be old (R9, R12).
func (t *table) trackDrift() {
	differ := t.differing()
	if t.d.DriftSince == nil {
		t.d.DriftSince = map[string]time.Time{}
	}
	if t.d.History.Record.Active() || t.changed() {
		clear(t.d.DriftSince)
		return
	}
	maps.DeleteFunc(t.d.DriftSince, func(name string, _ time.Time) bool { return !slices.Contains(differ, name) })
	if t.starting() {
		return
	}
	for _, name := range differ {
		if _, ok := t.d.DriftSince[name]; !ok {
			t.d.DriftSince[name] = t.Now
		}
	}
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
	case t.changed():
		t.apply(v1alpha1.ApplySpecChange, 1, differ)
	case t.repeat:
		t.apply(v1alpha1.ApplyRetry, record.Attempt+1, differ)
	case t.lifted:
		t.apply(v1alpha1.ApplyRequested, t.requestedAttempt(), differ)
	case t.Policy == v1alpha1.PolicyOnSpecChange && t.seen():
		t.leave(differ)
	case t.continues(v1alpha1.OutcomeRejected, differ):
		t.say(v1alpha1.ReasonSettingsRejected, differ)
	case t.continues(v1alpha1.OutcomeNotPersisted, differ):
		t.retry(record, differ)
	case t.continues(v1alpha1.OutcomeNotSent, differ) && (!t.seen() || record.Reason != v1alpha1.ApplyDrift):
		t.apply(record.Reason, record.Attempt+1, differ)
	default:
		t.drift(differ)
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
	}
	t.say(v1alpha1.ReasonSettling, recordNames(record))
}

// inEffect is the goal: nothing differs but what is abandoned.
func (t *table) inEffect() {
	h := &t.d.History
	h.SyncedHash, h.SyncedSecretVersion = t.Desired.Hash, t.Desired.SecretVersion
	if h.Record != nil && t.isWish(h.Record) && (h.Record.Outcome == v1alpha1.OutcomeNotPersisted || h.Record.Outcome == v1alpha1.OutcomeRejected) &&
		len(h.Abandoned) == 0 && !t.starting() {
		// The values came late, or somebody set them by hand: the series of attempts is over.
		t.finish(v1alpha1.OutcomeConfirmed)
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
	t.d.Drift = differ
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
	for range record.Attempt - 1 {
		wait *= 4
	}
	finished := record.StartedTime.Time
	if record.FinishedTime != nil {
		finished = record.FinishedTime.Time
	}
	if rest := wait - t.elapsed(finished); rest > 0 {
		t.say(v1alpha1.ReasonSettingsNotPersisted, differ)
		t.d.LookAgain = rest
		return
	}
	t.apply(v1alpha1.ApplyRetry, record.Attempt+1, differ)
}

// drift corrects what changed by itself, once two readings show it and unless it flaps (R9, R17).
func (t *table) drift(differ []string) {
	t.d.Drift = differ
	if t.giveUpFlapping(differ) {
		if differ = t.differing(); len(differ) == 0 {
			t.inEffect()
			return
		}
	}
	rest := time.Duration(-1)
	for _, name := range differ {
		since, ok := t.d.DriftSince[name]
		if !ok {
			continue
		}
		if left := t.Limits.SettlePoll - t.elapsed(since); rest < 0 || left < rest {
			rest = max(left, 0)
		}
	}
	if rest == 0 && !t.starting() {
		t.apply(v1alpha1.ApplyDrift, 1, differ)
		return
	}
	t.d.LookAgain = t.Limits.SettlePoll
	if rest > 0 {
		t.d.LookAgain = rest
	}
	if t.starting() {
		t.say(v1alpha1.ReasonInstanceStarting, differ)
		return
	}
	t.say(v1alpha1.ReasonApplyPending, differ)
}

// apply plans a setSettings, unless the instance cannot take one now (R15).
func (t *table) apply(reason v1alpha1.ApplyReason, attempt int32, names []string) {
	if t.starting() {
		t.say(v1alpha1.ReasonInstanceStarting, names)
		t.d.LookAgain, t.d.Handled = t.Limits.SettlePoll, false
		return
	}
	if t.State == statePendingCode || t.State == statePendingPassword {
		if rest := loginGrace - t.elapsed(t.StateSince); rest > 0 {
			t.say(v1alpha1.ReasonApplyPending, names)
			t.d.LookAgain, t.d.Handled = min(rest, t.Limits.SettlePoll), false
			return
		}
	}
	t.say(v1alpha1.ReasonApplyPending, names)
	t.d.Send = names
	t.intend(reason, attempt)
}

// close returns the decision.
func (t *table) close() Decision {
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
	correction := reason == v1alpha1.ApplyDrift || reason == v1alpha1.ApplyRequested && t.seen()
	if !t.seen() {
		// From now on neither the old wish nor the new one is known to be in effect.
		h.SyncedHash, h.SyncedSecretVersion = "", ""
	}
	if correction {
		h.Corrections = appendCorrection(h.Corrections, t.Now, t.d.Send)
	}
	t.retryFlapping()
	h.Record = record
}
