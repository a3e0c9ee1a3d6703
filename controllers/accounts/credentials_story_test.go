// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package accounts_test

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// TestARefusedTokenStallsTheAccount in each of the vendor's ways to say so, and another one in the Secret is taken up soon.
func TestARefusedTokenStallsTheAccount(t *testing.T) {
	for name, fault := range map[string]emulator.Fault{
		"401": {Status: 401}, "200 with code 401": {Answer: emulator.AnswerCodeInBody}, "400 of one host": {Status: 400}, "403": {Status: 403}, "404": {Status: 404},
	} {
		s := newStory(t)
		fault.Method, fault.Times = greenapi.MethodGetInstances, -1
		s.vendor.Fault(fault)
		s.account(nil)
		s.pass()
		s.expect(v1alpha1.StalledCondition, "True Unauthorized")
		s.expect(v1alpha1.CredentialsValidCondition, "False Unauthorized")
		s.Expect(s.get().Status.KnownIDs).To(BeEmpty())
		s.Expect(s.metrics()).To(BeEmpty(), "nothing is known of it")
		s.forward(time.Hour)
		s.Expect(s.lists()).To(And(BeNumerically(">=", 5), BeNumerically("<=", 8)), name)
		s.Expect(s.writes).To(Equal(1), name)
		s.Expect(s.events).To(ConsistOf(HavePrefix("Warning CredentialsRejected: ")))
		s.vendor.ClearFaults()
		another := s.token + "another"
		leaks.Add(another)
		s.vendor.UpdateAccount("reseller", func(a *emulator.Account) { a.Token = another })
		s.secret(map[string]string{"partnerToken": another})
		s.forward(31 * time.Second)
		s.expect(v1alpha1.ReadyCondition, "True Succeeded")
	}
}

// TestATokenThatWasAcceptedIsTriedThreeTimes before a person has to act, also by a process that has just begun.
func TestATokenThatWasAcceptedIsTriedThreeTimes(t *testing.T) {
	s := newStory(t)
	s.line(710700000001, "prod-eu/shop/support")
	s.account(nil)
	s.pass()
	s.vendor.Fault(emulator.Fault{Method: greenapi.MethodGetInstances, Answer: emulator.AnswerCodeInBody, Times: -1})
	s.restart()
	s.clock.SetTime(s.clock.Now().Add(time.Minute))
	s.due = s.clock.Now()
	s.pass()
	s.expect(v1alpha1.ReconcilingCondition, "True ProgressingWithRetry")
	s.expect(v1alpha1.ReadyCondition, "False Unauthorized")
	s.forward(80 * time.Second)
	s.expect(v1alpha1.StalledCondition, "")
	s.forward(time.Minute)
	s.expect(v1alpha1.StalledCondition, "True Unauthorized")
	s.Expect(s.lists()).To(Equal(4))
	s.Expect(s.get().Status.Instances.Living).To(Equal(int32(1)), "what is known stays")
}

// TestALostSecretStallsTheAccountAfterTwoMinutes, no call is made meanwhile, and it is noticed when it is back.
func TestALostSecretStallsTheAccountAfterTwoMinutes(t *testing.T) {
	s := newStory(t)
	s.account(nil)
	s.pass()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.ns, Name: "reseller-partner"}}
	s.Expect(admin.Delete(s.ctx, secret)).To(Succeed())
	s.request("now")
	s.pass()
	s.expect(v1alpha1.ReadyCondition, "False SecretNotFound")
	s.expect(v1alpha1.ReconcilingCondition, "True ProgressingWithRetry")
	s.forward(110 * time.Second)
	s.expect(v1alpha1.StalledCondition, "")
	s.forward(15 * time.Second)
	s.expect(v1alpha1.StalledCondition, "True SecretNotFound")
	s.expect(v1alpha1.CredentialsValidCondition, "False SecretNotFound")
	s.Expect(s.condition(v1alpha1.StalledCondition).Message).To(Equal(`Secret "reseller-partner" is not there. Create it in namespace ` + s.ns + `, in which the operator runs`))
	s.restart()
	s.forward(time.Hour)
	s.expect(v1alpha1.StalledCondition, "True SecretNotFound")
	s.Expect(s.lists()).To(Equal(1))
	s.Expect(s.writes).To(Equal(3))
	s.secret(map[string]string{"token": s.token})
	s.forward(31 * time.Second)
	s.expect(v1alpha1.ReadyCondition, "False SecretKeyMissing")
	s.secret(map[string]string{"partnerToken": "two words " + s.token})
	s.forward(31 * time.Second)
	s.expect(v1alpha1.StalledCondition, "True TokenMalformed")
	s.Expect(s.lists()).To(Equal(1))
	s.secret(map[string]string{"partnerToken": s.token})
	s.forward(31 * time.Second)
	s.expect(v1alpha1.ReadyCondition, "True Succeeded")
	s.Expect(s.lists()).To(Equal(2))
}

// TestOnlySecretsWithTheLabelsAreRead: another Secret of the namespace is as good as none.
func TestOnlySecretsWithTheLabelsAreRead(t *testing.T) {
	s := newStory(t)
	s.options.SecretSelector = labels.SelectorFromSet(labels.Set{"greenapi": "token"})
	s.restart()
	s.account(nil)
	s.forward(3 * time.Minute)
	s.expect(v1alpha1.StalledCondition, "True SecretNotFound")
	s.Expect(s.condition(v1alpha1.StalledCondition).Message).To(HaveSuffix("(this operator reads only Secrets with the labels greenapi=token)"))
	s.Expect(s.lists()).To(BeZero())
}

// TestR24APartnerTokenIsNotSentElsewhere: an address that is not allowed gets no call, and its Secret is not even read.
func TestR24APartnerTokenIsNotSentElsewhere(t *testing.T) {
	s := newStory(t)
	s.account(func(a *v1alpha1.PartnerAccount) { a.Spec.PartnerAPIURL = "https://elsewhere.example" })
	s.forward(time.Hour)
	s.expect(v1alpha1.StalledCondition, "True EndpointNotAllowed")
	s.Expect(s.reads).To(BeZero())
	s.Expect(s.lists()).To(BeZero())
	s.Expect(s.writes).To(Equal(1))
	s.edit(func(a *v1alpha1.PartnerAccount) { a.Spec.PartnerAPIURL = s.url })
	s.pass()
	s.expect(v1alpha1.ReadyCondition, "True Succeeded")

	s.vendor.Fault(emulator.Fault{Method: greenapi.MethodGetInstances, Location: "https://elsewhere.example{path}"})
	s.forward(12 * time.Minute)
	s.expect(v1alpha1.StalledCondition, "True EndpointNotAllowed")
}

// TestNoModeBuysAnything: in this release Create and CreateAndDelete do what Observe does.
func TestNoModeBuysAnything(t *testing.T) {
	for _, mode := range []v1alpha1.PartnerMode{"", v1alpha1.ModeObserve, v1alpha1.ModeCreate, v1alpha1.ModeCreateAndDelete} {
		s := newStory(t)
		s.line(710700000001, "prod-eu/shop/support")
		s.account(func(a *v1alpha1.PartnerAccount) { a.Spec.Mode = mode })
		s.forward(2 * time.Hour)
		s.expect(v1alpha1.ReadyCondition, "True Succeeded")
		s.Expect(s.vendor.Ledger()).To(BeEmpty())
		s.Expect(admin.Delete(s.ctx, s.get())).To(Succeed())
		calls := s.lists()
		_, err := s.reconciler.Reconcile(s.ctx, requestFor(s.name))
		s.Expect(err).NotTo(HaveOccurred())
		s.Expect(s.lists()).To(Equal(calls), "deleting an account calls nothing")
	}
}
