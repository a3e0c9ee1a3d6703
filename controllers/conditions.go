// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
	"github.com/greenapi-operator/greenapi-operator/internal/states"
)

// conditionState is what a condition says.
type conditionState struct {
	status          metav1.ConditionStatus
	reason, message string
}

// availability is what condition Available says of a state.
func availability(state string) conditionState {
	known := states.Of(state)
	return conditionState{metav1.ConditionStatus(known.Available), known.Reason, known.Message}
}

// syncedCondition says what condition Synced shows after a decision.
func syncedCondition(p *pass, before *metav1.Condition) conditionState {
	d := p.decision
	if p.tokenHold != nil {
		return conditionState{metav1.ConditionFalse, p.tokenHold.reason, p.tokenHold.message}
	}
	switch d.Synced {
	case v1alpha1.ReasonUpToDate:
		return conditionState{metav1.ConditionTrue, d.Synced, "Every managed setting is in effect"}
	case v1alpha1.ReasonNothingManaged:
		return conditionState{metav1.ConditionTrue, d.Synced, "The spec manages no setting"}
	case v1alpha1.ReasonSettingsRejected:
		return conditionState{metav1.ConditionFalse, d.Synced, refusedSettings(p, before)}
	case v1alpha1.ReasonSettingsNotPersisted:
		return conditionState{metav1.ConditionFalse, d.Synced, notKept(d)}
	}
	return conditionState{metav1.ConditionFalse, d.Synced, differText(p, strings.Join(d.Settings, ", "))}
}

// differText says of settings why they differ.
func differText(p *pass, names string) string {
	switch p.decision.Synced {
	case v1alpha1.ReasonInstanceStarting:
		return fmt.Sprintf("To be written once the instance has started: %s", names)
	case v1alpha1.ReasonSettling:
		return fmt.Sprintf("Written, and the vendor has some minutes to show it: %s", names)
	case v1alpha1.ReasonDriftDetected:
		return fmt.Sprintf("These settings differ, and reconcilePolicy %s leaves them so: %s", p.core().Policy(), names)
	case v1alpha1.ReasonSettingNotSupported:
		return fmt.Sprintf("The vendor does not show these settings even after they were written. Remove them from the spec: %s", names)
	case v1alpha1.ReasonDriftFlapping:
		return fmt.Sprintf("Something else keeps changing these settings back. Find out what it is, or remove them from the spec: %s", names)
	}
	return heldText(p, names)
}

// heldText says what holds the call that would put settings right.
func heldText(p *pass, names string) string {
	if text := holdText(p, p.decision.Held); text != "" {
		return fmt.Sprintf("These settings differ and wait%s: %s", text, names)
	}
	if failed := p.memory.failedCalls[greenapi.MethodSetSettings]; failed != nil && failed.problem != nil {
		return fmt.Sprintf("These settings differ, and the vendor does not take them now: %s", names)
	}
	return fmt.Sprintf("These settings differ and are about to be written: %s", names)
}

// notKept says of which settings the vendor kept other values, and what follows.
func notKept(d *plan.Decision) string {
	names, given := strings.Join(d.Settings, ", "), strings.Join(plan.AbandonedFor(d.History, v1alpha1.AbandonNotPersisted), ", ")
	switch {
	case !d.Retries && given != "":
		return fmt.Sprintf("The vendor kept other values in every attempt, so they are no longer written until the settings change or a reconcile is requested: %s", given)
	case given != "":
		return fmt.Sprintf("The vendor kept other values than were written; the next attempt follows later: %s. Given up until the settings change or a reconcile is requested: %s", names, given)
	}
	return fmt.Sprintf("The vendor kept other values than were written; the next attempt follows later: %s", names)
}

// givenUp reports whether nothing more is tried for what Synced shows.
func givenUp(p *pass) bool {
	d := p.decision
	if d.Synced == v1alpha1.ReasonSettingsRejected {
		return true
	}
	return len(plan.AbandonedFor(d.History, v1alpha1.AbandonReason(d.Synced))) > 0
}

// progress is what Ready, Reconciling and Stalled show together; an empty reason means that the condition is absent.
type progress struct {
	ready                        conditionState
	reconciling, stalled         string
	reconcilingText, stalledText string
}

func isStalled(reason, message string) progress {
	return progress{ready: conditionState{metav1.ConditionFalse, reason, message}, stalled: reason, stalledText: message}
}

// isRetrying is for something that is tried again by itself; without a reason nothing is known to be wrong.
func isRetrying(reason, message string) progress {
	ready := conditionState{metav1.ConditionFalse, reason, message}
	if reason == "" {
		ready = conditionState{metav1.ConditionUnknown, v1alpha1.ReasonProgressing, message}
	}
	return progress{ready: ready, reconciling: v1alpha1.ReasonProgressingWithRetry, reconcilingText: message}
}

func isUnderWay(reason, message string) progress {
	return progress{ready: conditionState{metav1.ConditionUnknown, reason, message}, reconciling: reason, reconcilingText: message}
}

func isDone(message string) progress {
	return progress{ready: conditionState{metav1.ConditionTrue, v1alpha1.ReasonSucceeded, message}}
}

// composeProgress sets Ready, Reconciling and Stalled (R26).
func (r *Reconciler) composeProgress(p *pass, w statusWriter) {
	switch end := p.end.(type) {
	case *stalled:
		w.show(isStalled(end.reason, end.message))
		return
	case *retrying:
		if end.reason != "" {
			w.show(isRetrying(end.reason, end.message))
			return
		}
		r.composePassingFailure(p, w, end.message)
		return
	case *waiting:
		if (p.memory.schedule.Failing() || p.putOff) && r.stale(p) {
			r.composePassingFailure(p, w, "The vendor has not answered for some time")
		}
		return
	}
	if p.reboot.Stalled && !w.Apply.Active() {
		text := stuckText(p)
		w.show(isStalled(v1alpha1.ReasonStuckStarting, text))
		w.ObservedGeneration = w.generation
		return
	}
	if p.window.Problem != "" && !w.Apply.Active() {
		w.show(isStalled(v1alpha1.ReasonMaintenanceInvalid, fmt.Sprintf("Nothing is written until spec.maintenance is put right: %s", p.window.Problem)))
		w.ObservedGeneration = w.generation
		return
	}
	if p.decision == nil && p.settingsErr != nil {
		r.composePassingFailure(p, w, "Cannot read the settings: "+p.settingsErr.Error())
		return
	}
	if p.decision != nil {
		w.composeDecided(p)
	}
}

// composeDecided says how far it is with what was decided.
func (w statusWriter) composeDecided(p *pass) {
	w.show(fromDecision(p, w.find(v1alpha1.SyncedCondition)))
	w.composeCalls(p)
	w.composeTurn(p)
	w.composeAccountFailure(p)
	if p.looked.State && p.state == states.Creating && p.beingCreated() && w.find(v1alpha1.StalledCondition) == nil {
		w.show(isUnderWay(v1alpha1.ReasonProgressing, creatingText))
	}
}

// composeAccountFailure says that the account cannot be read, if nothing else is said.
func (w statusWriter) composeAccountFailure(p *pass) {
	switch {
	case p.meansCreating(p.accountErr):
		w.reconcilingUnlessSaid(v1alpha1.ReasonProgressing, creatingText)
	case p.accountErr != nil:
		w.reconcilingUnlessSaid(v1alpha1.ReasonProgressingWithRetry, "Cannot read the account: "+p.accountErr.Error())
	}
}

// reconcilingUnlessSaid sets Reconciling, if neither it nor Stalled says something already.
func (w statusWriter) reconcilingUnlessSaid(reason, message string) {
	if w.find(v1alpha1.StalledCondition) == nil && w.find(v1alpha1.ReconcilingCondition) == nil {
		w.set(v1alpha1.ReconcilingCondition, metav1.ConditionTrue, reason, message)
	}
}

// composeCalls says that a call which is wanted is not taken, if nothing graver is said.
func (w statusWriter) composeCalls(p *pass) {
	for _, method := range p.failing {
		failed := p.memory.failedCalls[method]
		if failed == nil || w.find(v1alpha1.StalledCondition) != nil {
			continue
		}
		switch problem := failed.problem.(type) {
		case *stalled:
			w.show(isStalled(problem.reason, problem.message))
		case *retrying:
			w.show(isRetrying(problem.reason, problem.message))
		}
	}
}

// composeTurn says what a reboot waits for, if nothing else is said.
func (w statusWriter) composeTurn(p *pass) {
	if text := holdText(p, p.reboot.held); text != "" {
		w.reconcilingUnlessSaid(v1alpha1.ReasonProgressing, "The reboot waits"+text)
	}
}

// fromDecision derives the progress from what Synced shows.
func fromDecision(p *pass, synced *metav1.Condition) progress {
	observing := p.core().Policy() == v1alpha1.PolicyObserve
	switch {
	case synced.Status == metav1.ConditionTrue:
		return isDone("The settings are as the spec wants them")
	case synced.Reason == v1alpha1.ReasonOutsideWindow:
		return isDone("Settings differ, and the spec itself has them wait for its maintenance window")
	case observing && synced.Reason != v1alpha1.ReasonSettling, synced.Reason == v1alpha1.ReasonDriftDetected:
		return isDone("The settings were compared; the policy leaves differences as they are")
	case p.tokenHold != nil:
		if p.tokenGrace > 0 {
			return isRetrying(synced.Reason, synced.Message)
		}
		return isStalled(synced.Reason, synced.Message)
	case synced.Reason == v1alpha1.ReasonSettling:
		return isUnderWay(v1alpha1.ReasonSettling, synced.Message)
	case givenUp(p):
		return isStalled(synced.Reason, synced.Message)
	case synced.Reason == v1alpha1.ReasonSettingsNotPersisted:
		return isRetrying(synced.Reason, synced.Message)
	default:
		return isUnderWay(v1alpha1.ReasonProgressing, synced.Message)
	}
}

// composePassingFailure shows that something is tried again by itself. What is known stays: a person's task is not
// forgotten because the vendor cannot be reached for a while, and Ready stays True until the last look is old.
func (r *Reconciler) composePassingFailure(p *pass, w statusWriter, message string) {
	if condition := w.find(v1alpha1.StalledCondition); condition != nil {
		if condition.ObservedGeneration == w.generation && (!mendedByResolving(condition.Reason) || p.tokenHold != nil) {
			return
		}
		w.remove(v1alpha1.StalledCondition)
		w.set(v1alpha1.ReadyCondition, metav1.ConditionUnknown, v1alpha1.ReasonProgressing, message)
	}
	w.set(v1alpha1.ReconcilingCondition, metav1.ConditionTrue, v1alpha1.ReasonProgressingWithRetry, message)
	ready := w.find(v1alpha1.ReadyCondition)
	switch {
	case r.stale(p):
		w.set(v1alpha1.ReadyCondition, metav1.ConditionUnknown, v1alpha1.ReasonObservationStale, "The vendor has not answered for some time, so the last known state may be old: "+message)
	case ready.ObservedGeneration != w.generation:
		w.set(v1alpha1.ReadyCondition, metav1.ConditionUnknown, v1alpha1.ReasonProgressing, "This generation was not compared with the vendor's settings yet: "+message)
	}
}

// mendedByResolving reports whether a reason for Stalled is gone once credentials were found and the resource owns its
// instance.
func mendedByResolving(reason string) bool {
	switch reason {
	case v1alpha1.ReasonSecretNotFound, v1alpha1.ReasonSecretKeyMissing, v1alpha1.ReasonTokenMalformed, v1alpha1.ReasonDuplicateInstance:
		return true
	}
	return false
}

// show sets the three conditions together.
func (w statusWriter) show(s progress) {
	w.set(v1alpha1.ReadyCondition, s.ready.status, s.ready.reason, s.ready.message)
	w.setAbnormal(v1alpha1.ReconcilingCondition, s.reconciling, s.reconcilingText)
	w.setAbnormal(v1alpha1.StalledCondition, s.stalled, s.stalledText)
}

// setAbnormal sets a condition that is there only while it is True; an empty reason removes it.
func (w statusWriter) setAbnormal(condition, reason, message string) {
	if reason == "" {
		w.remove(condition)
		return
	}
	w.set(condition, metav1.ConditionTrue, reason, message)
}
