// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
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
