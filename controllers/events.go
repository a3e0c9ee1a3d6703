// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/states"
)

// notice is an event to be.
type notice struct {
	warning              bool
	reason, action, note string
}

func (n notice) kind() string {
	if n.warning {
		return corev1.EventTypeWarning
	}
	return corev1.EventTypeNormal
}

// publish tells of what a pass changed, once it is stored: in events, in the log and in metrics.
func (r *Reconciler) publish(ctx context.Context, p *pass) {
	drift := p.drift()
	tell(ctx, p, drift)
	list := notices(&p.original, &p.stored, drift)
	if counted := p.reboot.counted; counted != nil {
		list = append(list, notice{false, "RebootRequested", "Reboot", fmt.Sprintf("Rebooted the instance (%s)", counted.reason)})
	}
	if p.reboot.news {
		p.memory.stuckTold = true
		list = append(list, notice{true, v1alpha1.ReasonStuckStarting, "Observe", "The instance has been starting for too long"})
	}
	for _, n := range list {
		r.Recorder.Eventf(p.instance, nil, n.kind(), n.reason, n.action, "%s", cut(n.note))
	}
	r.Metrics.count(r.Kind.Name, p)
}

// maxNote is how many bytes the note of an event may have; the API server refuses a longer one.
const maxNote = 1024

// cut makes a note fit that names very many settings.
func cut(note string) string {
	const more = " …"
	if len(note) <= maxNote {
		return note
	}
	return strings.ToValidUTF8(note[:maxNote-len(more)], "") + more
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

// notices are the events that follow from a change of status. They name settings, never values.
func notices(before, after *v1alpha1.InstanceStatus, drift []string) []notice {
	var list []notice
	if before.StateInstance != after.StateInstance && after.StateInstance != "" {
		note := fmt.Sprintf("The state is now %s", after.StateInstance)
		if before.StateInstance != "" {
			note = fmt.Sprintf("The state changed from %s to %s", before.StateInstance, after.StateInstance)
		}
		list = append(list, notice{alarming(before.StateInstance, after.StateInstance), "StateChanged", "Observe", note})
	}
	if len(drift) > 0 {
		list = append(list, notice{false, "DriftDetected", "Observe", "The vendor shows other values without a change of the spec: " + strings.Join(drift, ", ")})
	}
	list = append(list, applyNotices(before.Apply, after.Apply)...)
	var flapping []string
	for _, entry := range after.Abandoned {
		if entry.Reason == v1alpha1.AbandonFlapping && !wasAbandoned(before.Abandoned, entry) {
			flapping = append(flapping, entry.Setting)
		}
	}
	if len(flapping) > 0 {
		// One for all: of events of one reason about one version of a resource only the first is stored.
		list = append(list, notice{true, v1alpha1.ReasonDriftFlapping, "Abandon", "Something else keeps changing these settings back, so they are no longer written: " + strings.Join(flapping, ", ")})
	}
	list = append(list, conditionNotices(before, after)...)
	return append(list, recoveries(before, after)...)
}

// recoveries tell that what was told before is over: of a token that was refused, and of an instance that failed or waited
// for a person.
func recoveries(before, after *v1alpha1.InstanceStatus) []notice {
	is := func(s *v1alpha1.InstanceStatus, condition string, status metav1.ConditionStatus) bool {
		return apimeta.IsStatusConditionPresentAndEqual(s.Conditions, condition, status)
	}
	var list []notice
	if is(before, v1alpha1.CredentialsValidCondition, metav1.ConditionFalse) && is(after, v1alpha1.CredentialsValidCondition, metav1.ConditionTrue) {
		list = append(list, notice{false, "CredentialsAccepted", "Observe", "The vendor accepted the API token again"})
	}
	failed := is(before, v1alpha1.ReadyCondition, metav1.ConditionFalse) || is(before, v1alpha1.StalledCondition, metav1.ConditionTrue)
	if failed && is(after, v1alpha1.ReadyCondition, metav1.ConditionTrue) {
		list = append(list, notice{false, "Recovered", "Observe", "The instance is in order again"})
	}
	return list
}

// alarming reports whether a change of state is bad news. The restarts in between are not.
func alarming(before, after string) bool {
	switch states.Of(after).Alarm {
	case states.AlarmAlways:
		return true
	case states.AlarmAfterAuthorized:
		return before == states.Authorized
	default:
		return false
	}
}

func wasAbandoned(list []v1alpha1.AbandonedSetting, entry v1alpha1.AbandonedSetting) bool {
	for _, old := range list {
		if old.Setting == entry.Setting && old.Reason == entry.Reason && old.Count == entry.Count {
			return true
		}
	}
	return false
}

// applyNotices tell of a record that moved on.
func applyNotices(before, after *v1alpha1.ApplyRecord) []notice {
	if after == nil || after.SameCall(before) && before.Outcome == after.Outcome {
		return nil
	}
	var names []string
	for _, s := range after.Settings {
		names = append(names, s.Setting)
	}
	settings := strings.Join(names, ", ")
	switch after.Outcome {
	case v1alpha1.OutcomeSettling:
		return []notice{{false, "SettingsApplied", "Apply", fmt.Sprintf("Wrote settings (%s), which restarts the instance: %s", after.Reason, settings)}}
	case v1alpha1.OutcomeConfirmed:
		return []notice{{false, "SettingsConfirmed", "Verify", "The settings are in effect: " + settings}}
	case v1alpha1.OutcomeNotPersisted:
		return []notice{{true, v1alpha1.ReasonSettingsNotPersisted, "Verify", "The vendor kept other values than were written: " + settings}}
	case v1alpha1.OutcomeRejected:
		return []notice{{true, v1alpha1.ReasonSettingsRejected, "Apply", "The vendor refused the settings: " + settings}}
	case v1alpha1.OutcomePending, v1alpha1.OutcomeNotSent:
	}
	return nil
}

// conditionNotices tell of conditions that turned bad.
func conditionNotices(before, after *v1alpha1.InstanceStatus) []notice {
	var list []notice
	turned := func(condition, reason string) *string {
		now := apimeta.FindStatusCondition(after.Conditions, condition)
		old := apimeta.FindStatusCondition(before.Conditions, condition)
		if now == nil || now.Reason != reason || old != nil && old.Reason == reason {
			return nil
		}
		return &now.Message
	}
	for _, reason := range []string{v1alpha1.ReasonUnauthorized, v1alpha1.ReasonInstanceNotFound, v1alpha1.ReasonTokenMalformed} {
		if message := turned(v1alpha1.CredentialsValidCondition, reason); message != nil {
			list = append(list, notice{true, "CredentialsRejected", "Observe", *message})
		}
	}
	if message := turned(v1alpha1.CredentialsValidCondition, v1alpha1.ReasonEndpointNotAllowed); message != nil {
		list = append(list, notice{true, v1alpha1.ReasonEndpointNotAllowed, "Resolve", *message})
	}
	if message := turned(v1alpha1.StalledCondition, v1alpha1.ReasonDuplicateInstance); message != nil {
		list = append(list, notice{true, v1alpha1.ReasonDuplicateInstance, "Resolve", *message})
	}
	return list
}
