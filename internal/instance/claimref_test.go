// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package instance

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/keys"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
)

func claimedBy(name string) *v1alpha1.MaxInstance {
	resource := &v1alpha1.MaxInstance{}
	resource.Spec.ClaimRef = &v1alpha1.ClaimReference{Name: name}
	return resource
}

func TestWhatAClaimKnowsIsFilledIn(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	claim := &v1alpha1.InstanceClaim{ObjectMeta: metav1.ObjectMeta{Name: "c"}}
	claim.Status.IDInstance, claim.Status.APIURL = 310000000001, "https://3100.api.green-api.com"
	resource := claimedBy("c")
	Fill(resource, claim)
	g.Expect(resource.Spec.InstanceSpec).To(Equal(v1alpha1.InstanceSpec{
		IDInstance: 310000000001, APIURL: "https://3100.api.green-api.com", ClaimRef: &v1alpha1.ClaimReference{Name: "c"},
		APITokenSecretRef: v1alpha1.SecretKeyReference{Name: "c-greenapi", Key: "apiTokenInstance"},
	}))
	own := claimedBy("c")
	own.Spec.APIURL, claim.Spec.SecretName = "https://own.api.green-api.com", "other"
	Fill(own, claim)
	g.Expect(own.Spec.APIURL).To(Equal("https://own.api.green-api.com"))
	g.Expect(APITokenRef(own).Name).To(Equal("other"))
}

// TestTheNumberOfOneThatWasNotFilledIn is what the status has; without it the resource names no instance.
func TestTheNumberOfOneThatWasNotFilledIn(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	resource := claimedBy("c")
	_, known := Key(resource, "https://api.green-api.com")
	g.Expect(known).To(BeFalse())
	g.Expect(APITokenRef(resource)).To(Equal(v1alpha1.SecretKeyReference{Name: "c-greenapi", Key: "apiTokenInstance"}))
	resource.Status.IDInstance, resource.Status.APIURL = 310000000001, "https://elsewhere.example"
	resource.Status.AcceptedTokenRefs = []v1alpha1.SecretKeyReference{{Name: "old", Key: "apiTokenInstance"}, {Name: "latest", Key: "apiTokenInstance"}}
	key, known := Key(resource, "https://api.green-api.com")
	g.Expect(known).To(BeTrue())
	g.Expect(key).To(Equal(keys.Instance{Origin: "https://elsewhere.example", ID: 310000000001}))
	g.Expect(APITokenRef(resource).Name).To(Equal("latest"))

	// A spec with a number has its own word, whatever a status says.
	resource.Spec.ClaimRef, resource.Spec.IDInstance = nil, 7
	g.Expect(Number(resource)).To(Equal(int64(7)))
	origin, err := Origin(resource, "https://api.green-api.com")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(origin.String()).To(Equal("https://api.green-api.com"))
}

func TestWhyAClaimIsNotReady(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	claim := &v1alpha1.InstanceClaim{ObjectMeta: metav1.ObjectMeta{Name: "c"}}
	g.Expect(ClaimTrouble(claim)).To(Equal(`InstanceClaim "c" was not looked at yet`))
	says := func(status metav1.ConditionStatus) {
		apimeta.SetStatusCondition(&claim.Status.Conditions, metav1.Condition{Type: v1alpha1.CreatedCondition, Status: status, Reason: "Why", Message: "Because"})
	}
	for _, status := range []metav1.ConditionStatus{metav1.ConditionFalse, metav1.ConditionUnknown} {
		says(status)
		g.Expect(ClaimTrouble(claim)).To(Equal(`InstanceClaim "c" does not have its instance (Why): Because`))
	}
	says(metav1.ConditionTrue)
	g.Expect(ClaimTrouble(claim)).To(Equal(`InstanceClaim "c" does not say the number of its instance yet`))
	claim.Status.IDInstance = 1
	g.Expect(ClaimTrouble(claim)).To(BeEmpty())
	claim.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)}
	g.Expect(ClaimTrouble(claim)).To(Equal(`InstanceClaim "c" is being deleted`))
}

// TestR31WindowsAreSpreadByTheNumberOfTheClaim: two lines of one window do not begin together.
func TestR31WindowsAreSpreadByTheNumberOfTheClaim(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	opens := func(change func(*v1alpha1.MaxInstance)) time.Time {
		resource := claimedBy("c")
		resource.Spec.Maintenance = &v1alpha1.Maintenance{TimeZone: "UTC", Windows: []v1alpha1.MaintenanceWindow{{Start: "02:00", Duration: metav1.Duration{Duration: 4 * time.Hour}}}}
		change(resource)
		return DecisionInput(resource, resource.InstanceStatus(), Reading{Now: time.Date(2026, 1, 2, 1, 0, 0, 0, time.UTC), Desired: plan.Desired{}}).Window.Opens
	}
	byClaim := opens(func(r *v1alpha1.MaxInstance) { r.Status.IDInstance = 310000000001 })
	byNumber := opens(func(r *v1alpha1.MaxInstance) { r.Spec.ClaimRef, r.Spec.IDInstance = nil, 310000000001 })
	other := opens(func(r *v1alpha1.MaxInstance) { r.Status.IDInstance = 310000000002 })
	g.Expect(byClaim).To(Equal(byNumber))
	g.Expect(byClaim).NotTo(Equal(other))
}
