// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// TestR18ANumberThatAClaimBringsWakesRivals: who else names it may have to step back.
func TestR18ANumberThatAClaimBringsWakesRivals(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	// There is no client: who looks for something finds none.
	r := &Reconciler{Kind: instance.Kinds[0], Shared: &Shared{Options: Options{DefaultAPIURL: "https://api.green-api.com"}}}
	before := &v1alpha1.WhatsAppInstance{}
	before.Spec.ClaimRef = &v1alpha1.ClaimReference{Name: "c"}
	after := before.DeepCopy()
	g.Expect(r.claimChanged().Update(event.UpdateEvent{ObjectOld: before, ObjectNew: after})).To(BeFalse())
	after.Status.IDInstance = 710700000001
	g.Expect(r.claimChanged().Update(event.UpdateEvent{ObjectOld: before, ObjectNew: after})).To(BeTrue())
	g.Expect(r.rivalsOf(t.Context(), before)).To(BeEmpty(), "without a number there are no rivals to look for")
}

// TestOnlyNewsOfAClaimWakeItsResources: what else a claim's status says is not about them.
func TestOnlyNewsOfAClaimWakeItsResources(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	claim := func(change func(*v1alpha1.InstanceClaim)) *v1alpha1.InstanceClaim {
		made := &v1alpha1.InstanceClaim{}
		made.Status.IDInstance, made.Status.APIURL = 1, "https://api.green-api.com"
		made.Status.Conditions = []metav1.Condition{{Type: v1alpha1.CreatedCondition, Status: metav1.ConditionTrue}}
		made.Status.Create = &v1alpha1.CreateRecord{Outcome: v1alpha1.ClaimCreated, FinishedTime: &metav1.Time{Time: time.Unix(1, 0)}}
		change(made)
		return made
	}
	wakes := func(change func(*v1alpha1.InstanceClaim)) bool {
		return newsOfClaim().Update(event.UpdateEvent{ObjectOld: claim(func(*v1alpha1.InstanceClaim) {}), ObjectNew: claim(change)})
	}
	for name, change := range map[string]func(*v1alpha1.InstanceClaim){
		"Created":  func(c *v1alpha1.InstanceClaim) { c.Status.Conditions[0].Status = metav1.ConditionFalse },
		"number":   func(c *v1alpha1.InstanceClaim) { c.Status.IDInstance = 2 },
		"address":  func(c *v1alpha1.InstanceClaim) { c.Status.APIURL = "" },
		"deletion": func(c *v1alpha1.InstanceClaim) { c.DeletionTimestamp = &metav1.Time{Time: time.Unix(2, 0)} },
		"outcome":  func(c *v1alpha1.InstanceClaim) { c.Status.Create.Outcome = v1alpha1.ClaimAdopted },
		"time":     func(c *v1alpha1.InstanceClaim) { c.Status.Create.FinishedTime.Time = time.Unix(3, 0) },
	} {
		g.Expect(wakes(change)).To(BeTrue(), name)
	}
	for name, change := range map[string]func(*v1alpha1.InstanceClaim){
		"nothing":      func(*v1alpha1.InstanceClaim) {},
		"a request":    func(c *v1alpha1.InstanceClaim) { c.Status.LastHandledReconcileAt = "now" },
		"a transition": func(c *v1alpha1.InstanceClaim) { c.Status.Conditions[0].LastTransitionTime.Time = time.Unix(5, 0) },
		"a finalizer":  func(c *v1alpha1.InstanceClaim) { c.Finalizers = []string{v1alpha1.ClaimFinalizer} },
	} {
		g.Expect(wakes(change)).To(BeFalse(), name)
	}
}
