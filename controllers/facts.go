// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/states"
)

// fact is one thing that a pass changed: a line of the log, an event, or both. It names settings, never values.
type fact struct {
	line  logLine
	event notice
}

// logLine is what the log says of a fact; without a message it says nothing.
type logLine struct {
	message string
	values  []any
	level   int
}

// notice is the event about a fact; without a reason there is none.
type notice struct{ eventType, reason, action, note string }

func normalEvent(reason, action, note string) notice {
	return notice{corev1.EventTypeNormal, reason, action, note}
}

func warningEvent(reason, action, note string) notice {
	return notice{corev1.EventTypeWarning, reason, action, note}
}

func logged(message string, values ...any) logLine { return logLine{message: message, values: values} }

// facts are what a pass changed, in the order in which the log and events tell of it.
func (p *pass) facts() []fact {
	before, after, counted := &p.original, &p.stored, p.reboot.counted
	var list []fact
	if old, now := before.StateInstance, after.StateInstance; old != now && now != "" {
		list = append(list, fact{logged("State changed", "state", now, "previousState", old), stateNotice(old, now)})
	}
	list = append(list, p.flapFacts()...)
	if drift := p.drift(); len(drift) > 0 {
		list = append(list, fact{logged("Drift detected", "settings", drift),
			normalEvent("DriftDetected", "Observe", "The vendor shows other values without a change of the spec: "+strings.Join(drift, ", "))})
	}
	list = append(list, applyFacts(before.Apply, after.Apply)...)
	list = append(list, rotationFacts(before.APITokenRotation, after.APITokenRotation)...)
	list = append(list, abandonedFacts(before.Abandoned, after.Abandoned)...)
	if counted != nil {
		list = append(list, fact{line: logged("Rebooted", "reason", counted.reason)})
	}
	list = append(list, credentialsFacts(before, after)...)
	list = append(list, stalledFacts(before, after)...)
	if unhealthy(before) && apimeta.IsStatusConditionTrue(after.Conditions, v1alpha1.ReadyCondition) {
		list = append(list, fact{event: normalEvent("Recovered", "Observe", "The instance is in order again")})
	}
	if counted != nil {
		// The log tells of a reboot before the conditions, events after them.
		list = append(list, fact{event: normalEvent("RebootRequested", "Reboot", fmt.Sprintf("Rebooted the instance (%s)", counted.reason))})
	}
	if p.reboot.news {
		list = append(list, fact{event: warningEvent(v1alpha1.ReasonStuckStarting, "Observe", "The instance has been starting for too long")})
	}
	return list
}

// drift returns the settings that differ without a change and did not differ before this pass.
func (p *pass) drift() []string {
	if p.decision == nil {
		return nil
	}
	known := map[string]bool{}
	for _, pending := range p.original.PendingChanges {
		known[pending.Setting] = true
	}
	var names []string
	for _, name := range p.decision.Drift {
		if !known[name] {
			names = append(names, name)
		}
	}
	return names
}

// stateNotice is a warning where a change of state is bad news. The restarts in between are not.
func stateNotice(old, now string) notice {
	note := fmt.Sprintf("The state is now %s", now)
	if old != "" {
		note = fmt.Sprintf("The state changed from %s to %s", old, now)
	}
	if alarm := states.Of(now).Alarm; alarm == states.AlarmAlways || alarm == states.AlarmAfterAuthorized && old == states.Authorized {
		return warningEvent("StateChanged", "Observe", note)
	}
	return normalEvent("StateChanged", "Observe", note)
}

// applyFacts are what became of a setSettings.
func applyFacts(before, after *v1alpha1.ApplyRecord) []fact {
	if after == nil || after.SameCall(before) && before.Outcome == after.Outcome {
		return nil
	}
	var names []string
	for _, s := range after.Settings {
		names = append(names, s.Setting)
	}
	var (
		message, settings = "", strings.Join(names, ", ")
		level             int
		event             notice
	)
	switch after.Outcome {
	case v1alpha1.OutcomeSettling:
		message = "Settings written"
		event = normalEvent("SettingsApplied", "Apply", fmt.Sprintf("Wrote settings (%s), which restarts the instance: %s", after.Reason, settings))
	case v1alpha1.OutcomeConfirmed:
		message = "Settings confirmed"
		event = normalEvent("SettingsConfirmed", "Verify", "The settings are in effect: "+settings)
	case v1alpha1.OutcomeNotPersisted:
		message = "Settings not kept"
		event = warningEvent(v1alpha1.ReasonSettingsNotPersisted, "Verify", "The vendor kept other values than were written: "+settings)
	case v1alpha1.OutcomeRejected:
		message = "Settings rejected"
		event = warningEvent(v1alpha1.ReasonSettingsRejected, "Apply", "The vendor refused the settings: "+settings)
	case v1alpha1.OutcomePending:
		message = "Settings sent, outcome not known"
	case v1alpha1.OutcomeNotSent:
		// It is tried again by itself, and costs nothing.
		message, level = "Settings not sent", logDecisions
	}
	return []fact{{logLine{message, []any{"settings", names, "reason", after.Reason, "attempt", after.Attempt}, level}, event}}
}

// abandonedFacts are the settings that were given up just now, by reason.
func abandonedFacts(before, after []v1alpha1.AbandonedSetting) []fact {
	var given map[v1alpha1.AbandonReason][]string
	for _, entry := range after {
		if slices.ContainsFunc(before, func(old v1alpha1.AbandonedSetting) bool {
			return old.Setting == entry.Setting && old.Reason == entry.Reason && old.Count == entry.Count
		}) {
			continue
		}
		if given == nil {
			given = map[v1alpha1.AbandonReason][]string{}
		}
		given[entry.Reason] = append(given[entry.Reason], entry.Setting)
	}
	if given == nil {
		return nil
	}
	var list []fact
	for _, reason := range slices.Sorted(maps.Keys(given)) {
		told := fact{line: logged("Settings abandoned", "reason", reason, "settings", given[reason])}
		if reason == v1alpha1.AbandonFlapping {
			// One for all: of events of one reason about one version of a resource only the first is stored.
			told.event = warningEvent(v1alpha1.ReasonDriftFlapping, "Abandon", "Something else keeps changing these settings back, so they are no longer written: "+strings.Join(given[reason], ", "))
		}
		list = append(list, told)
	}
	return list
}

// credentialsFacts: the API token is not accepted, for another reason than before, or it is again.
func credentialsFacts(before, after *v1alpha1.InstanceStatus) []fact {
	old := apimeta.FindStatusCondition(before.Conditions, v1alpha1.CredentialsValidCondition)
	now := apimeta.FindStatusCondition(after.Conditions, v1alpha1.CredentialsValidCondition)
	switch wasBad := old != nil && old.Status == metav1.ConditionFalse; {
	case now == nil:
	case now.Status == metav1.ConditionFalse && (!wasBad || old.Reason != now.Reason):
		told := fact{line: logged("Credentials rejected", "reason", now.Reason)}
		switch now.Reason {
		case v1alpha1.ReasonUnauthorized, v1alpha1.ReasonInstanceNotFound, v1alpha1.ReasonTokenMalformed:
			told.event = warningEvent("CredentialsRejected", "Observe", now.Message)
		case v1alpha1.ReasonEndpointNotAllowed:
			told.event = warningEvent(v1alpha1.ReasonEndpointNotAllowed, "Resolve", now.Message)
		}
		return []fact{told}
	case now.Status == metav1.ConditionTrue && wasBad:
		return []fact{{logged("Credentials accepted"), normalEvent("CredentialsAccepted", "Observe", "The vendor accepted the API token again")}}
	}
	return nil
}

// stalledFacts: a person has to act, or nobody has to any more.
func stalledFacts(before, after *v1alpha1.InstanceStatus) []fact {
	old := apimeta.FindStatusCondition(before.Conditions, v1alpha1.StalledCondition)
	now := apimeta.FindStatusCondition(after.Conditions, v1alpha1.StalledCondition)
	switch {
	case now != nil && (old == nil || old.Reason != now.Reason):
		told := fact{line: logged("Stalled", "reason", now.Reason, "message", now.Message)}
		if now.Reason == v1alpha1.ReasonDuplicateInstance {
			told.event = warningEvent(v1alpha1.ReasonDuplicateInstance, "Resolve", now.Message)
		}
		return []fact{told}
	case now == nil && old != nil:
		return []fact{{line: logged("No longer stalled", "reason", old.Reason)}}
	}
	return nil
}

// unhealthy reports whether a status says that the instance is not in order, or waits for a person.
func unhealthy(s *v1alpha1.InstanceStatus) bool {
	return apimeta.IsStatusConditionFalse(s.Conditions, v1alpha1.ReadyCondition) || apimeta.IsStatusConditionTrue(s.Conditions, v1alpha1.StalledCondition)
}
