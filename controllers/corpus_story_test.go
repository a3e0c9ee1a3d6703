// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/gitops"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
	"github.com/greenapi-operator/greenapi-operator/internal/restarts"
)

// taking puts a resource as it is now into the corpus, under a name, with the word that Argo CD is to say of it.
type taking func(resource, name, want string)

// chapters are the stories that the statuses of the corpus are from.
var chapters = map[string]func(*story, taking){
	"a life": theLife, "an outage": theOutage, "paused at first": thePausedAtFirst, "the API token's Secret": theSecret,
	"the webhook token's Secret": theWebhookSecret, "refused credentials": theRefused, "states": theStates, "policies": thePolicies,
	"not kept": theNotKept, "refused values": theRejected, "not shown": theNotSupported, "an antagonist": theAntagonist,
	"stuck": theStuck, "an address": theAddress, "two resources": theTwo, "statuses of contacts": theContacts, "the wrong kind": theWrongKind,
	"MAX": theMax, "Telegram": theTelegram, "a window": theWindow, "an unknown zone": theUnknownZone, "a brake": theBrake,
	"a lost token": theLostToken,
	"a claim":      theClaim, "a claim that bought": theBoughtOne,
}

// passUntil lets time pass until a condition has a reason.
func (s *story) passUntil(condition, reason string) {
	s.t.Helper()
	if !s.until(25*time.Hour, func() bool { return s.condition("line", condition).Reason == reason }) {
		s.t.Fatalf("%s is %+v, want %s", condition, s.condition("line", condition), reason)
	}
}

func pausing(paused bool) func(*v1alpha1.WhatsAppInstance) {
	return func(r *v1alpha1.WhatsAppInstance) { r.Spec.Paused = paused }
}

func theLife(s *story, take taking) {
	s.instance("line", incoming(true))
	take("line", "new", gitops.Progressing)
	s.pass("line")
	take("line", "settling", gitops.Progressing)
	s.settled("line", v1alpha1.ReasonSucceeded)
	take("line", "healthy", gitops.Healthy)
	s.vendor.Edit(instanceID, map[string]any{"incomingWebhook": "no"})
	s.passUntil(v1alpha1.SyncedCondition, v1alpha1.ReasonApplyPending)
	take("line", "drift", gitops.Progressing)
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.edit("line", manage(func(w *v1alpha1.WhatsAppSettings) { w.StateWebhook = new(true) }))
	take("line", "edited", gitops.Progressing)
	s.settledAgain("line")
	s.edit("line", pausing(true))
	s.pass("line")
	take("line", "paused", gitops.Suspended)
	s.edit("line", func(r *v1alpha1.WhatsAppInstance) { r.Finalizers = []string{"shop.example/of-another-tool"} })
	s.Expect(admin.Delete(s.ctx, s.get("line"))).To(Succeed())
	take("line", "deleting", gitops.Progressing)
	s.Expect(admin.Patch(s.ctx, s.get("line"), client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`)))).To(Succeed())
}

func theOutage(s *story, take taking) {
	s.instance("line", incoming(true))
	s.vendor.Fault(emulator.Fault{Status: 502, Times: -1})
	s.pass("line")
	take("line", "first-look-fails", gitops.Progressing)
	s.vendor.ClearFaults()
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.vendor.Fault(emulator.Fault{Status: 502, Times: -1})
	s.passUntil(v1alpha1.ReconcilingCondition, v1alpha1.ReasonProgressingWithRetry)
	take("line", "outage-begins", gitops.Progressing)
	s.passUntil(v1alpha1.ReadyCondition, v1alpha1.ReasonObservationStale)
	take("line", "outage", gitops.Progressing)
	s.edit("line", pausing(true))
	s.pass("line")
	take("line", "paused-in-an-outage", gitops.Suspended)
}

func thePausedAtFirst(s *story, take taking) {
	s.instance("line", pausing(true))
	s.pass("line")
	take("line", "paused-before-the-first-look", gitops.Suspended)
}

func theSecret(s *story, take taking) {
	s.instance("line", func(r *v1alpha1.WhatsAppInstance) { r.Spec.APITokenSecretRef.Name = "later" })
	s.pass("line")
	take("line", "waiting-for-the-secret", gitops.Progressing)
	s.passUntil(v1alpha1.StalledCondition, v1alpha1.ReasonSecretNotFound)
	take("line", "stalled-secret-not-found", gitops.Degraded)
	s.edit("line", pausing(true))
	s.pass("line")
	take("line", "stalled-and-paused", gitops.Degraded)
	s.edit("line", pausing(false))
	s.secret("later", map[string]string{"wrong": "key"})
	s.passUntil(v1alpha1.StalledCondition, v1alpha1.ReasonSecretKeyMissing)
	take("line", "stalled-secret-key-missing", gitops.Degraded)
	s.secret("later", map[string]string{"apiTokenInstance": "not a token"})
	s.passUntil(v1alpha1.StalledCondition, v1alpha1.ReasonTokenMalformed)
	take("line", "stalled-token-malformed", gitops.Degraded)
}

func theWebhookSecret(s *story, take taking) {
	s.instance("line", manage(func(w *v1alpha1.WhatsAppSettings) {
		w.WebhookURLTokenSecretRef = &v1alpha1.SecretKeyReference{Name: "webhook"}
	}))
	s.pass("line")
	take("line", "waiting-for-the-webhook-secret", gitops.Progressing)
	s.passUntil(v1alpha1.StalledCondition, v1alpha1.ReasonSecretNotFound)
	take("line", "stalled-webhook-secret-not-found", gitops.Degraded)
}

func theRefused(s *story, take taking) {
	s.instance("line", nil)
	for _, test := range []struct {
		name, reason string
		change       func(*emulator.Instance)
	}{
		{"unauthorized", v1alpha1.ReasonUnauthorized, func(in *emulator.Instance) { in.Token = "another" }},
		{"expired", v1alpha1.ReasonExpired, func(in *emulator.Instance) { in.Expired = true }},
		{"deleted", v1alpha1.ReasonDeleted, func(in *emulator.Instance) { in.Deleted = true }},
		{"instance-not-found", v1alpha1.ReasonInstanceNotFound, nil},
	} {
		s.settled("line", v1alpha1.ReasonSucceeded)
		before, _ := s.vendor.Get(instanceID)
		if test.change == nil {
			s.vendor.Remove(instanceID)
		} else {
			s.vendor.Update(instanceID, test.change)
		}
		s.passUntil(v1alpha1.ReadyCondition, test.reason)
		take("line", "retrying-"+test.name, gitops.Progressing)
		s.passUntil(v1alpha1.StalledCondition, test.reason)
		take("line", "stalled-"+test.name, gitops.Degraded)
		if test.change != nil {
			s.vendor.Update(instanceID, func(in *emulator.Instance) { *in = before })
		}
	}
}

func theStates(s *story, take taking) {
	s.instance("line", nil)
	s.settled("line", v1alpha1.ReasonSucceeded)
	take("line", "nothing-managed", gitops.Healthy)
	for _, test := range []struct{ name, state, reason string }{
		{"not-authorized", emulator.StateNotAuthorized, v1alpha1.ReasonNotAuthorized},
		{"starting", emulator.StateStarting, v1alpha1.ReasonStarting},
		{"creating", emulator.StateNull, v1alpha1.ReasonCreating},
		{"sleep-mode", emulator.StateSleepMode, v1alpha1.ReasonSleepMode},
		{"yellow-card", emulator.StateYellowCard, v1alpha1.ReasonYellowCard},
		{"suspended", emulator.StateSuspended, v1alpha1.ReasonSuspended},
		{"blocked", emulator.StateBlocked, v1alpha1.ReasonBlocked},
		{"pending-code", emulator.StatePendingCode, v1alpha1.ReasonPendingCode},
		{"pending-password", emulator.StatePendingPassword, v1alpha1.ReasonPendingPassword},
		{"unknown-state", "dreaming", v1alpha1.ReasonUnknownState},
	} {
		s.vendor.Update(instanceID, func(in *emulator.Instance) {
			in.State, in.SuspendedUntil = test.state, storyStart.Add(1000*time.Hour).Unix()
		})
		s.passUntil(v1alpha1.AvailableCondition, test.reason)
		s.forward(time.Second)
		take("line", "not-available-"+test.name, gitops.Healthy)
	}
}

func thePolicies(s *story, take taking) {
	s.instance("line", func(r *v1alpha1.WhatsAppInstance) {
		incoming(true)(r)
		r.Spec.ReconcilePolicy = v1alpha1.PolicyObserve
	})
	s.settled("line", v1alpha1.ReasonSucceeded)
	take("line", "observe", gitops.Healthy)
	s.edit("line", func(r *v1alpha1.WhatsAppInstance) { r.Spec.ReconcilePolicy = v1alpha1.PolicyOnSpecChange })
	s.settledAgain("line")
	s.vendor.Edit(instanceID, map[string]any{"incomingWebhook": "no"})
	s.passUntil(v1alpha1.SyncedCondition, v1alpha1.ReasonDriftDetected)
	take("line", "drift-that-is-only-reported", gitops.Healthy)
}

func theNotKept(s *story, take taking) {
	s.instance("line", incoming(true))
	s.vendor.Update(instanceID, func(in *emulator.Instance) { in.Behavior.NeverKept = []string{emulator.Everything} })
	s.passUntil(v1alpha1.ReadyCondition, v1alpha1.ReasonSettingsNotPersisted)
	take("line", "retrying-settings-not-persisted", gitops.Progressing)
	s.passUntil(v1alpha1.StalledCondition, v1alpha1.ReasonSettingsNotPersisted)
	take("line", "stalled-settings-not-persisted", gitops.Degraded)
}

func theRejected(s *story, take taking) {
	s.instance("line", manage(func(w *v1alpha1.WhatsAppSettings) { w.DelaySendMessagesMilliseconds = new(int32(700000)) }))
	s.vendor.Update(instanceID, func(in *emulator.Instance) { in.Behavior.MaxDelay = 600000 })
	s.passUntil(v1alpha1.StalledCondition, v1alpha1.ReasonSettingsRejected)
	take("line", "stalled-settings-rejected", gitops.Degraded)
}

func theNotSupported(s *story, take taking) {
	s.instance("line", manage(func(w *v1alpha1.WhatsAppSettings) {
		w.AdditionalSettings = []v1alpha1.AdditionalSetting{{Name: "someFutureSetting", Value: "7"}}
	}))
	s.passUntil(v1alpha1.StalledCondition, v1alpha1.ReasonSettingNotSupported)
	take("line", "stalled-setting-not-supported", gitops.Degraded)
}

func theAntagonist(s *story, take taking) {
	s.lookSeldom()
	s.instance("line", incoming(true))
	s.settled("line", v1alpha1.ReasonSucceeded)
	for range 10 {
		s.vendor.Edit(instanceID, map[string]any{"incomingWebhook": "no"})
		s.forward(30 * time.Minute)
	}
	s.passUntil(v1alpha1.StalledCondition, v1alpha1.ReasonDriftFlapping)
	take("line", "stalled-drift-flapping", gitops.Degraded)
}

func theStuck(s *story, take taking) {
	s.instance("line", incoming(true))
	s.vendor.SetState(instanceID, emulator.StateStarting)
	s.passUntil(v1alpha1.SyncedCondition, v1alpha1.ReasonInstanceStarting)
	take("line", "waiting-for-the-start", gitops.Progressing)
	s.passUntil(v1alpha1.StalledCondition, v1alpha1.ReasonStuckStarting)
	take("line", "stalled-stuck-starting", gitops.Degraded)
}

func theAddress(s *story, take taking) {
	s.instance("line", func(r *v1alpha1.WhatsAppInstance) { r.Spec.APIURL = "https://evil.example" })
	s.pass("line")
	take("line", "stalled-endpoint-not-allowed", gitops.Degraded)
}

func theTwo(s *story, take taking) {
	s.instance("owner", nil)
	s.settled("owner", v1alpha1.ReasonSucceeded)
	s.instance("line", func(r *v1alpha1.WhatsAppInstance) { r.Spec.APITokenSecretRef.Name = "owner-token" })
	s.passUntil(v1alpha1.StalledCondition, v1alpha1.ReasonDuplicateInstance)
	take("line", "stalled-duplicate-instance", gitops.Degraded)
}

func theContacts(s *story, take taking) {
	s.instance("line", func(r *v1alpha1.WhatsAppInstance) { r.Spec.IncomingStatuses = &v1alpha1.IncomingStatuses{} })
	s.settled("line", v1alpha1.ReasonSucceeded)
	take("line", "beta-not-enabled", gitops.Healthy)
	s.vendor.Update(instanceID, func(in *emulator.Instance) {
		in.BetaEnabled, in.IncomingStatuses = true, []map[string]any{{"typeMessage": "imageMessage", "timestamp": storyStart.Unix()}}
	})
	s.passUntil(v1alpha1.IncomingStatusesReadCondition, v1alpha1.ReasonSucceeded)
	take("line", "incoming-statuses", gitops.Healthy)
}

func theWindow(s *story, take taking) {
	s.instance("line", func(r *v1alpha1.WhatsAppInstance) { incoming(true)(r); atNight()(r) })
	s.passUntil(v1alpha1.SyncedCondition, v1alpha1.ReasonOutsideWindow)
	take("line", "outside-window", gitops.Healthy)
}

func theUnknownZone(s *story, take taking) {
	s.instance("line", func(r *v1alpha1.WhatsAppInstance) {
		incoming(true)(r)
		atNight()(r)
		r.Spec.Maintenance.TimeZone = "Europe/Atlantis"
	})
	s.passUntil(v1alpha1.StalledCondition, v1alpha1.ReasonMaintenanceInvalid)
	take("line", "stalled-maintenance-invalid", gitops.Degraded)
}

func theBrake(s *story, take taking) {
	s.options.Rollout = restarts.Rules{SlowStart: 1, BrakeAfter: 1, ProbeAfter: 15 * time.Minute}
	s.restart()
	s.newNeighbor()
	s.edit("neighbor", incoming(true))
	s.vendor.Update(instanceID+1, func(in *emulator.Instance) { in.Behavior.NeverKept = []string{emulator.Everything} })
	s.Expect(s.until(time.Hour, func() bool { return s.status("neighbor").Rollout != nil })).To(BeTrue())
	s.instance("line", incoming(true))
	s.passUntil(v1alpha1.SyncedCondition, v1alpha1.ReasonRolloutHalted)
	take("line", "rollout-halted", gitops.Progressing)
}

func theWrongKind(s *story, take taking) {
	s.create("line", emulator.MAX, &v1alpha1.WhatsAppInstance{})
	s.passUntil(v1alpha1.StalledCondition, v1alpha1.ReasonMessengerMismatch)
	take("line", "stalled-messenger-mismatch", gitops.Degraded)
}

func theMax(s *story, take taking) {
	theOther(s, take, emulator.MAX, &v1alpha1.MaxInstance{Spec: v1alpha1.MaxInstanceSpec{Settings: &v1alpha1.MaxSettings{
		CommonSettings: v1alpha1.CommonSettings{IncomingWebhook: new(true)}, DownloadURLJpeg: new(true),
	}}})
}

func theTelegram(s *story, take taking) {
	theOther(s, take, emulator.Telegram, &v1alpha1.TelegramInstance{Spec: v1alpha1.TelegramInstanceSpec{Settings: &v1alpha1.TelegramSettings{
		CommonSettings: v1alpha1.CommonSettings{IncomingWebhook: new(true)}, KeepOnlineStatus: new(true),
	}}})
}

// theOther has one status of each of Argo CD's words, of a kind that has all else in common with WhatsAppInstance.
func theOther(s *story, take taking, messenger string, resource v1alpha1.Instance) {
	change := func(change func(*v1alpha1.InstanceSpec)) {
		s.t.Helper()
		s.Expect(admin.Get(s.ctx, client.ObjectKeyFromObject(resource), resource)).To(Succeed())
		change(resource.Core())
		s.Expect(admin.Update(s.ctx, resource)).To(Succeed())
		s.await(resource)
	}
	s.create("line", messenger, resource)
	take("line", "new", gitops.Progressing)
	s.settled("line", v1alpha1.ReasonSucceeded)
	take("line", "healthy", gitops.Healthy)
	s.vendor.SetState(instanceID, emulator.StateNotAuthorized)
	s.passUntil(v1alpha1.AvailableCondition, v1alpha1.ReasonNotAuthorized)
	take("line", "not-available-not-authorized", gitops.Healthy)
	s.vendor.Update(instanceID, func(in *emulator.Instance) { in.Expired = true })
	s.passUntil(v1alpha1.StalledCondition, v1alpha1.ReasonExpired)
	take("line", "stalled-expired", gitops.Degraded)
	s.vendor.Update(instanceID, func(in *emulator.Instance) { in.Expired = false })
	s.settled("line", v1alpha1.ReasonSucceeded)
	change(func(core *v1alpha1.InstanceSpec) { core.ReconcilePolicy = v1alpha1.PolicyObserve })
	s.passUntilObserved()
	take("line", "observe", gitops.Healthy)
	change(func(core *v1alpha1.InstanceSpec) { core.ReconcilePolicy, core.Paused = "", true })
	s.passUntilObserved()
	take("line", "paused", gitops.Suspended)
	s.Expect(s.condition("line", v1alpha1.ReadyCondition).Status).To(Equal(metav1.ConditionTrue))
}

// passUntilObserved lets time pass until the resource's generation was compared.
func (s *story) passUntilObserved() {
	s.t.Helper()
	s.Expect(s.until(time.Hour, func() bool { return s.status("line").ObservedGeneration == s.object("line").GetGeneration() })).To(BeTrue())
}

func theLostToken(s *story, take taking) {
	s.instance("line", incoming(true))
	// The status tells tokens apart, so that this one is the same in every run.
	token := "t0ken-of-the-corpus-abcdefgh"
	leaks.Add(token)
	s.vendor.Update(instanceID, func(in *emulator.Instance) { in.Token = token })
	s.rotatable(tokenOwner, nil)
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.rotatable(tokenOwner, func(secret *corev1.Secret) { secret.Labels = nil })
	s.askRotation("2026-01-02")
	s.passUntil(v1alpha1.TokenRotatedCondition, v1alpha1.ReasonSecretNotOwned)
	take("line", "token-secret-not-owned", gitops.Healthy)
	s.vendor.Fault(emulator.Fault{Method: "updateApiToken", Status: 429})
	s.rotatable(tokenOwner, nil)
	s.passUntil(v1alpha1.TokenRotatedCondition, v1alpha1.ReasonNotRotated)
	take("line", "token-not-rotated", gitops.Healthy)
	s.askRotation("2026-01-03")
	s.edit("line", func(r *v1alpha1.WhatsAppInstance) { r.Spec.ReconcilePolicy = v1alpha1.PolicyObserve })
	s.passUntil(v1alpha1.TokenRotatedCondition, v1alpha1.ReasonRotationSkipped)
	s.passUntilObserved()
	take("line", "token-rotation-skipped", gitops.Healthy)
	s.edit("line", func(r *v1alpha1.WhatsAppInstance) { r.Spec.ReconcilePolicy = "" })
	s.passUntilObserved()
	s.rotatable(tokenOwner, func(secret *corev1.Secret) { secret.Immutable = new(true) })
	s.askRotation("2026-01-04")
	s.passUntil(v1alpha1.TokenRotatedCondition, v1alpha1.ReasonSecretNotWritable)
	take("line", "token-secret-not-writable", gitops.Healthy)
	s.vendor.Fault(emulator.Fault{Method: "updateApiToken", Drop: true, AfterEffect: true})
	s.rotatable(tokenOwner, nil)
	s.passUntil(v1alpha1.CredentialsValidCondition, v1alpha1.ReasonUnauthorized)
	take("line", "token-outcome-unknown", gitops.Progressing)
	s.passUntil(v1alpha1.StalledCondition, v1alpha1.ReasonTokenLost)
	take("line", "stalled-token-lost", gitops.Degraded)
	s.secret("line-token", map[string]string{"apiTokenInstance": s.vendorToken()})
	s.settled("line", v1alpha1.ReasonSucceeded)
	take("line", "token-recovered", gitops.Healthy)
}
