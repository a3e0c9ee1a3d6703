// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// TestP14AResourceWaitsForItsClaim without a call, of each kind, and is looked after in the pass after the claim has its instance.
func TestP14AResourceWaitsForItsClaim(t *testing.T) {
	for _, kind := range instance.Kinds {
		t.Run(kind.Name, func(t *testing.T) {
			s := newClaimStory(t)
			s.sells(instanceID, kind.Messenger)
			s.apply("line", claiming(kind))
			s.pass("line")
			s.notReady("line", `InstanceClaim "support-line" is not there. Create it in the namespace of this resource`)
			s.claims()
			s.pass("line")
			s.notReady("line", `InstanceClaim "support-line" was not looked at yet`)
			s.claimSays(says(metav1.ConditionFalse, v1alpha1.ReasonLimitReached, "10 of 10 instances are there"))
			s.pass("line")
			s.notReady("line", `InstanceClaim "support-line" does not have its instance (LimitReached): 10 of 10 instances are there`)
			s.claimSays(func(c *v1alpha1.InstanceClaimStatus) { c.IDInstance, c.APIURL = instanceID, s.url })
			s.pass("line")
			s.notReady("line", `InstanceClaim "support-line" does not have its instance (LimitReached): 10 of 10 instances are there`)
			s.Expect(s.calls()).To(BeEmpty())
			s.Expect(s.status("line").IDInstance).To(BeZero())

			s.claimSays(s.has(instanceID, v1alpha1.ClaimAdopted))
			s.pass("line")
			s.Expect(s.calls()).To(ContainElements("getStateInstance", "getSettings", "setSettings"))
			status := s.status("line")
			s.Expect(status.IDInstance).To(Equal(instanceID))
			s.Expect(status.APIURL).To(Equal(s.url))
			s.Expect(status.AcceptedTokenRefs).To(Equal([]v1alpha1.SecretKeyReference{{Name: claimSecret, Key: "apiTokenInstance"}}))
			s.settled("line", v1alpha1.ReasonSucceeded)
			s.Expect(s.sets()).To(HaveLen(1))
			s.Expect(s.failures).To(BeEmpty())
		})
	}
}

// TestR2ALineWithAClaimIsPolledAsAnyOther: in steady state nothing is written, and the spec never is.
func TestR2ALineWithAClaimIsPolledAsAnyOther(t *testing.T) {
	s := newClaimStory(t)
	s.wrapClient = func(c client.Client) client.Client { return specless{c, t} }
	s.restart()
	s.sells(instanceID, emulator.WhatsApp)
	s.claims()
	s.claimSays(s.has(instanceID, v1alpha1.ClaimAdopted))
	s.apply("line", whatsApp(nil))
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.forward(20 * time.Minute)
	s.Expect(s.polls).To(HaveKey("line"))
	before, calls := s.version("line"), len(s.calls())
	s.forward(time.Hour)
	s.Expect(s.version("line")).To(Equal(before))
	s.Expect(len(s.calls()) - calls).To(BeNumerically("~", 78, 12))
	s.restart()
	s.forward(20 * time.Minute)
	s.Expect(s.version("line")).To(Equal(before))
	spec := s.get("line").Spec.InstanceSpec
	s.Expect(spec).To(Equal(v1alpha1.InstanceSpec{ClaimRef: &v1alpha1.ClaimReference{Name: claim}}))

	s.vendor.Edit(instanceID, map[string]any{"incomingWebhook": "no"})
	s.settledAgain("line")
	s.Expect(s.sets()).To(HaveLen(2))
}

// specless is a client that wants nothing in a spec that the claim filled in.
type specless struct {
	client.Client
	t *testing.T
}

func (c specless) Status() client.SubResourceWriter { return speclessStatus{c.Client.Status(), c.t} }

type speclessStatus struct {
	client.SubResourceWriter
	t *testing.T
}

func (w speclessStatus) Update(ctx context.Context, object client.Object, options ...client.SubResourceUpdateOption) error {
	if resource, ok := object.(v1alpha1.Instance); ok && resource.Core().ClaimRef != nil {
		if core := resource.Core(); core.IDInstance != 0 || core.APIURL != "" || core.APITokenSecretRef.Name != "" {
			w.t.Errorf("the operator writes a spec with %d, %q and %q", core.IDInstance, core.APIURL, core.APITokenSecretRef.Name)
		}
	}
	return w.SubResourceWriter.Update(ctx, object, options...)
}

// TestP14AClaimThatLosesItsInstanceStopsEveryCall: what was seen stays, as a pause leaves it, and nothing restarts when it is back.
func TestP14AClaimThatLosesItsInstanceStopsEveryCall(t *testing.T) {
	for name, test := range map[string]struct {
		loses   func(*story)
		message string
	}{
		"missing": {func(s *story) {
			s.claimSays(says(metav1.ConditionFalse, v1alpha1.ReasonInstanceMissing, "It is gone"))
		}, `InstanceClaim "support-line" does not have its instance (InstanceMissing): It is gone`},
		"deleted": {(*story).removeClaim, `InstanceClaim "support-line" is not there. Create it in the namespace of this resource`},
	} {
		t.Run(name, func(t *testing.T) {
			s := newClaimStory(t)
			s.sells(instanceID, emulator.WhatsApp)
			s.claims()
			s.claimSays(s.has(instanceID, v1alpha1.ClaimAdopted))
			s.apply("line", whatsApp(nil))
			s.settled("line", v1alpha1.ReasonSucceeded)
			before, calls := s.status("line"), len(s.calls())
			test.loses(s)
			s.pass("line")
			s.notReady("line", test.message)
			s.forward(2 * time.Hour)
			s.Expect(s.gauge("greenapi_oldest_observation_seconds", map[string]string{"kind": "WhatsAppInstance"})).To(Equal(-1.0), "nobody looks at it")
			s.restart()
			s.forward(2 * time.Hour)
			s.Expect(s.calls()).To(HaveLen(calls))
			after := s.status("line")
			s.Expect(after.IDInstance).To(Equal(instanceID))
			s.Expect([]string{after.StateInstance, after.Phone, after.APIURL, after.SyncedSettingsHash}).To(Equal(
				[]string{before.StateInstance, before.Phone, before.APIURL, before.SyncedSettingsHash}))
			s.Expect(after.ObservedGeneration).To(Equal(before.ObservedGeneration))
			s.Expect(s.condition("line", v1alpha1.SyncedCondition).Reason).To(Equal(v1alpha1.ReasonUpToDate))
			s.Expect(s.condition("line", v1alpha1.CredentialsValidCondition).Reason).To(Equal(v1alpha1.ReasonTokenAccepted))
			s.Expect(s.condition("line", v1alpha1.AvailableCondition).Status).To(Equal(metav1.ConditionUnknown))

			if name == "deleted" {
				s.claims()
			}
			s.claimSays(s.has(instanceID, v1alpha1.ClaimAdopted))
			s.pass("line")
			s.Expect(s.ready("line").Reason).To(Equal(v1alpha1.ReasonSucceeded))
			s.Expect(s.condition("line", v1alpha1.AvailableCondition).Reason).To(Equal(v1alpha1.ReasonAuthorized))
			s.Expect(s.sets()).To(HaveLen(1))
		})
	}
}

// TestP14AClaimThatIsBeingDeletedStopsEveryCall: its instance may be logged out and deleted at the vendor right now.
func TestP14AClaimThatIsBeingDeletedStopsEveryCall(t *testing.T) {
	s := newClaimStory(t)
	s.sells(instanceID, emulator.WhatsApp)
	s.claims()
	s.claimSays(s.has(instanceID, v1alpha1.ClaimAdopted))
	s.apply("line", whatsApp(nil))
	s.settled("line", v1alpha1.ReasonSucceeded)
	calls := len(s.calls())
	s.deletesClaimSlowly()
	s.pass("line")
	s.notReady("line", `InstanceClaim "support-line" is being deleted`)
	s.Expect(s.calls()).To(HaveLen(calls))
}

// TestP14WithoutPartnerAccountsAResourceSaysSo: nothing is read of claims there.
func TestP14WithoutPartnerAccountsAResourceSaysSo(t *testing.T) {
	s := newClaimStory(t)
	s.options.Claims = false
	s.restart()
	s.sells(instanceID, emulator.WhatsApp)
	s.claims()
	s.claimSays(s.has(instanceID, v1alpha1.ClaimAdopted))
	s.apply("line", whatsApp(nil))
	s.pass("line")
	s.notReady("line", "This operator does not look after claims. Run it with --partner-accounts")
	s.Expect(s.calls()).To(BeEmpty())
}

// TestR19APausedResourceDoesNotAskItsClaim: it is paused, whatever the claim says.
func TestR19APausedResourceDoesNotAskItsClaim(t *testing.T) {
	s := newClaimStory(t)
	s.apply("line", whatsApp(func(r *v1alpha1.WhatsAppInstance) { r.Spec.Paused = true }))
	s.pass("line")
	s.Expect(s.ready("line").Reason).To(Equal(v1alpha1.ReasonPaused))
	s.edit("line", func(r *v1alpha1.WhatsAppInstance) { r.Spec.Paused = false })
	s.pass("line")
	s.Expect(s.ready("line").Reason).To(Equal(v1alpha1.ReasonClaimNotReady))
	s.Expect(s.condition("line", v1alpha1.PausedCondition).Reason).To(BeEmpty())
}

// TestP14WhoWaitsForAClaimTakesNoTurn, and gives back the one that it waited for.
func TestP14WhoWaitsForAClaimTakesNoTurn(t *testing.T) {
	s := newClaimStory(t)
	s.options.MaxConcurrentRestarts = intstr.FromInt32(1)
	s.restart()
	const other = instanceID + 1
	s.sells(other, emulator.WhatsApp)
	s.claims()
	s.claimSays(s.has(other, v1alpha1.ClaimAdopted))
	s.instance("first", func(r *v1alpha1.WhatsAppInstance) { incoming(true)(r); r.Spec.APIURL = s.url })
	s.pass("first")
	s.Expect(s.sets()).To(HaveLen(1))
	s.apply("line", whatsApp(nil))
	s.pass("line")
	s.Expect(s.operators[0].Remembered()).To(HaveKeyWithValue("waiters", 1))
	s.claimSays(says(metav1.ConditionFalse, v1alpha1.ReasonInstanceMissing, "It is gone"))
	s.pass("line")
	s.Expect(s.operators[0].Remembered()).To(HaveKeyWithValue("waiters", 0))
	s.forward(10 * time.Minute)
	s.Expect(s.vendor.Calls(other, "setSettings")).To(BeEmpty())
}

// TestP14ARequestIsNotKeptForTheDayOnWhichTheClaimIsReady: a reboot that is asked for meanwhile is echoed only.
func TestP14ARequestIsNotKeptForTheDayOnWhichTheClaimIsReady(t *testing.T) {
	s := newClaimStory(t)
	s.sells(instanceID, emulator.WhatsApp)
	s.apply("line", whatsApp(nil))
	s.pass("line")
	s.edit("line", func(r *v1alpha1.WhatsAppInstance) {
		r.Annotations = map[string]string{v1alpha1.RebootRequestedAtAnnotation: "now", v1alpha1.ReconcileRequestedAtAnnotation: "now"}
	})
	s.pass("line")
	s.Expect(s.status("line").LastHandledRebootAt).To(Equal("now"))
	s.Expect(s.status("line").LastHandledReconcileAt).To(BeEmpty())
	s.claims()
	s.claimSays(s.has(instanceID, v1alpha1.ClaimAdopted))
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.Expect(s.status("line").LastHandledReconcileAt).To(Equal("now"))
	s.Expect(s.calls()).NotTo(ContainElement("reboot"))
}

// TestATokenThatTheClaimRewritesIsUsed at once, and what the Secret lacks is for the claim to put there.
func TestATokenThatTheClaimRewritesIsUsed(t *testing.T) {
	s := newClaimStory(t)
	s.sells(instanceID, emulator.WhatsApp)
	s.claims()
	s.claimSays(s.has(instanceID, v1alpha1.ClaimAdopted))
	s.apply("line", whatsApp(nil))
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.vendor.Update(instanceID, func(in *emulator.Instance) { in.Token = "t0ken-another-one-of-it" })
	s.passUntil(v1alpha1.ReadyCondition, v1alpha1.ReasonUnauthorized)
	s.Expect(s.ready("line").Message).To(Equal(`The vendor refused the API token. Give InstanceClaim "support-line" a new value of the annotation reconcile-requested-at, so that it fetches the present token`))
	s.secret(claimSecret, map[string]string{"apiTokenInstance": "t0ken-another-one-of-it"})
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.Expect(admin.Delete(s.ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.ns, Name: claimSecret}})).To(Succeed())
	s.awaitSecret(claimSecret, "")
	s.passUntil(v1alpha1.ReadyCondition, v1alpha1.ReasonSecretNotFound)
	s.Expect(s.ready("line").Message).To(Equal(`Secret "support-line-greenapi" does not hold the API token. InstanceClaim "support-line" puts it there; its conditions say what holds it up`))
}

// TestAClaimThatHasAnotherInstanceBeginsAnew: nothing that was seen or done is about that one.
func TestAClaimThatHasAnotherInstanceBeginsAnew(t *testing.T) {
	s := newClaimStory(t)
	s.sells(instanceID, emulator.WhatsApp)
	s.claims()
	s.claimSays(s.has(instanceID, v1alpha1.ClaimAdopted))
	s.apply("line", whatsApp(func(r *v1alpha1.WhatsAppInstance) { r.Spec.ReconcilePolicy = v1alpha1.PolicyOnSpecChange }))
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.removeClaim()
	s.pass("line")
	const other = instanceID + 1
	s.vendor.Add(emulator.Instance{ID: other, Token: "t0ken-of-the-other-one", Messenger: emulator.WhatsApp, State: emulator.StateNotAuthorized})
	s.secret(claimSecret, map[string]string{"apiTokenInstance": "t0ken-of-the-other-one"})
	s.claims()
	s.claimSays(s.has(other, v1alpha1.ClaimAdopted))
	s.pass("line")
	status := s.status("line")
	s.Expect(status.IDInstance).To(Equal(other))
	s.Expect(status.StateInstance).To(Equal(emulator.StateNotAuthorized))
	s.Expect(status.Phone).To(BeEmpty())
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.Expect(s.vendor.Calls(other, "setSettings")).To(HaveLen(1))
	s.Expect(s.status("line").Restarts.Total).To(Equal(int64(1)))
	s.Expect(s.failures).To(BeEmpty())
}
