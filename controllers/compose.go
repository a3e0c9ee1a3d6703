// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"cmp"
	"net/url"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
	"github.com/greenapi-operator/greenapi-operator/internal/states"
)

// statusWriter sets conditions of one status in one pass.
type statusWriter struct {
	*v1alpha1.InstanceStatus
	generation int64
	now        metav1.Time
}

func (w statusWriter) set(condition string, status metav1.ConditionStatus, reason, message string) {
	apimeta.SetStatusCondition(&w.Conditions, metav1.Condition{
		Type: condition, Status: status, Reason: reason, Message: message,
		ObservedGeneration: w.generation, LastTransitionTime: w.now,
	})
}

func (w statusWriter) remove(condition string) {
	if w.find(condition) != nil {
		// Removing copies the list, even if there is nothing to remove.
		apimeta.RemoveStatusCondition(&w.Conditions, condition)
	}
}

func (w statusWriter) find(condition string) *metav1.Condition {
	return apimeta.FindStatusCondition(w.Conditions, condition)
}

// compose makes the status that follows from the stored one and what the pass found. It changes nothing else.
func (r *Reconciler) compose(p *pass) v1alpha1.InstanceStatus {
	status := *p.stored.DeepCopy()
	w := statusWriter{InstanceStatus: &status, generation: p.generation(), now: metav1.NewTime(r.Clock.Now()).Rfc3339Copy()}
	w.introduce()
	w.IDInstance = cmp.Or(instance.Number(p.instance), w.IDInstance)
	if p.id.Origin != "" && (p.looked.State || !instance.AcceptedOnce(w.InstanceStatus)) {
		// Where a token was accepted decides who owns an instance, so another address counts once it answered.
		w.APIURL = p.origin.String()
	}
	if p.resolved {
		w.ManagedSettings = p.desired.Names()
	}
	w.composeState(p)
	w.composeAccount(p)
	w.composeAvailable(p)
	w.composeDecision(p)
	w.composeStatuses(p)
	w.composeEnding(p, r.Options.RestartSoak)
	// A request is for now. Who asked is not told that the vendor has not answered for long before it was tried.
	tooLate := p.needsSomebody() || p.tried && r.stale(p)
	w.composeReboot(p, tooLate)
	w.composeRotation(p, tooLate)
	if _, pause := p.end.(*paused); pause {
		w.composePaused()
	} else {
		w.remove(v1alpha1.PausedCondition)
		w.composeEnd(p)
		r.composeProgress(p, w)
	}
	w.composeApply(p, tooLate)
	return status
}

// introduce sets the conditions that are always there, for a resource that has none yet.
func (w statusWriter) introduce() {
	for _, condition := range []string{v1alpha1.SyncedCondition, v1alpha1.AvailableCondition, v1alpha1.CredentialsValidCondition} {
		if w.find(condition) == nil {
			w.set(condition, metav1.ConditionUnknown, v1alpha1.ReasonNotObserved, "Nothing is known yet")
		}
	}
	if w.find(v1alpha1.ReadyCondition) == nil {
		w.set(v1alpha1.ReadyCondition, metav1.ConditionUnknown, v1alpha1.ReasonProgressing, "The first look is under way")
		w.set(v1alpha1.ReconcilingCondition, metav1.ConditionTrue, v1alpha1.ReasonProgressing, "The first look is under way")
	}
}

func (w statusWriter) composePaused() {
	w.ObservedGeneration, w.NextWindowTime = w.generation, nil
	w.set(v1alpha1.PausedCondition, metav1.ConditionTrue, v1alpha1.ReasonSpecPaused, "spec.paused is true: no call is made, and the last status is kept")
	w.remove(v1alpha1.ReconcilingCondition)
	if ready := w.find(v1alpha1.ReadyCondition); ready.Reason == v1alpha1.ReasonProgressing && w.StateInstance == "" {
		w.set(v1alpha1.ReadyCondition, metav1.ConditionUnknown, v1alpha1.ReasonPaused, "The resource was paused before the first look")
	}
}

func (w statusWriter) composeState(p *pass) {
	if !p.looked.State {
		return
	}
	w.set(v1alpha1.CredentialsValidCondition, metav1.ConditionTrue, v1alpha1.ReasonTokenAccepted, "The vendor accepted the API token")
	w.composeAcceptedRef(p)
	if w.StateInstance != p.state || w.StateChangedTime == nil {
		w.StateInstance, w.StateChangedTime = p.state, new(p.changedAt(w.now))
	}
	if !states.Of(p.state).Ends {
		w.SuspendedUntil = nil
	}
	if _, named := instance.KindOfMessenger(p.settings.Messenger()); named && p.looked.Settings {
		// A mismatch ends by a reading that names the right messenger (R27); composeEnd notes one.
		w.TypeInstance = ""
	}
}

// composeAvailable says whether the messenger works; of a suspension also until when, once that is known.
func (w statusWriter) composeAvailable(p *pass) {
	if !p.looked.State {
		return
	}
	available := availability(p.state)
	if w.SuspendedUntil != nil {
		available.message += ", until " + w.SuspendedUntil.UTC().Format(time.RFC3339)
	}
	w.set(v1alpha1.AvailableCondition, available.status, available.reason, available.message)
}

// composeAccount keeps what is known of the account while the instance starts, and clears in any other state what the
// vendor shows empty (R7).
func (w statusWriter) composeAccount(p *pass) {
	if p.account == nil {
		return
	}
	// What the state is says the latest look at it, or else the account itself.
	keep := w.StateInstance == states.Starting || !p.looked.State && p.account.State == states.Starting
	take := func(field *string, shown string) {
		if shown != "" || !keep {
			*field = shown
		}
	}
	take(&w.Phone, p.account.Phone)
	take(&w.ChatID, p.account.ChatID)
	take(&w.DeviceID, p.account.DeviceID)
	if withoutQuery(w.AvatarURL) != withoutQuery(p.account.AvatarURL) || p.account.AvatarURL == "" {
		// The query of a picture's address is a signature that changes by itself.
		take(&w.AvatarURL, p.account.AvatarURL)
	}
	if p.account.HistorySyncProgress != nil || !keep {
		w.HistorySyncProgress = p.account.HistorySyncProgress
	}
	instance.LimitAccount(w.InstanceStatus, p.details)
	if until := p.account.SuspendedUntil; until != nil && states.Of(p.state).Ends {
		at := metav1.NewTime(*until)
		if !at.Equal(w.SuspendedUntil) {
			w.SuspendedUntil = &at
		}
	}
}

func withoutQuery(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return raw
	}
	u.RawQuery = ""
	return u.String()
}

// composeDecision stores what the decision needs to know next time, and what differs.
func (w statusWriter) composeDecision(p *pass) {
	d := p.decision
	if d == nil {
		return
	}
	w.countRestart(d.History.Record)
	w.SyncedSettingsHash, w.SyncedSecretVersion, w.SecretVersionKey = d.History.SyncedHash, d.History.SyncedSecretVersion, d.History.SecretKey
	w.EffectiveSettings = d.History.Effective
	w.Abandoned, w.Apply, w.Corrections = d.History.Abandoned, d.History.Record.DeepCopy(), d.History.Corrections
	w.PendingChanges = d.Pending
	if d.Handled {
		w.LastHandledReconcileAt = p.requested
	}
	w.NextWindowTime = nil
	if d.Held.By == plan.HeldByWindow {
		w.NextWindowTime = new(metav1.NewTime(p.window.Opens).Rfc3339Copy())
	}
	synced := syncedCondition(p, w.find(v1alpha1.SyncedCondition))
	w.set(v1alpha1.SyncedCondition, synced.status, synced.reason, synced.message)
	w.ObservedGeneration = w.generation
}

// countRestart counts a yes of the vendor, and a call whose outcome was not known and whose values show after all
// (R26).
func (w statusWriter) countRestart(record *v1alpha1.ApplyRecord) {
	before := w.Apply
	if !record.SameCall(before) || before.Outcome != v1alpha1.OutcomePending ||
		record.Outcome != v1alpha1.OutcomeSettling && record.Outcome != v1alpha1.OutcomeConfirmed {
		return
	}
	w.addRestart(metav1.NewTime(record.StartedTime.Time).Rfc3339Copy(), string(record.Reason))
}

func (w statusWriter) addRestart(at metav1.Time, reason string) {
	if w.Restarts == nil {
		w.Restarts = &v1alpha1.Restarts{}
	}
	w.Restarts.Total++
	w.Restarts.LastTime, w.Restarts.LastReason = &at, reason
}

// composeEnd sets the condition that the end of the pass is about.
func (w statusWriter) composeEnd(p *pass) {
	switch end := p.end.(type) {
	case *retrying:
		if end.condition != "" {
			w.set(end.condition, metav1.ConditionFalse, end.reason, end.message)
		}
	case *unclaimed:
		w.composeUnclaimed(end.message)
	case *creating:
		w.composeCreating()
	case *stalled:
		if end.condition != "" {
			w.set(end.condition, metav1.ConditionFalse, end.reason, end.message)
		}
		w.TypeInstance = cmp.Or(end.messenger, w.TypeInstance)
		if p.decision == nil {
			// Nothing waits for it any more.
			w.NextWindowTime = nil
		}
		if !p.looked.State && end.condition != v1alpha1.AvailableCondition {
			// Nobody will look soon, so what was seen last says nothing any more.
			w.set(v1alpha1.AvailableCondition, metav1.ConditionUnknown, v1alpha1.ReasonNotObserved, "The state cannot be read; the condition Stalled says why")
		}
		w.ObservedGeneration = w.generation
		if p.requested != "" {
			w.LastHandledReconcileAt = p.requested
		}
	}
}

// stalledFor reports whether a status says Stalled for a reason and a generation.
func stalledFor(s *v1alpha1.InstanceStatus, generation int64, reason string) bool {
	condition := apimeta.FindStatusCondition(s.Conditions, v1alpha1.StalledCondition)
	return condition != nil && condition.Reason == reason && condition.ObservedGeneration == generation
}

// inOrder reports whether a status says that there is nothing to do for a generation.
func inOrder(s *v1alpha1.InstanceStatus, generation int64) bool {
	return s.ObservedGeneration == generation && apimeta.IsStatusConditionTrue(s.Conditions, v1alpha1.ReadyCondition) &&
		apimeta.FindStatusCondition(s.Conditions, v1alpha1.ReconcilingCondition) == nil && !s.Apply.Active()
}

// stale reports whether looks have failed for so long that the last known state may no longer be true. A resource that
// is not polled is not stale for that: the time counts from one interval before the first failure at the earliest.
func (r *Reconciler) stale(p *pass) bool {
	if since := p.memory.settingsFailedSince; !since.IsZero() && p.now.Sub(since) >= max(staleAfter, 3*r.waitingSettingsInterval(p.core())) {
		return true
	}
	if p.memory.failedSince.IsZero() || r.growing(&p.memory.pollMemory) {
		return false
	}
	interval := r.waitingStateInterval(p.core())
	since, read := p.memory.failedSince.Add(-interval), p.memory.readAt()
	if read.After(since) {
		since = read
	}
	return p.now.Sub(since) >= max(staleAfter, 3*interval)
}

const staleAfter = 3 * time.Minute

// refusedSettings is the vendor's message with a refusal, kept from the condition that showed it first.
func refusedSettings(p *pass, synced *metav1.Condition) string {
	if p.applyMessage == "" && synced != nil && synced.Reason == v1alpha1.ReasonSettingsRejected {
		return synced.Message
	}
	message := "The vendor refused the settings"
	if p.applyMessage != "" {
		message += ": " + p.applyMessage
	}
	return message + ". Nothing is written until they change or a reconcile is requested"
}
