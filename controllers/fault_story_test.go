// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

func TestCredentialsThatTheVendorRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		change            func(*emulator.Instance)
		condition, reason string
	}{
		"401":     {func(in *emulator.Instance) { in.Token = "another" }, v1alpha1.CredentialsValidCondition, v1alpha1.ReasonUnauthorized},
		"expired": {func(in *emulator.Instance) { in.Expired = true }, v1alpha1.AvailableCondition, v1alpha1.ReasonExpired},
		"deleted": {func(in *emulator.Instance) { in.Deleted = true }, v1alpha1.AvailableCondition, v1alpha1.ReasonDeleted},
	} {
		t.Run(name+" at first sight is Stalled once a new instance would have begun", func(t *testing.T) {
			s := newStory(t)
			s.instance("line", incoming(true))
			s.vendor.Update(instanceID, test.change)
			s.pass("line")
			s.Expect(s.condition("line", test.condition).Reason).To(Equal(test.reason))
			s.Expect(s.condition("line", v1alpha1.StalledCondition).Reason == test.reason).To(Equal(name == "deleted"))
			s.until(13*time.Minute, func() bool { return s.condition("line", v1alpha1.StalledCondition).Reason != "" })
			s.Expect(s.condition("line", v1alpha1.StalledCondition).Reason).To(Equal(test.reason))
			s.Expect(s.condition("line", test.condition).Reason).To(Equal(test.reason))
			s.Expect(s.ready("line").Status).To(Equal(metav1.ConditionFalse))
			calls := len(s.calls())
			s.forward(2 * time.Hour)
			s.Expect(len(s.calls())-calls).To(BeNumerically("<=", 3*14), "looked at every settingsInterval")
			s.Expect(s.sets()).To(BeEmpty())
		})
		t.Run(name+" after it was once accepted is Stalled after three looks", func(t *testing.T) {
			s := newStory(t)
			s.instance("line", incoming(true))
			s.settled("line", v1alpha1.ReasonSucceeded)
			before, _ := s.vendor.Get(instanceID)
			s.vendor.Update(instanceID, test.change)
			s.Expect(s.until(5*time.Minute, func() bool { return s.ready("line").Reason == test.reason })).To(BeTrue())
			s.Expect(s.condition("line", v1alpha1.ReconcilingCondition).Reason).To(Equal(v1alpha1.ReasonProgressingWithRetry))
			s.Expect(s.condition("line", v1alpha1.StalledCondition).Reason).To(BeEmpty())
			s.forward(3 * time.Minute)
			s.Expect(s.condition("line", v1alpha1.StalledCondition).Reason).To(Equal(test.reason))
			s.vendor.Update(instanceID, func(in *emulator.Instance) { *in = before })
			s.settled("line", v1alpha1.ReasonSucceeded)
			s.Expect(s.vendor.Restarts(instanceID)).To(Equal(1))
		})
	}
}

func TestInstanceNotFound(t *testing.T) {
	s := newStory(t)
	s.instance("line", incoming(true))
	s.vendor.Remove(instanceID)
	s.until(13*time.Minute, func() bool { return s.condition("line", v1alpha1.StalledCondition).Reason != "" })
	s.Expect(s.condition("line", v1alpha1.StalledCondition).Reason).To(Equal(v1alpha1.ReasonInstanceNotFound))
	s.Expect(s.condition("line", v1alpha1.StalledCondition).Message).To(ContainSubstring("spec.apiUrl"))
	s.Expect(s.events.count("Warning CredentialsRejected")).To(Equal(1))
}

func TestTokenRotation(t *testing.T) {
	s := newStory(t)
	s.instance("line", incoming(true))
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.vendor.Update(instanceID, func(in *emulator.Instance) { in.Token = "rotated-token-abcdef" })
	s.secret("line-token", map[string]string{"apiTokenInstance": "  rotated-token-abcdef\n"})
	s.pass("line")
	s.Expect(s.ready("line").Status).To(Equal(metav1.ConditionTrue))
	s.forward(time.Hour)
	s.Expect(s.ready("line").Status).To(Equal(metav1.ConditionTrue))
	s.Expect(s.sets()).To(HaveLen(1), "a new API token is no reason to write")
}

func TestSecretOfTheAPIToken(t *testing.T) {
	s := newStory(t)
	s.instance("line", func(r *v1alpha1.WhatsAppInstance) {
		incoming(true)(r)
		r.Spec.APITokenSecretRef.Name = "later"
	})
	s.pass("line")
	s.Expect(s.ready("line").Reason).To(Equal(v1alpha1.ReasonSecretNotFound))
	s.Expect(s.condition("line", v1alpha1.ReconcilingCondition).Reason).To(Equal(v1alpha1.ReasonProgressingWithRetry), "another tool may be about to make it")
	s.forward(3 * time.Minute)
	s.Expect(s.condition("line", v1alpha1.StalledCondition).Reason).To(Equal(v1alpha1.ReasonSecretNotFound))
	s.due["line"] = s.clock.Now()
	s.secret("later", map[string]string{"wrong": "key"})
	s.pass("line")
	s.Expect(s.condition("line", v1alpha1.CredentialsValidCondition).Reason).To(Equal(v1alpha1.ReasonSecretKeyMissing))
	s.secret("later", map[string]string{"apiTokenInstance": "not a token"})
	s.pass("line")
	s.Expect(s.condition("line", v1alpha1.StalledCondition).Reason).To(Equal(v1alpha1.ReasonTokenMalformed))
	s.Expect(s.calls()).To(BeEmpty(), "no call without a token")
	token, _ := s.vendor.Get(instanceID)
	s.secret("later", map[string]string{"apiTokenInstance": token.Token})
	s.due["line"] = s.clock.Now()
	s.settled("line", v1alpha1.ReasonSucceeded)
}

func TestSecretOfTheWebhookToken(t *testing.T) {
	s := newStory(t)
	s.instance("line", manage(func(w *v1alpha1.WhatsAppSettings) {
		w.IncomingWebhook = new(true)
		w.WebhookURLTokenSecretRef = &v1alpha1.SecretKeyReference{Name: "webhook", Key: "token"}
	}))
	s.pass("line")
	s.Expect(s.condition("line", v1alpha1.SyncedCondition).Reason).To(Equal(v1alpha1.ReasonSecretNotFound))
	s.Expect(s.get("line").Status.StateInstance).To(Equal("authorized"), "looking goes on")
	s.forward(3 * time.Minute)
	s.Expect(s.condition("line", v1alpha1.StalledCondition).Reason).To(Equal(v1alpha1.ReasonSecretNotFound))
	s.Expect(s.sets()).To(BeEmpty(), "no write at all")

	s.secret("webhook", map[string]string{"token": "two\nlines"})
	s.forward(time.Minute)
	s.Expect(s.condition("line", v1alpha1.StalledCondition).Reason).To(Equal(v1alpha1.ReasonTokenMalformed))

	s.secret("webhook", map[string]string{"token": "Bearer canary-one-123"})
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.Expect(s.sets()).To(Equal([]string{`{"incomingWebhook":"yes","webhookUrlToken":"Bearer canary-one-123"}`}))
	s.Expect(s.get("line").Status.SyncedSecretVersion).NotTo(BeEmpty())

	// A new value is a change; the same value in a new version of the Secret writes nothing.
	s.secret("webhook", map[string]string{"token": "Bearer canary-two-456"})
	s.settledAgain("line")
	s.Expect(s.sets()).To(HaveLen(2))
	s.Expect(s.sets()[1]).To(Equal(`{"webhookUrlToken":"Bearer canary-two-456"}`))
	s.secret("webhook", map[string]string{"token": "Bearer canary-two-456", "other": "x"})
	s.forward(time.Hour)
	s.Expect(s.sets()).To(HaveLen(2))
}

func TestEndpointNotAllowed(t *testing.T) {
	s := newStory(t)
	s.instance("line", func(r *v1alpha1.WhatsAppInstance) {
		incoming(true)(r)
		r.Spec.APIURL = "https://evil.example"
	})
	s.pass("line")
	s.Expect(s.condition("line", v1alpha1.StalledCondition).Reason).To(Equal(v1alpha1.ReasonEndpointNotAllowed))
	s.Expect(s.condition("line", v1alpha1.CredentialsValidCondition).Reason).To(Equal(v1alpha1.ReasonEndpointNotAllowed))
	s.Expect(s.events.count("Warning EndpointNotAllowed")).To(Equal(1))
	s.edit("line", func(r *v1alpha1.WhatsAppInstance) { r.Spec.APIURL = s.url + "/" })
	s.settled("line", v1alpha1.ReasonSucceeded)
}

func TestR19Paused(t *testing.T) {
	s := newStory(t)
	s.instance("line", func(r *v1alpha1.WhatsAppInstance) {
		incoming(true)(r)
		r.Spec.Paused = true
	})
	s.forward(time.Hour)
	s.Expect(s.calls()).To(BeEmpty())
	s.Expect(s.ready("line").Reason).To(Equal(v1alpha1.ReasonPaused))
	s.Expect(s.condition("line", v1alpha1.PausedCondition).Reason).To(Equal(v1alpha1.ReasonSpecPaused))
	s.Expect(s.get("line").Status.ObservedGeneration).To(BeEquivalentTo(1))
	s.edit("line", func(r *v1alpha1.WhatsAppInstance) { r.Spec.Paused = false })
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.Expect(s.condition("line", v1alpha1.PausedCondition).Reason).To(BeEmpty())
	s.edit("line", func(r *v1alpha1.WhatsAppInstance) { r.Spec.Paused = true })
	s.vendor.ResetCalls()
	s.forward(time.Hour)
	s.Expect(s.calls()).To(BeEmpty())
	s.Expect(s.ready("line").Status).To(Equal(metav1.ConditionTrue), "the rest stays")
}

func TestAPassingOutageOfTheVendor(t *testing.T) {
	s := newStory(t)
	s.instance("line", incoming(true))
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.vendor.Fault(emulator.Fault{Status: 502, Times: -1})
	s.Expect(s.until(3*time.Minute, func() bool {
		return s.condition("line", v1alpha1.ReconcilingCondition).Reason == v1alpha1.ReasonProgressingWithRetry
	})).To(BeTrue())
	s.Expect(s.ready("line").Status).To(Equal(metav1.ConditionTrue), "the last known state stays")
	s.forward(10 * time.Minute)
	s.Expect(s.ready("line").Reason).To(Equal(v1alpha1.ReasonObservationStale))
	s.vendor.ClearFaults()
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.Expect(s.sets()).To(HaveLen(1))
}

func TestUnreadableSettingsAreNeverTakenForNo(t *testing.T) {
	s := newStory(t)
	s.instance("line", incoming(true))
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.vendor.Edit(instanceID, map[string]any{"incomingWebhook": map[string]any{"x": 1}})
	s.forward(3 * time.Hour)
	s.Expect(s.sets()).To(HaveLen(1))
}

func TestSuspensionIsShown(t *testing.T) {
	s := newStory(t)
	s.instance("line", incoming(true))
	s.settled("line", v1alpha1.ReasonSucceeded)
	phone := s.get("line").Status.Phone
	s.vendor.Update(instanceID, func(in *emulator.Instance) {
		in.State, in.SuspendedUntil = emulator.StateSuspended, s.clock.Now().Add(100*time.Hour).Unix()
	})
	s.forward(2 * time.Minute)
	s.Expect(s.condition("line", v1alpha1.AvailableCondition).Reason).To(Equal(v1alpha1.ReasonSuspended))
	s.Expect(s.get("line").Status.SuspendedUntil).NotTo(BeNil())
	s.Expect(s.ready("line").Status).To(Equal(metav1.ConditionTrue))
	s.Expect(s.events.count("Warning StateChanged")).To(Equal(1))
	s.vendor.Update(instanceID, func(in *emulator.Instance) { in.State = emulator.StateStarting })
	s.forward(2 * time.Minute)
	s.Expect(s.get("line").Status.SuspendedUntil).To(BeNil())
	s.Expect(s.get("line").Status.Phone).To(Equal(phone), "R7: kept while the instance starts")
	s.vendor.Update(instanceID, func(in *emulator.Instance) { in.State = emulator.StateNotAuthorized })
	s.forward(2 * time.Minute)
	s.Expect(s.get("line").Status.Phone).To(BeEmpty(), "R7: cleared when it is shown empty otherwise")
}

func TestR18OneOfTwoResourcesOwnsTheInstance(t *testing.T) {
	s := newStory(t)
	s.instance("first", incoming(true))
	s.settled("first", v1alpha1.ReasonSucceeded)
	s.instance("second", func(r *v1alpha1.WhatsAppInstance) {
		incoming(false)(r)
		r.Spec.APITokenSecretRef.Name = "first-token"
	})
	s.forward(3 * time.Hour)
	s.Expect(s.sets()).To(HaveLen(1), "no fight")
	stalled := s.condition("second", v1alpha1.StalledCondition)
	s.Expect(stalled.Reason).To(Equal(v1alpha1.ReasonDuplicateInstance))
	s.Expect(stalled.Message).To(ContainSubstring(`"first"`))
	s.Expect(s.ready("first").Status).To(Equal(metav1.ConditionTrue))
	s.remove("first")
	s.due["second"] = s.clock.Now()
	s.settled("second", v1alpha1.ReasonSucceeded)
	s.Expect(s.sets()).To(Equal([]string{`{"incomingWebhook":"yes"}`, `{"incomingWebhook":"no"}`}))
}
