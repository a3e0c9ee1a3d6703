// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/go-logr/logr"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
)

// Levels of the log. At 0 is what changed, a line for each fact, and nothing in steady state.
const (
	// logDecisions has what the operator is about to do, and what it waits for.
	logDecisions = 1
	// logCalls has every pass and every call.
	logCalls = 2
)

// logAt returns the logger of a level, and whether anybody reads it. Nothing is made for a line that nobody reads: a pass
// that learns nothing costs no memory for its log.
func logAt(ctx context.Context, level int) (logr.Logger, bool) {
	log := logr.FromContextOrDiscard(ctx).V(level)
	return log, log.Enabled()
}

// tell logs what a pass changed, once it is stored. The lines name settings, never values.
func tell(ctx context.Context, p *pass, drift []string) {
	log := logr.FromContextOrDiscard(ctx)
	before, after := &p.original, &p.stored
	if before.StateInstance != after.StateInstance && after.StateInstance != "" {
		log.Info("State changed", "state", after.StateInstance, "previousState", before.StateInstance)
	}
	if len(drift) > 0 {
		log.Info("Drift detected", "settings", drift)
	}
	tellApply(log, before.Apply, after.Apply)
	if given := abandoned(before.Abandoned, after.Abandoned); given != nil {
		for _, reason := range slices.Sorted(maps.Keys(given)) {
			log.Info("Settings abandoned", "reason", reason, "settings", given[reason])
		}
	}
	if counted := p.reboot.counted; counted != nil {
		log.Info("Rebooted", "reason", counted.reason)
	}
	tellCredentials(log, before, after)
	tellStalled(log, before, after)
}

// tellApply tells what became of a setSettings.
func tellApply(log logr.Logger, before, after *v1alpha1.ApplyRecord) {
	if after == nil || after.SameCall(before) && before.Outcome == after.Outcome {
		return
	}
	message := ""
	switch after.Outcome {
	case v1alpha1.OutcomeSettling:
		message = "Settings written"
	case v1alpha1.OutcomeConfirmed:
		message = "Settings confirmed"
	case v1alpha1.OutcomeNotPersisted:
		message = "Settings not kept"
	case v1alpha1.OutcomeRejected:
		message = "Settings rejected"
	case v1alpha1.OutcomePending:
		message = "Settings sent, outcome not known"
	case v1alpha1.OutcomeNotSent:
		// It is tried again by itself, and costs nothing.
		log, message = log.V(logDecisions), "Settings not sent"
	}
	var names []string
	for _, s := range after.Settings {
		names = append(names, s.Setting)
	}
	log.Info(message, "settings", names, "reason", after.Reason, "attempt", after.Attempt)
}

// abandoned are the settings that were given up just now, by reason.
func abandoned(before, after []v1alpha1.AbandonedSetting) map[v1alpha1.AbandonReason][]string {
	var found map[v1alpha1.AbandonReason][]string
	for _, entry := range after {
		if wasAbandoned(before, entry) {
			continue
		}
		if found == nil {
			found = map[v1alpha1.AbandonReason][]string{}
		}
		found[entry.Reason] = append(found[entry.Reason], entry.Setting)
	}
	return found
}

// tellCredentials tells that the API token is not accepted, for another reason than before, and that it is again.
func tellCredentials(log logr.Logger, before, after *v1alpha1.InstanceStatus) {
	old := apimeta.FindStatusCondition(before.Conditions, v1alpha1.CredentialsValidCondition)
	now := apimeta.FindStatusCondition(after.Conditions, v1alpha1.CredentialsValidCondition)
	switch wasBad := old != nil && old.Status == metav1.ConditionFalse; {
	case now == nil:
	case now.Status == metav1.ConditionFalse && (!wasBad || old.Reason != now.Reason):
		log.Info("Credentials rejected", "reason", now.Reason)
	case now.Status == metav1.ConditionTrue && wasBad:
		log.Info("Credentials accepted")
	}
}

// tellStalled tells that a person has to act, and that nobody has to any more.
func tellStalled(log logr.Logger, before, after *v1alpha1.InstanceStatus) {
	old := apimeta.FindStatusCondition(before.Conditions, v1alpha1.StalledCondition)
	now := apimeta.FindStatusCondition(after.Conditions, v1alpha1.StalledCondition)
	switch {
	case now != nil && (old == nil || old.Reason != now.Reason):
		log.Info("Stalled", "reason", now.Reason, "message", now.Message)
	case now == nil && old != nil:
		log.Info("No longer stalled", "reason", old.Reason)
	}
}

// logIntent tells of a setSettings that is about to be made.
func logIntent(ctx context.Context, settings []string, record *v1alpha1.ApplyRecord) {
	if log, ok := logAt(ctx, logDecisions); ok {
		log.Info("Writing settings", "settings", settings, "reason", record.Reason, "attempt", record.Attempt)
	}
}

// logReboot tells of a reboot that is about to be made.
func logReboot(ctx context.Context, reason plan.RebootReason) {
	if log, ok := logAt(ctx, logDecisions); ok {
		log.Info("Rebooting", "reason", reason)
	}
}

// logUnknown tells that a call broke off.
func logUnknown(ctx context.Context, err error) {
	if log, ok := logAt(ctx, logDecisions); ok {
		log.Info("The outcome of the call is not known", "cause", err.Error())
	}
}

// logPass tells what a pass waits for, and how it went.
func (r *Reconciler) logPass(ctx context.Context, p *pass, next time.Duration) {
	if log, ok := logAt(ctx, logDecisions); ok && p.end != nil {
		log.Info("The pass ended early", "cause", p.end.Error(), "next", next.String())
	}
	if log, ok := logAt(ctx, logCalls); ok {
		log.Info("Pass finished", "state", p.looked.State, "settings", p.looked.Settings, "account", p.looked.Account,
			"took", r.Clock.Since(p.now).String(), "next", next.String())
	}
}

// logCall tells of a call to the vendor. The client's errors hold no secret (R24).
func (r *Reconciler) logCall(ctx context.Context, method string, begun time.Time, err error) {
	log, ok := logAt(ctx, logCalls)
	if !ok {
		return
	}
	if err != nil {
		log.Info("Called", "method", method, "took", r.Clock.Since(begun).String(), "cause", err.Error())
		return
	}
	log.Info("Called", "method", method, "took", r.Clock.Since(begun).String())
}
