// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/controllers"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
	"github.com/greenapi-operator/greenapi-operator/internal/states"
)

func TestMaxInstance(t *testing.T) {
	s := newStory(t)
	s.create("line", emulator.MAX, &v1alpha1.MaxInstance{Spec: v1alpha1.MaxInstanceSpec{Settings: &v1alpha1.MaxSettings{
		CommonSettings: v1alpha1.CommonSettings{IncomingWebhook: new(true)}, DownloadURLJpeg: new(true),
	}}})
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.Expect(s.sets()).To(Equal([]string{`{"downloadUrlJpeg":"yes","incomingWebhook":"yes"}`}))
	for _, call := range s.vendor.Calls(instanceID, "") {
		s.Expect(call.V3).To(BeTrue(), "%s is called under /v3", call.Method)
	}
	s.Expect(s.calls()).To(ContainElement("getAccountSettings"))
	s.Expect(s.calls()).NotTo(ContainElement("getWaSettings"))
	status := s.status("line")
	s.Expect(status.ChatID).NotTo(BeEmpty())
	s.Expect(status.Phone).NotTo(BeEmpty())
	s.Expect(status.AvatarURL).NotTo(BeEmpty())
	s.Expect(*status.HistorySyncProgress).To(BeEquivalentTo(100))
}

func TestTelegramInstance(t *testing.T) {
	s := newStory(t)
	s.create("line", emulator.Telegram, &v1alpha1.TelegramInstance{Spec: v1alpha1.TelegramInstanceSpec{Settings: &v1alpha1.TelegramSettings{
		CommonSettings: v1alpha1.CommonSettings{WebhookURL: new("https://shop.example/hook")}, KeepOnlineStatus: new(true),
	}}})
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.Expect(s.sets()).To(Equal([]string{`{"keepOnlineStatus":"yes","webhookUrl":"https://shop.example/hook"}`}))
	for _, call := range s.vendor.Calls(instanceID, "") {
		s.Expect(call.V3).To(BeFalse())
	}
	s.Expect(s.status("line").ChatID).NotTo(BeEmpty())
}

func TestR27AResourceOfTheWrongKindIsExplainedAndWritesNothing(t *testing.T) {
	s := newStory(t)
	s.create("wrong", emulator.MAX, &v1alpha1.WhatsAppInstance{Spec: v1alpha1.WhatsAppInstanceSpec{Settings: &v1alpha1.WhatsAppSettings{
		CommonSettings: v1alpha1.CommonSettings{IncomingWebhook: new(true)},
	}}})
	s.forward(2 * time.Hour)
	stalled := s.condition("wrong", v1alpha1.StalledCondition)
	s.Expect(stalled.Reason).To(Equal(v1alpha1.ReasonMessengerMismatch))
	s.Expect(stalled.Message).To(ContainSubstring("MaxInstance"))
	s.Expect(s.sets()).To(BeEmpty())
	s.Expect(len(s.calls())).To(BeNumerically("<=", 3*16), "explained, not retried: a look each settingsInterval")

	// It does not own the instance, so a resource of the right kind takes over at once.
	s.create("right", emulator.MAX, &v1alpha1.MaxInstance{Spec: v1alpha1.MaxInstanceSpec{
		InstanceSpec: v1alpha1.InstanceSpec{APITokenSecretRef: v1alpha1.SecretKeyReference{Name: "wrong-token"}},
		Settings:     &v1alpha1.MaxSettings{CommonSettings: v1alpha1.CommonSettings{IncomingWebhook: new(true)}},
	}})
	s.settled("right", v1alpha1.ReasonSucceeded)
	s.Expect(s.sets()).To(HaveLen(1))
}

func TestR27AnUnknownMessengerIsNoMismatch(t *testing.T) {
	for name, messenger := range map[string]any{"absent": nil, "unknown": "signal"} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.instance("line", incoming(true))
			s.vendor.Edit(instanceID, map[string]any{"typeInstance": messenger})
			s.settled("line", v1alpha1.ReasonSucceeded)
		})
	}
}

func TestR8ASuspensionIsLookedAtRightAfterItsEnd(t *testing.T) {
	s := newStory(t)
	s.create("line", emulator.MAX, &v1alpha1.MaxInstance{Spec: v1alpha1.MaxInstanceSpec{
		// No other look is near the end.
		InstanceSpec: v1alpha1.InstanceSpec{StateInterval: &metav1.Duration{Duration: time.Hour}, SettingsInterval: &metav1.Duration{Duration: 12 * time.Hour}},
	}})
	s.settled("line", v1alpha1.ReasonSucceeded)
	end := s.clock.Now().Add(100 * time.Minute)
	s.vendor.Suspend(instanceID, end)
	s.Expect(s.until(2*time.Hour, func() bool {
		return s.condition("line", v1alpha1.AvailableCondition).Reason == v1alpha1.ReasonSuspended
	})).To(BeTrue())
	s.Expect(s.status("line").SuspendedUntil.Unix()).To(Equal(end.Unix()))
	s.Expect(s.condition("line", v1alpha1.AvailableCondition).Message).To(ContainSubstring(end.UTC().Format(time.RFC3339)))
	s.Expect(s.ready("line").Status).To(Equal(metav1.ConditionTrue))
	s.Expect(s.events.count("Warning StateChanged")).To(Equal(1))

	s.Expect(s.until(3*time.Hour, func() bool {
		return s.condition("line", v1alpha1.AvailableCondition).Reason == v1alpha1.ReasonAuthorized
	})).To(BeTrue())
	s.Expect(s.clock.Now()).To(BeTemporally("~", end.Add(17*time.Second), 13*time.Second), "5 to 30 seconds after the end")
	s.Expect(s.status("line").SuspendedUntil).To(BeNil())
}

func TestR7TheOlderYellowCard(t *testing.T) {
	s := newStory(t)
	s.instance("line", nil)
	end := s.clock.Now().Add(100 * time.Minute)
	s.vendor.Update(instanceID, func(in *emulator.Instance) { in.State, in.SuspendedUntil = emulator.StateYellowCard, end.Unix() })
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.Expect(s.condition("line", v1alpha1.AvailableCondition).Reason).To(Equal(v1alpha1.ReasonYellowCard))
	s.Expect(s.status("line").SuspendedUntil.Unix()).To(Equal(end.Unix()), "from yellowCardUntil")
}

func TestIncomingStatuses(t *testing.T) {
	s := newStory(t)
	s.instance("line", func(r *v1alpha1.WhatsAppInstance) {
		r.Spec.IncomingStatuses = &v1alpha1.IncomingStatuses{Window: &metav1.Duration{Duration: 36 * time.Hour}}
	})
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.Expect(s.condition("line", v1alpha1.IncomingStatusesReadCondition).Reason).To(Equal(v1alpha1.ReasonBetaNotEnabled))
	s.Expect(s.ready("line").Status).To(Equal(metav1.ConditionTrue), "nothing else is affected")

	var many []map[string]any
	for i := range 5000 {
		many = append(many, map[string]any{"typeMessage": []string{"imageMessage", "videoMessage", "unknownMessage"}[i%3],
			"timestamp": s.clock.Now().Add(-time.Hour).Unix(), "textMessage": "canary-text-of-a-contact", "jpegThumbnail": "canary-thumbnail"})
	}
	leaks.Add("canary-text-of-a-contact", "canary-thumbnail")
	s.vendor.Update(instanceID, func(in *emulator.Instance) { in.BetaEnabled, in.IncomingStatuses = true, many })
	s.forward(20 * time.Minute)
	s.Expect(s.condition("line", v1alpha1.IncomingStatusesReadCondition).Reason).To(Equal(v1alpha1.ReasonSucceeded))
	summary := s.status("line").IncomingStatuses
	s.Expect(summary.Total).To(BeEquivalentTo(5000))
	s.Expect(summary.ByType).To(Equal([]v1alpha1.StatusTypeCount{{Type: "imageMessage", Count: 1667}, {Type: "other", Count: 1666}, {Type: "videoMessage", Count: 1667}}))
	s.Expect(summary.LatestTime).NotTo(BeNil())
	calls := s.vendor.Calls(instanceID, "getIncomingStatuses")
	s.Expect(calls[0].Query).To(Equal("minutes=2160"))
	s.forward(2 * time.Hour)
	s.Expect(len(s.vendor.Calls(instanceID, "getIncomingStatuses"))-len(calls)).To(BeNumerically("~", 8, 1), "every 15 minutes")

	s.edit("line", func(r *v1alpha1.WhatsAppInstance) { r.Spec.IncomingStatuses = nil })
	s.forward(time.Minute)
	s.Expect(s.status("line").IncomingStatuses).To(BeNil(), "R26: what is no longer asked for leaves the status")
	s.Expect(s.condition("line", v1alpha1.IncomingStatusesReadCondition).Reason).To(BeEmpty())
}

// TestEveryDocumentedStateIsExplained: what the client knows for a state has a reason of its own.
func TestEveryDocumentedStateIsExplained(t *testing.T) {
	for _, state := range states.Words() {
		if reason := controllers.ReasonOfState(state); reason == v1alpha1.ReasonUnknownState {
			t.Errorf("the state %s has no reason", state)
		}
	}
}
