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

// One setting is given up, another is to be tried again later; what the message says of the other.
func TestR13TheMessageTellsARetryFromWhatIsGivenUp(t *testing.T) {
	s := newStory(t)
	s.lookSeldom()
	s.instance("line", manage(func(w *v1alpha1.WhatsAppSettings) { w.IncomingWebhook, w.OutgoingWebhook = new(true), new(true) }))
	s.vendor.Update(instanceID, func(in *emulator.Instance) { in.Behavior.NeverKept = []string{"incomingWebhook"} })
	s.Expect(s.until(5*time.Hour, func() bool {
		return s.condition("line", v1alpha1.StalledCondition).Reason == v1alpha1.ReasonSettingsNotPersisted
	})).To(BeTrue())
	s.vendor.Update(instanceID, func(in *emulator.Instance) { in.Behavior.NeverKept = []string{emulator.Everything} })
	s.vendor.Edit(instanceID, map[string]any{"outgoingWebhook": "no"})
	s.Expect(s.until(5*time.Hour, func() bool {
		a := s.status("line").Apply
		return a.Outcome == v1alpha1.OutcomeNotPersisted && a.Reason == v1alpha1.ApplyDrift
	})).To(BeTrue())
	before := len(s.sets())
	message := s.condition("line", v1alpha1.SyncedCondition).Message
	s.forward(time.Hour)
	t.Logf("Synced: %s; written %d times in the hour after that", message, len(s.sets())-before)
	s.Expect(message).NotTo(ContainSubstring("no longer written until the settings change or a reconcile is requested: outgoingWebhook"))
}

// R27: an instance of another messenger gets no write. One reading without typeInstance is enough for one.
func TestR27AMismatchEndsByAReadingThatNamesTheMessenger(t *testing.T) {
	s := newStory(t)
	s.create("wrong", emulator.MAX, &v1alpha1.WhatsAppInstance{Spec: v1alpha1.WhatsAppInstanceSpec{Settings: &v1alpha1.WhatsAppSettings{
		CommonSettings: v1alpha1.CommonSettings{IncomingWebhook: new(true)},
	}}})
	s.forward(30 * time.Minute)
	s.Expect(s.condition("wrong", v1alpha1.StalledCondition).Reason).To(Equal(v1alpha1.ReasonMessengerMismatch))
	s.Expect(s.sets()).To(BeEmpty())
	s.vendor.Fault(emulator.Fault{Method: "getSettings", Status: 200, Body: `{}`, Times: 1})
	s.forward(30 * time.Minute)
	t.Logf("setSettings: %v", s.sets())
	s.Expect(s.sets()).To(BeEmpty(), "MessengerMismatch: no write")
}

// One reading of an instance that is new to the operator, and in which nothing is shown.
func TestR6AFirstReadingThatShowsNothing(t *testing.T) {
	s := newStory(t)
	s.instance("line", incoming(true))
	s.vendor.Edit(instanceID, map[string]any{"incomingWebhook": "yes"})
	s.vendor.Fault(emulator.Fault{Method: "getSettings", Status: 200, Body: `{}`, Times: 1})
	s.forward(30 * time.Minute)
	t.Logf("setSettings: %v", s.sets())
	s.Expect(s.vendor.Restarts(instanceID)).To(Equal(0), "it is as it is wished already")
}

// 429 with Retry-After on setSettings alone.
func TestR1RetryAfterOfAWriteStopsNoLook(t *testing.T) {
	s := newStory(t)
	s.instance("line", nil)
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.vendor.Fault(emulator.Fault{Method: "setSettings", Status: 429, Header: map[string]string{"Retry-After": "3600"}, Times: 1})
	s.edit("line", incoming(true))
	s.forward(time.Minute)
	s.vendor.SetState(instanceID, "blocked")
	before := len(s.calls())
	s.forward(50 * time.Minute)
	t.Logf("calls in 50 minutes: %d; state %q, Available %s", len(s.calls())-before, s.status("line").StateInstance, s.condition("line", v1alpha1.AvailableCondition).Status)
	s.Expect(s.status("line").StateInstance).To(Equal("blocked"))
}
