// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/yaml"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

func TestEventsTellTheStoryInOrderAndOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	bad := d.craft("bad", 1, flapping)
	other := d.craft("other", 2, written)
	d.event(bad, 11*time.Second, "StateChanged", "The state is now authorized")
	d.event(bad, 16*time.Second, "SettingsApplied", "Wrote settings (SpecChange), which restarts the instance: incomingWebhook, webhookUrl")
	d.event(bad, 21*time.Second, "SettingsConfirmed", "The settings are in effect: incomingWebhook, webhookUrl")
	d.event(bad, time.Hour, "DriftFlapping", "Something else keeps changing these settings back, so they are no longer written: incomingWebhook")
	d.event(other, 11*time.Second, "StateChanged", "This is about another one")
	now := later(bad, 65*time.Minute)
	story := d.run(now, "events", "bad")
	d.Expect(story.code).To(Equal(exitDone), story.err)
	golden(t, "events", story.out)
	d.Expect(story.err).To(ContainSubstring("Events older than an hour are no longer kept"))
	d.Expect(d.run(later(bad, 59*time.Minute), "events", "bad").err).To(BeEmpty())
	d.Expect(d.run(now, "events", "bad", "--timestamps").out).To(ContainSubstring(
		"\n" + bad.CreationTimestamp.Add(11*time.Second).UTC().Format(time.RFC3339) + "   event/StateChanged"))
}

func TestEventsAsJSONAndYAMLAreAListOfHappenings(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	good := d.craft("good", 1, written)
	var fromJSON, fromYAML []map[string]string
	d.Expect(json.Unmarshal([]byte(d.kubectl("events", "good", "-o", "json").out), &fromJSON)).To(Succeed())
	d.Expect(yaml.Unmarshal([]byte(d.kubectl("events", "wai/good", "-o", "yaml").out), &fromYAML)).To(Succeed())
	d.Expect(fromYAML).To(Equal(fromJSON))
	d.Expect(fromJSON[0]).To(Equal(map[string]string{"time": good.CreationTimestamp.UTC().Format(time.RFC3339), "source": "resource", "reason": "Created", "message": "The resource was created"}))
	for _, h := range fromJSON {
		d.Expect(sources).To(ContainElement(h["source"]))
	}
	wrong := d.kubectl("events", "good", "-o", "wide")
	d.Expect(wrong).To(Equal(result{code: exitFailed, err: "error: --output \"wide\" is not known\n  Write -o json or -o yaml\n"}))
	for _, arguments := range [][]string{{"events"}, {"events", "a", "b"}} {
		d.Expect(d.kubectl(arguments...).err).To(ContainSubstring("Write kubectl greenapi events NAME"))
	}
}

func TestWithoutEventsTheStatusStillTellsTheStory(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.craft("bad", 1, flapping)
	d.asUser("viewer", viewer)
	told := d.kubectl("events", "bad")
	d.Expect(told.code).To(Equal(exitDone))
	d.Expect(told.err).To(HavePrefix("warning: you may not list events, so this is only what the status tells"))
	d.Expect(told.out).To(And(ContainSubstring("write/SpecChange"), ContainSubstring("write/Confirmed"), ContainSubstring("restart/Drift"), ContainSubstring("abandoned/DriftFlapping")))
	d.asUser("nobody")
	refused := d.kubectl("events", "bad")
	d.Expect(refused.code).To(Equal(exitFailed))
	d.Expect(refused.err).To(ContainSubstring("bad: you may not do this\n  Ask whoever runs the cluster for this right"))
}

func TestTheSameThingIsToldOnce(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	base := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	at := func(after time.Duration) metav1.Time { return metav1.NewTime(base.Add(after)) }
	instance := &v1alpha1.WhatsAppInstance{ObjectMeta: metav1.ObjectMeta{CreationTimestamp: at(0)}}
	s := &instance.Status
	s.Restarts = &v1alpha1.Restarts{Total: 2, LastTime: new(at(time.Minute)), LastReason: "StuckStarting", RecentReboots: []metav1.Time{at(time.Minute)}}
	tell := func() []string {
		var reasons []string
		for _, h := range historyOf(instance, nil) {
			reasons = append(reasons, h.Source+"/"+h.Reason)
		}
		return reasons
	}
	g.Expect(tell()).To(HaveLen(3), "a source does not silence itself")
	s.Restarts.LastReason = "SpecChange"
	s.Apply = &v1alpha1.ApplyRecord{StartedTime: metav1.NewMicroTime(at(time.Minute).Time), Reason: v1alpha1.ApplySpecChange, Outcome: v1alpha1.OutcomePending}
	g.Expect(tell()).To(ConsistOf("resource/Created", "restart/Reboot", "write/SpecChange"))
	s.Restarts.LastTime = new(at(2 * time.Minute))
	g.Expect(tell()).To(ConsistOf("resource/Created", "restart/Reboot", "write/SpecChange", "restart/SpecChange"), "two things are told twice")
	for _, condition := range []string{v1alpha1.SyncedCondition, v1alpha1.ReadyCondition, v1alpha1.StalledCondition} {
		set(s, at(time.Hour), condition, metav1.ConditionFalse, v1alpha1.ReasonSettingNotSupported, "Not supported")
	}
	g.Expect(tell()).To(HaveLen(5), "three conditions of one reason are told once")
}

func TestEventsOfARunningOperator(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.operate()
	d.line("live", 1, func(i *v1alpha1.WhatsAppInstance) {
		i.Spec.Settings = &v1alpha1.WhatsAppSettings{}
		i.Spec.Settings.IncomingWebhook = new(true)
	})
	d.ready("live")
	d.Eventually(func() string { return d.run(clock.RealClock{}, "events", "live").out }, patience).Should(And(
		MatchRegexp(`(?m)^TIME +WHAT +MESSAGE\n\d+s +resource/Created `),
		MatchRegexp(`(?m)^\d+s +event/SettingsApplied +Wrote settings \(SpecChange\), which restarts the instance: incomingWebhook\n(.*\n)*\d+s +event/SettingsConfirmed `),
		Not(ContainSubstring("write/")), Not(ContainSubstring("state/"))))
}
