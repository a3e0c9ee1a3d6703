// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// claimed is a line with a claim that has its instance, and that a claims controller of the story's would look after.
func (s *story) claimedLine() {
	s.t.Helper()
	s.options.Claims = true
	s.restart()
	token := "t0ken-of-the-claim-" + s.ns
	leaks.Add(token)
	s.vendor.Add(emulator.Instance{ID: instanceID, Token: token, Messenger: emulator.WhatsApp})
	s.rotatable(instance.FieldOwner, nil)
	claim := &v1alpha1.InstanceClaim{ObjectMeta: metav1.ObjectMeta{Namespace: s.ns, Name: "line"},
		Spec: v1alpha1.InstanceClaimSpec{AccountRef: v1alpha1.AccountReference{Name: "reseller"}, SecretName: "line-token"}}
	s.Expect(admin.Create(s.ctx, claim)).To(Succeed())
	claim.Status.IDInstance, claim.Status.APIURL = instanceID, s.url
	claim.Status.Conditions = []metav1.Condition{{Type: v1alpha1.CreatedCondition, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonSucceeded, LastTransitionTime: metav1.Now()}}
	s.Expect(admin.Status().Update(s.ctx, claim)).To(Succeed())
	s.Eventually(func() string {
		seen := &v1alpha1.InstanceClaim{}
		_ = s.cached.Get(s.ctx, client.ObjectKeyFromObject(claim), seen)
		return seen.ResourceVersion
	}, patience).Should(Equal(claim.ResourceVersion))
	line := &v1alpha1.WhatsAppInstance{ObjectMeta: metav1.ObjectMeta{Namespace: s.ns, Name: "line"}}
	line.Spec.ClaimRef = &v1alpha1.ClaimReference{Name: "line"}
	incoming(true)(line)
	s.Expect(admin.Create(s.ctx, line)).To(Succeed())
	s.await(line)
	s.settled("line", v1alpha1.ReasonSucceeded)
}

// claimAsked is the request that the line's claim has.
func (s *story) claimAsked() string {
	s.t.Helper()
	claim := &v1alpha1.InstanceClaim{}
	s.Expect(admin.Get(s.ctx, types.NamespacedName{Namespace: s.ns, Name: "line"}, claim)).To(Succeed())
	return claim.Annotations[v1alpha1.ReconcileRequestedAtAnnotation]
}

func TestP17AClaimFindsWhatWasLost(t *testing.T) {
	lose := func(s *story) {
		s.claimedLine()
		s.vendor.Fault(emulator.Fault{Method: "updateApiToken", Drop: true, AfterEffect: true})
		s.askRotation("now")
	}
	t.Run("in its account's list", func(t *testing.T) {
		s := newStory(t)
		lose(s)
		s.Expect(s.until(time.Hour, func() bool { return s.claimAsked() != "" })).To(BeTrue())
		s.Expect(s.condition("line", v1alpha1.StalledCondition).Reason).To(BeEmpty())
		s.Expect(s.condition("line", v1alpha1.CredentialsValidCondition).Message).To(ContainSubstring(`InstanceClaim "line" looks for the new one`))
		s.forward(5 * time.Minute)
		s.rotatable(instance.FieldOwner, nil)
		s.endsRotation(v1alpha1.RotationRecovered)
		s.settled("line", v1alpha1.ReasonSucceeded)
		s.forward(2 * time.Hour)
		s.Expect(s.rotations()).To(Equal(1))
		s.Expect(s.sets()).To(HaveLen(1))
	})
	t.Run("or does not", func(t *testing.T) {
		s := newStory(t)
		lose(s)
		s.Expect(s.until(time.Hour, func() bool { return s.claimAsked() != "" })).To(BeTrue())
		first, asked := s.clock.Now(), map[string]bool{}
		s.until(time.Hour, func() bool {
			asked[s.claimAsked()] = true
			return s.condition("line", v1alpha1.StalledCondition).Reason == v1alpha1.ReasonTokenLost
		})
		s.Expect(s.clock.Now().Sub(first)).To(BeNumerically("~", 30*time.Minute, 2*time.Minute))
		s.Expect(len(asked)).To(Equal(3), "every ten minutes")
		s.Expect(s.condition("line", v1alpha1.StalledCondition).Message).To(ContainSubstring("vendor's console"))
		s.rotatable(instance.FieldOwner, nil)
		s.endsRotation(v1alpha1.RotationRecovered)
		s.settled("line", v1alpha1.ReasonSucceeded)
	})
}
