// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// TestThePolicyAboutClaimsThatDelete: only where the namespace has the label may a claim delete its instance, and what is there already
// stays as it is.
func TestThePolicyAboutClaimsThatDelete(t *testing.T) {
	t.Parallel()
	needControlPlane(t)
	const label = "messaging.greenapi-operator.dev/claims-may-delete"
	p := &policed{WithT: NewWithT(t), t: t}
	objects := read(p, "claims-retain.yaml")
	labels := bind(p, objects, "claims-retain")
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "policed-", Labels: labels}}
	p.Expect(admin.Create(t.Context(), namespace)).To(Succeed())
	claim := func(name string, policy v1alpha1.DeletionPolicy) *v1alpha1.InstanceClaim {
		return &v1alpha1.InstanceClaim{ObjectMeta: metav1.ObjectMeta{Namespace: namespace.Name, Name: name}, Spec: v1alpha1.InstanceClaimSpec{
			AccountRef: v1alpha1.AccountReference{Name: "reseller"}, DeletionPolicy: policy,
		}}
	}
	create := func(policy v1alpha1.DeletionPolicy) error {
		return admin.Create(t.Context(), claim("line", policy), client.DryRunAll)
	}
	old, kept := claim("old", v1alpha1.DeletionDelete), claim("kept", "")
	for _, there := range []*v1alpha1.InstanceClaim{old, kept} {
		p.Expect(admin.Create(t.Context(), there)).To(Succeed())
	}
	for _, object := range objects {
		p.Expect(admin.Create(t.Context(), object)).To(Succeed())
		t.Cleanup(func() { _ = admin.Delete(t.Context(), object) })
	}
	p.Eventually(func() error { return create(v1alpha1.DeletionDelete) }, 30*time.Second).Should(MatchError(ContainSubstring("spec.deletionPolicy: Delete is not allowed in the namespace "+namespace.Name)), "the policy comes into effect")
	p.Expect(create("")).To(Succeed())
	p.Expect(create(v1alpha1.DeletionRetain)).To(Succeed())

	old.Annotations = map[string]string{v1alpha1.ReconcileRequestedAtAnnotation: "1"}
	p.Expect(admin.Update(t.Context(), old, client.DryRunAll)).To(Succeed(), "what is there already")
	kept.Spec.DeletionPolicy = v1alpha1.DeletionDelete
	p.Expect(admin.Update(t.Context(), kept, client.DryRunAll)).To(MatchError(ContainSubstring("is not allowed")))

	namespace.Labels[label] = "true"
	p.Expect(admin.Update(t.Context(), namespace)).To(Succeed())
	p.Eventually(func() error { return create(v1alpha1.DeletionDelete) }, 30*time.Second).Should(Succeed())
}

// TestTheSamplesOfPartnerAccountsAreAccepted, of which each claim names the account that is there, and each instance a claim.
func TestTheSamplesOfPartnerAccountsAreAccepted(t *testing.T) {
	t.Parallel()
	needControlPlane(t)
	p := &policed{WithT: NewWithT(t), t: t}
	names := map[string]string{}
	for _, sample := range []string{"../partner/account.yaml", "../partner/claim.yaml"} {
		for _, object := range read(p, sample) {
			if object.GetKind() != "PartnerAccount" {
				object.SetNamespace("default")
			}
			names[object.GetKind()] = object.GetName()
			p.Expect(admin.Create(t.Context(), object.DeepCopy(), client.DryRunAll, client.FieldValidation("Strict"))).To(Succeed())
			spec, _, _ := unstructured.NestedMap(object.Object, "spec")
			p.Expect(spec).NotTo(HaveKey("mode"), "a sample buys nothing")
			if ref, found, _ := unstructured.NestedString(spec, "accountRef", "name"); found {
				p.Expect(ref).To(Equal(names["PartnerAccount"]))
			}
			if ref, found, _ := unstructured.NestedString(spec, "claimRef", "name"); found {
				p.Expect(ref).To(Equal(names["InstanceClaim"]))
			}
		}
	}
	p.Expect(names).To(HaveLen(3))
}
