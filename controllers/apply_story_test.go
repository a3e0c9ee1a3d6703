// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

func TestSettingsAreWrittenOnceAndVerified(t *testing.T) {
	s := newStory(t)
	s.instance("line", manage(func(w *v1alpha1.WhatsAppSettings) {
		w.IncomingWebhook, w.OutgoingWebhook = new(true), new(false)
		w.DelaySendMessagesMilliseconds = new(int32(5000))
	}))
	s.pass("line")
	s.Expect(s.condition("line", v1alpha1.SyncedCondition).Reason).To(Equal(v1alpha1.ReasonSettling))
	s.Expect(s.ready("line").Status).To(Equal(metav1.ConditionUnknown))
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.Expect(s.sets()).To(Equal([]string{`{"delaySendMessagesMilliseconds":5000,"incomingWebhook":"yes"}`}), "only what differs, once")
	s.Expect(s.vendor.Restarts(instanceID)).To(Equal(1))
	s.Expect(s.calls()[:4]).To(ConsistOf("getStateInstance", "getSettings", "getWaSettings", "setSettings"))
	s.Expect(s.calls()[3]).To(Equal("setSettings"))

	status := s.get("line").Status
	s.Expect(status.StateInstance).To(Equal("authorized"))
	s.Expect(status.Phone).NotTo(BeEmpty())
	s.Expect(status.DeviceID).NotTo(BeEmpty())
	s.Expect(status.APIURL).To(Equal(s.url))
	s.Expect(status.ManagedSettings).To(Equal([]string{"delaySendMessagesMilliseconds", "incomingWebhook", "outgoingWebhook"}))
	s.Expect(status.PendingChanges).To(BeEmpty())
	s.Expect(status.Apply.Outcome).To(Equal(v1alpha1.OutcomeConfirmed))
	s.Expect(status.Apply.Attempt).To(BeEquivalentTo(1))
	s.Expect(status.SyncedSettingsHash).To(Equal(status.Apply.SettingsHash))
	s.Expect(status.Restarts.Total).To(BeEquivalentTo(1))
	s.Expect(s.events.count("Normal SettingsApplied")).To(Equal(1))
	s.Expect(s.events.count("Normal SettingsConfirmed")).To(Equal(1))
}

func TestR2SteadyStateIsQuiet(t *testing.T) {
	s := newStory(t)
	s.instance("line", incoming(true))
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.forward(20 * time.Minute)
	version := s.get("line").ResourceVersion
	s.vendor.ResetCalls()
	s.forward(10 * time.Hour)
	s.Expect(s.get("line").ResourceVersion).To(Equal(version), "nothing is written to Kubernetes")
	s.Expect(s.sets()).To(BeEmpty())
	calls := len(s.calls())
	s.Expect(float64(calls)/600).To(BeNumerically("<=", 1.3), "calls per minute")
	s.Expect(calls).To(BeNumerically(">=", 600), "the state is read every minute")
}

func TestNothingDiffersSoNothingIsWritten(t *testing.T) {
	s := newStory(t)
	s.instance("line", manage(func(w *v1alpha1.WhatsAppSettings) { w.IncomingWebhook, w.WebhookURL = new(false), new("") }))
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.forward(time.Hour)
	s.Expect(s.sets()).To(BeEmpty())
	s.Expect(s.get("line").Status.Restarts).To(BeNil())
}

func TestNothingManaged(t *testing.T) {
	s := newStory(t)
	s.instance("line", nil)
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.Expect(s.condition("line", v1alpha1.SyncedCondition).Reason).To(Equal(v1alpha1.ReasonNothingManaged))
	s.Expect(s.sets()).To(BeEmpty())
}

func TestR9DriftIsCorrectedOnceWithOnlyWhatDiffers(t *testing.T) {
	s := newStory(t)
	s.instance("line", manage(func(w *v1alpha1.WhatsAppSettings) { w.IncomingWebhook, w.OutgoingWebhook = new(true), new(true) }))
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.vendor.ResetCalls()
	s.vendor.Edit(instanceID, map[string]any{"incomingWebhook": "no", "keepOnlineStatus": "yes"})
	s.Expect(s.until(time.Hour, func() bool { return len(s.sets()) > 0 })).To(BeTrue())
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.forward(3 * time.Hour)
	s.Expect(s.sets()).To(Equal([]string{`{"incomingWebhook":"yes"}`}))
	s.Expect(s.vendor.Restarts(instanceID)).To(Equal(2))
	kept, _ := s.vendor.Get(instanceID)
	s.Expect(kept.Settings).To(HaveKeyWithValue("keepOnlineStatus", "yes"), "what is not managed is left alone")
	s.Expect(s.get("line").Status.Corrections).To(HaveLen(1))
	s.Expect(s.get("line").Status.Restarts.LastReason).To(Equal("Drift"))
	s.Expect(s.events.count("Normal DriftDetected")).To(Equal(1))
}

func TestR9DriftThatGoesByItselfIsNotCorrected(t *testing.T) {
	s := newStory(t)
	s.instance("line", incoming(true))
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.vendor.ResetCalls()
	s.vendor.Edit(instanceID, map[string]any{"incomingWebhook": "no"})
	s.Expect(s.until(time.Hour, func() bool { return len(s.get("line").Status.PendingChanges) > 0 })).To(BeTrue())
	s.vendor.Edit(instanceID, map[string]any{"incomingWebhook": "yes"})
	s.forward(time.Hour)
	s.Expect(s.sets()).To(BeEmpty())
}

func TestR11OldValuesWhileSettlingAreNoDrift(t *testing.T) {
	s := newStory(t)
	s.instance("line", incoming(true))
	s.vendor.Update(instanceID, func(in *emulator.Instance) { in.Behavior.ApplyDelay = 4 * time.Minute })
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.forward(time.Hour)
	s.Expect(s.vendor.Restarts(instanceID)).To(Equal(1))
}

func TestR13ValuesThatAreNeverKeptAreTriedThreeTimesInADay(t *testing.T) {
	s := newStory(t)
	s.lookSeldom()
	s.instance("line", incoming(true))
	s.vendor.Update(instanceID, func(in *emulator.Instance) { in.Behavior.NeverKept = []string{emulator.Everything} })
	s.forward(24 * time.Hour)
	s.Expect(s.vendor.Restarts(instanceID)).To(Equal(3))
	calls := s.vendor.Calls(instanceID, "setSettings")
	s.Expect(calls[1].Time.Sub(calls[0].Time)).To(BeNumerically("~", 21*time.Minute, 2*time.Minute), "six minutes to settle, then fifteen")
	s.Expect(calls[2].Time.Sub(calls[1].Time)).To(BeNumerically("~", 66*time.Minute, 2*time.Minute), "four times as long")
	s.Expect(s.ready("line").Reason).To(Equal(v1alpha1.ReasonSettingsNotPersisted))
	s.Expect(s.condition("line", v1alpha1.StalledCondition).Reason).To(Equal(v1alpha1.ReasonSettingsNotPersisted))
	s.Expect(s.get("line").Status.Abandoned).To(HaveLen(1))
	s.Expect(s.events.count("Warning SettingsNotPersisted")).To(Equal(3))

	// A request is one attempt, not a fresh series.
	s.edit("line", func(r *v1alpha1.WhatsAppInstance) {
		r.Annotations = map[string]string{v1alpha1.ReconcileRequestedAtAnnotation: "now"}
	})
	s.forward(24 * time.Hour)
	s.Expect(s.vendor.Restarts(instanceID)).To(Equal(4))
	s.Expect(s.get("line").Status.LastHandledReconcileAt).To(Equal("now"))
	s.Expect(s.condition("line", v1alpha1.StalledCondition).Reason).To(Equal(v1alpha1.ReasonSettingsNotPersisted))

	// A change is a fresh series, and this one is kept.
	s.vendor.Update(instanceID, func(in *emulator.Instance) { in.Behavior.NeverKept = nil })
	s.edit("line", manage(func(w *v1alpha1.WhatsAppSettings) { w.StateWebhook = new(true) }))
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.Expect(s.vendor.Restarts(instanceID)).To(Equal(5))
	s.Expect(s.get("line").Status.Abandoned).To(BeEmpty())
}

func TestR13ValuesThatAreShownAndThenLostAreTriedThreeTimes(t *testing.T) {
	s := newStory(t)
	s.lookSeldom()
	s.instance("line", incoming(true))
	s.vendor.Update(instanceID, func(in *emulator.Instance) {
		in.Behavior.NeverKept, in.Behavior.ShowNew = []string{emulator.Everything}, true
	})
	s.forward(24 * time.Hour)
	s.Expect(s.vendor.Restarts(instanceID)).To(Equal(3))
}

func TestR14ANoIsNotPersistedAtOnce(t *testing.T) {
	s := newStory(t)
	s.lookSeldom()
	s.instance("line", incoming(true))
	s.vendor.Update(instanceID, func(in *emulator.Instance) { in.Behavior.RefuseSave = true })
	s.pass("line")
	s.Expect(s.get("line").Status.Apply.Outcome).To(Equal(v1alpha1.OutcomeNotPersisted))
	s.Expect(s.ready("line").Reason).To(Equal(v1alpha1.ReasonSettingsNotPersisted))
	s.Expect(s.condition("line", v1alpha1.ReconcilingCondition).Reason).To(Equal(v1alpha1.ReasonProgressingWithRetry))
	s.forward(24 * time.Hour)
	s.Expect(s.sets()).To(HaveLen(3))
	s.Expect(s.get("line").Status.Restarts).To(BeNil())
}

func TestR14RefusedValuesAreNotSentAgain(t *testing.T) {
	s := newStory(t)
	s.lookSeldom()
	s.instance("line", manage(func(w *v1alpha1.WhatsAppSettings) { w.DelaySendMessagesMilliseconds = new(int32(700000)) }))
	s.vendor.Update(instanceID, func(in *emulator.Instance) { in.Behavior.MaxDelay = 600000 })
	s.forward(24 * time.Hour)
	s.Expect(s.sets()).To(HaveLen(1))
	s.Expect(s.vendor.Restarts(instanceID)).To(Equal(0))
	stalled := s.condition("line", v1alpha1.StalledCondition)
	s.Expect(stalled.Reason).To(Equal(v1alpha1.ReasonSettingsRejected))
	s.Expect(stalled.Message).To(ContainSubstring("Validation failed"), "the vendor's own words")
	s.Expect(s.events.count("Warning SettingsRejected")).To(Equal(1))
	s.edit("line", manage(func(w *v1alpha1.WhatsAppSettings) { w.DelaySendMessagesMilliseconds = new(int32(600000)) }))
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.Expect(s.sets()).To(HaveLen(2))
}

func TestR6ASettingThatTheVendorDoesNotShowIsSentOnce(t *testing.T) {
	s := newStory(t)
	s.lookSeldom()
	s.instance("line", manage(func(w *v1alpha1.WhatsAppSettings) {
		w.AdditionalSettings = []v1alpha1.AdditionalSetting{{Name: "someFutureSetting", Value: "7"}}
	}))
	s.forward(24 * time.Hour)
	s.Expect(s.sets()).To(Equal([]string{`{"someFutureSetting":7}`}))
	s.Expect(s.condition("line", v1alpha1.StalledCondition).Reason).To(Equal(v1alpha1.ReasonSettingNotSupported))
	s.Expect(s.get("line").Status.PendingChanges[0].Observed).To(Equal("(missing)"))
}

func TestR12AChangeBackWhileSettlingEndsAtTheFirstValue(t *testing.T) {
	s := newStory(t)
	s.instance("line", incoming(false))
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.edit("line", incoming(true))
	s.forward(2 * time.Second)
	s.Expect(s.sets()).To(HaveLen(1))
	s.edit("line", incoming(false))
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.forward(time.Hour)
	s.Expect(s.sets()).To(Equal([]string{`{"incomingWebhook":"yes"}`, `{"incomingWebhook":"no"}`}))
	kept, _ := s.vendor.Get(instanceID)
	s.Expect(kept.Settings).To(HaveKeyWithValue("incomingWebhook", "no"))
}

func TestR12WhatWasSentWithTheSameWishIsNotSentAgain(t *testing.T) {
	s := newStory(t)
	s.instance("line", incoming(true))
	s.pass("line")
	s.edit("line", manage(func(w *v1alpha1.WhatsAppSettings) { w.StateWebhook = new(true) }))
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.forward(time.Hour)
	s.Expect(s.sets()).To(Equal([]string{`{"incomingWebhook":"yes"}`, `{"stateWebhook":"yes"}`}))
}

func TestR15NothingIsWrittenWhileTheInstanceStarts(t *testing.T) {
	for _, state := range []string{emulator.StateStarting, emulator.StateNull} {
		t.Run(state, func(t *testing.T) {
			s := newStory(t)
			s.instance("line", incoming(true))
			s.vendor.Update(instanceID, func(in *emulator.Instance) { in.State = state })
			s.forward(30 * time.Minute)
			s.Expect(s.sets()).To(BeEmpty())
			s.Expect(s.condition("line", v1alpha1.SyncedCondition).Reason).To(Equal(v1alpha1.ReasonInstanceStarting))
			s.vendor.Update(instanceID, func(in *emulator.Instance) { in.State = emulator.StateNotAuthorized })
			s.settled("line", v1alpha1.ReasonSucceeded)
			s.Expect(s.sets()).To(HaveLen(1))
		})
	}
}

func TestR15SettingsWaitWhileAPersonLogsIn(t *testing.T) {
	s := newStory(t)
	s.instance("line", incoming(true))
	s.vendor.Update(instanceID, func(in *emulator.Instance) { in.State = emulator.StatePendingPassword })
	s.forward(9 * time.Minute)
	s.Expect(s.sets()).To(BeEmpty())
	s.forward(3 * time.Minute)
	s.Expect(s.sets()).To(HaveLen(1), "for ten minutes at most")
}

// logout logs the account out, as a person does by the vendor's API.
func (s *story) logout() {
	s.t.Helper()
	in, _ := s.vendor.Get(instanceID)
	request, err := http.NewRequestWithContext(s.ctx, http.MethodGet, fmt.Sprintf("%s/waInstance%d/logout/%s", s.url, in.ID, in.Token), http.NoBody)
	s.Expect(err).NotTo(HaveOccurred())
	answer, err := (&http.Client{Timeout: patience}).Do(request)
	s.Expect(err).NotTo(HaveOccurred())
	s.Expect(answer.Body.Close()).To(Succeed())
	s.Expect(answer.StatusCode).To(Equal(http.StatusOK))
}

// TestR15SettingsWaitWhileTheVendorLogsOut: the state says nothing of it, and it is written once the account is logged out.
func TestR15SettingsWaitWhileTheVendorLogsOut(t *testing.T) {
	s := newStory(t)
	s.instance("line", nil)
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.vendor.Update(instanceID, func(in *emulator.Instance) { in.Behavior.LogoutTime = 5 * time.Minute })
	s.logout()
	s.edit("line", incoming(true))
	s.forward(4*time.Minute + 30*time.Second)
	s.Expect(s.sets()).To(BeEmpty())
	s.Expect(s.condition("line", v1alpha1.AvailableCondition).Reason).To(Equal(v1alpha1.ReasonAuthorized))
	synced := s.condition("line", v1alpha1.SyncedCondition)
	s.Expect(synced.Reason).To(Equal(v1alpha1.ReasonApplyPending))
	s.Expect(synced.Message).To(ContainSubstring("up to ten minutes for the logout that is under way"))
	s.forward(2 * time.Minute)
	s.Expect(s.sets()).To(HaveLen(1))
	s.Expect(s.condition("line", v1alpha1.AvailableCondition).Reason).To(Equal(v1alpha1.ReasonNotAuthorized))
}

// TestR15ALogoutThatDoesNotEndHoldsForTenMinutes, and one that was called off holds no longer than until it is seen.
func TestR15ALogoutThatDoesNotEndHoldsForTenMinutes(t *testing.T) {
	for name, end := range map[string]time.Duration{"never ends": 0, "is called off": 3 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.instance("line", incoming(true))
			s.vendor.Update(instanceID, func(in *emulator.Instance) { in.Behavior.AccountExtra = map[string]any{"logoutProcess": "yes"} })
			if end > 0 {
				s.forward(end)
				s.Expect(s.sets()).To(BeEmpty())
				s.vendor.Update(instanceID, func(in *emulator.Instance) { in.Behavior.AccountExtra = nil })
				s.forward(time.Minute)
				s.Expect(s.sets()).To(HaveLen(1))
				return
			}
			s.forward(9 * time.Minute)
			s.Expect(s.sets()).To(BeEmpty())
			s.forward(3 * time.Minute)
			s.Expect(s.sets()).To(HaveLen(1))
		})
	}
}

func TestSettingsDoNotWaitForALogin(t *testing.T) {
	s := newStory(t)
	s.instance("line", incoming(true))
	s.vendor.Update(instanceID, func(in *emulator.Instance) { in.State = emulator.StateNotAuthorized })
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.Expect(s.condition("line", v1alpha1.AvailableCondition).Reason).To(Equal(v1alpha1.ReasonNotAuthorized))
}

func TestR16Policies(t *testing.T) {
	t.Run("Observe never writes", func(t *testing.T) {
		s := newStory(t)
		s.instance("line", func(r *v1alpha1.WhatsAppInstance) {
			incoming(true)(r)
			r.Spec.ReconcilePolicy = v1alpha1.PolicyObserve
		})
		s.forward(3 * time.Hour)
		s.Expect(s.sets()).To(BeEmpty())
		s.Expect(s.ready("line").Status).To(Equal(metav1.ConditionTrue))
		s.Expect(s.condition("line", v1alpha1.SyncedCondition).Reason).To(Equal(v1alpha1.ReasonDriftDetected))
		s.Expect(s.get("line").Status.PendingChanges).To(Equal([]v1alpha1.PendingChange{{Setting: "incomingWebhook", Desired: "yes", Observed: "no"}}))
	})
	t.Run("OnSpecChange writes a change and reports drift", func(t *testing.T) {
		s := newStory(t)
		s.instance("line", func(r *v1alpha1.WhatsAppInstance) {
			incoming(true)(r)
			r.Spec.ReconcilePolicy = v1alpha1.PolicyOnSpecChange
		})
		s.settled("line", v1alpha1.ReasonSucceeded)
		s.Expect(s.sets()).To(HaveLen(1))
		s.vendor.Edit(instanceID, map[string]any{"incomingWebhook": "no"})
		s.forward(3 * time.Hour)
		s.Expect(s.sets()).To(HaveLen(1))
		s.Expect(s.ready("line").Status).To(Equal(metav1.ConditionTrue))
		s.Expect(s.condition("line", v1alpha1.SyncedCondition).Reason).To(Equal(v1alpha1.ReasonDriftDetected))
		s.edit("line", func(r *v1alpha1.WhatsAppInstance) { r.Spec.ReconcilePolicy = "" })
		s.forward(time.Hour)
		s.Expect(s.sets()).To(HaveLen(2), "Enforce corrects it")
	})
}

func TestR17AnAntagonistIsNotFoughtForEver(t *testing.T) {
	s := newStory(t)
	s.lookSeldom()
	s.instance("line", manage(func(w *v1alpha1.WhatsAppSettings) { w.IncomingWebhook, w.OutgoingWebhook = new(true), new(true) }))
	s.settled("line", v1alpha1.ReasonSucceeded)
	undo := func() {
		s.vendor.Edit(instanceID, map[string]any{"incomingWebhook": "no", "outgoingWebhook": "no"})
	}
	for range 12 {
		undo()
		s.forward(30 * time.Minute)
	}
	s.Expect(s.sets()).To(HaveLen(1+3), "the change and three corrections in six hours")
	s.Expect(s.condition("line", v1alpha1.StalledCondition).Reason).To(Equal(v1alpha1.ReasonDriftFlapping))
	s.Expect(s.events.count("Warning DriftFlapping")).To(Equal(1), "one event names both settings")
	for range 7 * 24 {
		undo()
		s.forward(time.Hour)
	}
	s.Expect(len(s.sets())).To(BeNumerically("<=", 1+3+5), "six hours, twelve, a day, two days, four days apart")
}

// TestR15ALogoutThatBeganSinceTheAccountWasReadHoldsARetry.
func TestR15ALogoutThatBeganSinceTheAccountWasReadHoldsARetry(t *testing.T) {
	s := newStory(t)
	s.options.SettingsInterval = time.Hour
	s.restart()
	s.vendor.Fault(emulator.Fault{ID: instanceID, Method: "setSettings", Status: 200, Body: `{"saveSettings":false}`, Times: 1})
	s.instance("line", incoming(true))
	s.Expect(s.until(time.Minute, func() bool { return len(s.sets()) == 1 })).To(BeTrue())
	s.forward(10 * time.Minute)
	s.Expect(s.ready("line").Reason).To(Equal(v1alpha1.ReasonSettingsNotPersisted))
	s.vendor.Update(instanceID, func(in *emulator.Instance) { in.Behavior.LogoutTime = 8 * time.Minute })
	s.logout()
	began := s.clock.Now()
	s.Expect(s.until(time.Hour, func() bool { return len(s.sets()) == 2 })).To(BeTrue())
	s.Expect(s.clock.Now()).NotTo(BeTemporally("<", began.Add(8*time.Minute)), "nothing is written while the vendor logs out")
}
