// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"go.uber.org/zap/zapcore"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
	"github.com/greenapi-operator/greenapi-operator/internal/states"
)

// recordedEvents are the events that were made, each as "type reason action: note".
type recordedEvents []string

// Eventf is part of events.EventRecorder.
func (e *recordedEvents) Eventf(_, _ runtime.Object, eventType, reason, action, note string, args ...any) {
	*e = append(*e, eventType+" "+reason+" "+action+": "+fmt.Sprintf(note, args...))
}

// toldOf returns the lines of the log, "level message {values}" with debug for level 1, and the events about a pass.
func toldOf(p *pass) (lines, events []string) {
	var text bytes.Buffer
	log := zap.New(zap.WriteTo(&text), zap.Level(zapcore.Level(-logCalls)), zap.Encoder(zapcore.NewConsoleEncoder(zapcore.EncoderConfig{
		MessageKey: "msg", LevelKey: "level", EncodeLevel: zapcore.LowercaseLevelEncoder, ConsoleSeparator: " ",
	})))
	facts, made := p.facts(), recordedEvents{}
	logFacts(logr.NewContext(context.Background(), log), facts)
	(&Reconciler{Shared: &Shared{Recorder: &made}}).recordEvents(p, facts)
	for line := range strings.Lines(text.String()) {
		lines = append(lines, strings.TrimSpace(line))
	}
	return lines, made
}

// changeOf is a pass that found a status and stored another one.
func changeOf(before, after v1alpha1.InstanceStatus) *pass {
	return &pass{original: before, stored: after}
}

// inState is a status with nothing but a state.
func inState(word string) v1alpha1.InstanceStatus {
	return v1alpha1.InstanceStatus{StateInstance: word}
}

// withCondition is a status with nothing but a condition.
func withCondition(name string, status metav1.ConditionStatus, reason, message string) v1alpha1.InstanceStatus {
	return v1alpha1.InstanceStatus{Conditions: []metav1.Condition{{Type: name, Status: status, Reason: reason, Message: message}}}
}

func withCredentials(status metav1.ConditionStatus, reason string) v1alpha1.InstanceStatus {
	return withCondition(v1alpha1.CredentialsValidCondition, status, reason, "About the token")
}

func withReady(status metav1.ConditionStatus) v1alpha1.InstanceStatus {
	return withCondition(v1alpha1.ReadyCondition, status, v1alpha1.ReasonProgressing, "About all of it")
}

func withStalled(reason string) v1alpha1.InstanceStatus {
	return withCondition(v1alpha1.StalledCondition, metav1.ConditionTrue, reason, "Act")
}

// withRecord is a status with nothing but the record of the second attempt at two settings.
func withRecord(outcome v1alpha1.ApplyOutcome) v1alpha1.InstanceStatus {
	return v1alpha1.InstanceStatus{Apply: &v1alpha1.ApplyRecord{Outcome: outcome, Reason: v1alpha1.ApplyDrift, Attempt: 2,
		Settings: []v1alpha1.AppliedSetting{{Setting: "one"}, {Setting: "two"}}}}
}

// withAbandoned is a status with nothing but settings that were abandoned, each as "reason setting", so many times.
func withAbandoned(count int32, entries ...string) (status v1alpha1.InstanceStatus) {
	for _, entry := range entries {
		reason, setting, _ := strings.Cut(entry, " ")
		status.Abandoned = append(status.Abandoned, v1alpha1.AbandonedSetting{Setting: setting, Reason: v1alpha1.AbandonReason(reason), Count: count})
	}
	return status
}

// TestEachFactIsLoggedAndAnEvent: what a pass changed makes these lines of the log and these events; "" is none.
func TestEachFactIsLoggedAndAnEvent(t *testing.T) {
	t.Parallel()
	nothing := v1alpha1.InstanceStatus{}
	later := withRecord(v1alpha1.OutcomeConfirmed)
	later.Apply.StartedTime = metav1.NewMicroTime(time.Unix(1, 0))
	const pair = `{"settings": ["one", "two"], "reason": "Drift", "attempt": 2}`
	for name, test := range map[string]struct {
		before, after v1alpha1.InstanceStatus
		line, event   string
	}{
		"no change":           {inState(states.Authorized), inState(states.Authorized), "", ""},
		"the first state":     {nothing, inState(states.Authorized), `info State changed {"state": "authorized", "previousState": ""}`, "Normal StateChanged Observe: The state is now authorized"},
		"a restart":           {inState(states.Authorized), inState(states.Starting), `info State changed {"state": "starting", "previousState": "authorized"}`, "Normal StateChanged Observe: The state changed from authorized to starting"},
		"logged out":          {inState(states.Authorized), inState(states.NotAuthorized), `info State changed {"state": "notAuthorized", "previousState": "authorized"}`, "Warning StateChanged Observe: The state changed from authorized to notAuthorized"},
		"not yet logged in":   {inState(states.Starting), inState(states.NotAuthorized), `info State changed {"state": "notAuthorized", "previousState": "starting"}`, "Normal StateChanged Observe: The state changed from starting to notAuthorized"},
		"blocked":             {inState(states.Starting), inState(states.Blocked), `info State changed {"state": "blocked", "previousState": "starting"}`, "Warning StateChanged Observe: The state changed from starting to blocked"},
		"no state any more":   {inState(states.Authorized), nothing, "", ""},
		"sent":                {nothing, withRecord(v1alpha1.OutcomePending), "info Settings sent, outcome not known " + pair, ""},
		"written":             {withRecord(v1alpha1.OutcomePending), withRecord(v1alpha1.OutcomeSettling), "info Settings written " + pair, "Normal SettingsApplied Apply: Wrote settings (Drift), which restarts the instance: one, two"},
		"confirmed":           {withRecord(v1alpha1.OutcomeSettling), withRecord(v1alpha1.OutcomeConfirmed), "info Settings confirmed " + pair, "Normal SettingsConfirmed Verify: The settings are in effect: one, two"},
		"not kept":            {withRecord(v1alpha1.OutcomeSettling), withRecord(v1alpha1.OutcomeNotPersisted), "info Settings not kept " + pair, "Warning SettingsNotPersisted Verify: The vendor kept other values than were written: one, two"},
		"rejected":            {withRecord(v1alpha1.OutcomePending), withRecord(v1alpha1.OutcomeRejected), "info Settings rejected " + pair, "Warning SettingsRejected Apply: The vendor refused the settings: one, two"},
		"not sent":            {withRecord(v1alpha1.OutcomePending), withRecord(v1alpha1.OutcomeNotSent), "debug Settings not sent " + pair, ""},
		"another call":        {withRecord(v1alpha1.OutcomeConfirmed), later, "info Settings confirmed " + pair, "Normal SettingsConfirmed Verify: The settings are in effect: one, two"},
		"the same outcome":    {withRecord(v1alpha1.OutcomeSettling), withRecord(v1alpha1.OutcomeSettling), "", ""},
		"flapping":            {withAbandoned(1, "DriftFlapping two"), withAbandoned(1, "DriftFlapping one", "DriftFlapping two", "DriftFlapping three"), `info Settings abandoned {"reason": "DriftFlapping", "settings": ["one", "three"]}`, "Warning DriftFlapping Abandon: Something else keeps changing these settings back, so they are no longer written: one, three"},
		"flapping once more":  {withAbandoned(1, "DriftFlapping one"), withAbandoned(2, "DriftFlapping one"), `info Settings abandoned {"reason": "DriftFlapping", "settings": ["one"]}`, "Warning DriftFlapping Abandon: Something else keeps changing these settings back, so they are no longer written: one"},
		"not supported":       {nothing, withAbandoned(1, "SettingNotSupported one"), `info Settings abandoned {"reason": "SettingNotSupported", "settings": ["one"]}`, ""},
		"tried again":         {withAbandoned(1, "DriftFlapping one"), nothing, "", ""},
		"refused":             {nothing, withCredentials(metav1.ConditionFalse, v1alpha1.ReasonUnauthorized), `info Credentials rejected {"reason": "Unauthorized"}`, "Warning CredentialsRejected Observe: About the token"},
		"no such instance":    {withCredentials(metav1.ConditionFalse, v1alpha1.ReasonUnauthorized), withCredentials(metav1.ConditionFalse, v1alpha1.ReasonInstanceNotFound), `info Credentials rejected {"reason": "InstanceNotFound"}`, "Warning CredentialsRejected Observe: About the token"},
		"malformed":           {withCredentials(metav1.ConditionUnknown, v1alpha1.ReasonNotObserved), withCredentials(metav1.ConditionFalse, v1alpha1.ReasonTokenMalformed), `info Credentials rejected {"reason": "TokenMalformed"}`, "Warning CredentialsRejected Observe: About the token"},
		"no Secret":           {nothing, withCredentials(metav1.ConditionFalse, v1alpha1.ReasonSecretNotFound), `info Credentials rejected {"reason": "SecretNotFound"}`, ""},
		"another host":        {withCredentials(metav1.ConditionTrue, v1alpha1.ReasonTokenAccepted), withCredentials(metav1.ConditionFalse, v1alpha1.ReasonEndpointNotAllowed), `info Credentials rejected {"reason": "EndpointNotAllowed"}`, "Warning EndpointNotAllowed Resolve: About the token"},
		"refused as before":   {withCredentials(metav1.ConditionFalse, v1alpha1.ReasonUnauthorized), withCredentials(metav1.ConditionFalse, v1alpha1.ReasonUnauthorized), "", ""},
		"accepted":            {withCredentials(metav1.ConditionUnknown, v1alpha1.ReasonNotObserved), withCredentials(metav1.ConditionTrue, v1alpha1.ReasonTokenAccepted), "", ""},
		"accepted again":      {withCredentials(metav1.ConditionFalse, v1alpha1.ReasonUnauthorized), withCredentials(metav1.ConditionTrue, v1alpha1.ReasonTokenAccepted), "info Credentials accepted", "Normal CredentialsAccepted Observe: The vendor accepted the API token again"},
		"stalled":             {nothing, withStalled(v1alpha1.ReasonSettingsRejected), `info Stalled {"reason": "SettingsRejected", "message": "Act"}`, ""},
		"a duplicate":         {withStalled(v1alpha1.ReasonSettingsRejected), withStalled(v1alpha1.ReasonDuplicateInstance), `info Stalled {"reason": "DuplicateInstance", "message": "Act"}`, "Warning DuplicateInstance Resolve: Act"},
		"stalled as before":   {withStalled(v1alpha1.ReasonDuplicateInstance), withStalled(v1alpha1.ReasonDuplicateInstance), "", ""},
		"no longer stalled":   {withStalled(v1alpha1.ReasonDuplicateInstance), nothing, `info No longer stalled {"reason": "DuplicateInstance"}`, ""},
		"recovered":           {withReady(metav1.ConditionFalse), withReady(metav1.ConditionTrue), "", "Normal Recovered Observe: The instance is in order again"},
		"nobody has to act":   {withStalled(v1alpha1.ReasonUnauthorized), withReady(metav1.ConditionTrue), `info No longer stalled {"reason": "Unauthorized"}`, "Normal Recovered Observe: The instance is in order again"},
		"ready, and was not":  {withReady(metav1.ConditionUnknown), withReady(metav1.ConditionTrue), "", ""},
		"in order, as before": {withReady(metav1.ConditionTrue), withReady(metav1.ConditionTrue), "", ""},
	} {
		lines, events := toldOf(changeOf(test.before, test.after))
		if got := strings.Join(lines, "\n"); got != test.line {
			t.Errorf("%s: the log has\n%s\nwant\n%s", name, got, test.line)
		}
		if got := strings.Join(events, "\n"); got != test.event {
			t.Errorf("%s: the events are\n%s\nwant\n%s", name, got, test.event)
		}
	}
}

// TestFactsAreToldInOrder: also those that a status does not show by itself, drift and reboots. A reboot is logged before the
// conditions, and is an event after them.
func TestFactsAreToldInOrder(t *testing.T) {
	t.Parallel()
	before, after := inState(states.Authorized), inState(states.Starting)
	before.PendingChanges = []v1alpha1.PendingChange{{Setting: "known"}}
	after.Apply, after.Abandoned = withRecord(v1alpha1.OutcomeSettling).Apply, withAbandoned(1, "SettingsRejected five", "DriftFlapping four").Abandoned
	before.Conditions = slices.Concat(withCredentials(metav1.ConditionFalse, v1alpha1.ReasonUnauthorized).Conditions, withStalled(v1alpha1.ReasonUnauthorized).Conditions)
	after.Conditions = slices.Concat(withCredentials(metav1.ConditionTrue, v1alpha1.ReasonTokenAccepted).Conditions, withReady(metav1.ConditionTrue).Conditions)
	p := changeOf(before, after)
	p.decision = &plan.Decision{Drift: []string{"known", "one", "two"}}
	p.reboot = reboot{counted: &countedReboot{reason: plan.RebootRequested}, news: true}
	lines, events := toldOf(p)
	if want := []string{
		`info State changed {"state": "starting", "previousState": "authorized"}`,
		`info Drift detected {"settings": ["one", "two"]}`,
		`info Settings written {"settings": ["one", "two"], "reason": "Drift", "attempt": 2}`,
		`info Settings abandoned {"reason": "DriftFlapping", "settings": ["four"]}`,
		`info Settings abandoned {"reason": "SettingsRejected", "settings": ["five"]}`,
		`info Rebooted {"reason": "RebootRequested"}`,
		`info Credentials accepted`,
		`info No longer stalled {"reason": "Unauthorized"}`,
	}; !slices.Equal(lines, want) {
		t.Errorf("the log has\n%s", strings.Join(lines, "\n"))
	}
	if want := []string{
		"Normal StateChanged Observe: The state changed from authorized to starting",
		"Normal DriftDetected Observe: The vendor shows other values without a change of the spec: one, two",
		"Normal SettingsApplied Apply: Wrote settings (Drift), which restarts the instance: one, two",
		"Warning DriftFlapping Abandon: Something else keeps changing these settings back, so they are no longer written: four",
		"Normal CredentialsAccepted Observe: The vendor accepted the API token again",
		"Normal Recovered Observe: The instance is in order again",
		"Normal RebootRequested Reboot: Rebooted the instance (RebootRequested)",
		"Warning StuckStarting Observe: The instance has been starting for too long",
	}; !slices.Equal(events, want) {
		t.Errorf("the events are\n%s", strings.Join(events, "\n"))
	}
}
