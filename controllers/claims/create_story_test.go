// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package claims_test

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

const lineName = "prod-eu/shop/support-line"

// TestP1AClaimBuysItsInstanceOnce: the list first, then one call, then the Secret and the status; then nothing for a day.
func TestP1AClaimBuysItsInstanceOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	key := w.claim("support-line", nil)
	w.forward(time.Minute)
	w.expect(key, v1alpha1.CreatedCondition, "True Succeeded")
	w.expect(key, v1alpha1.ReadyCondition, "True Succeeded")
	claim := w.get(key)
	sold := w.vendor.Sold(lineName)
	w.Expect(sold).To(HaveLen(1))
	w.Expect(claim.Status.IDInstance).To(Equal(sold[0].ID))
	w.Expect(claim.Status.APIURL).To(Equal(w.url))
	w.Expect(claim.Status.Create.Outcome).To(Equal(v1alpha1.ClaimCreated))
	w.Expect(claim.Status.Create.Name).To(Equal(lineName))
	w.Expect(claim.Finalizers).To(BeEmpty(), "Retain needs none")
	values := w.secret("support-line-greenapi")
	w.Expect(values).To(HaveKeyWithValue("apiUrl", w.url))
	w.Expect(values).To(HaveKey("apiTokenInstance"))
	w.Expect(values["idInstance"]).NotTo(BeEmpty())
	calls := w.vendor.Calls(0, "")
	w.Expect(calls[0].Method).To(Equal(greenapi.MethodGetInstances))

	w.forward(20 * time.Minute)
	w.Expect(w.counts().Unclaimed).To(BeZero())
	writes, lists := w.writes, w.calls(greenapi.MethodGetInstances)
	w.forward(24 * time.Hour)
	w.Expect(w.writes).To(Equal(writes), "P13: in steady state nothing is written")
	w.Expect(w.calls(greenapi.MethodGetInstances)-lists).To(And(BeNumerically(">=", 120), BeNumerically("<=", 160)), "P13: one list in ten minutes")
	w.Expect(w.vendor.Sold("")).To(HaveLen(1))
}

// TestP1WhatIsThereIsAdopted, in every mode, and nothing is bought.
func TestP1WhatIsThereIsAdopted(t *testing.T) {
	t.Parallel()
	for _, mode := range []v1alpha1.PartnerMode{"", v1alpha1.ModeCreate} {
		w := newWorld(t, func(a *v1alpha1.PartnerAccount) { a.Spec.Mode = mode })
		w.vendor.Add(emulator.Instance{ID: 710700000777, Token: "t0ken-of-the-line-7777777", Name: lineName, Account: "reseller"})
		leaks.Add("t0ken-of-the-line-7777777")
		key := w.claim("support-line", nil)
		w.forward(time.Minute)
		w.expect(key, v1alpha1.CreatedCondition, "True Succeeded")
		w.Expect(w.get(key).Status.IDInstance).To(Equal(int64(710700000777)))
		w.Expect(w.get(key).Status.Create.Outcome).To(Equal(v1alpha1.ClaimAdopted))
		w.Expect(w.secret("support-line-greenapi")).To(HaveKeyWithValue("apiTokenInstance", "t0ken-of-the-line-7777777"))
		w.Expect(w.vendor.Sold("")).To(BeEmpty())
	}
}

// TestP2ALostAnswerBuysNothingMore: the instance shows in the list, at once or minutes late.
func TestP2ALostAnswerBuysNothingMore(t *testing.T) {
	t.Parallel()
	for _, late := range []time.Duration{0, 3 * time.Minute, 25 * time.Minute} {
		w := newWorld(t, nil)
		w.vendor.Fault(emulator.Fault{Method: greenapi.MethodCreateInstance, Drop: true, AfterEffect: true, Partner: &emulator.PartnerBehavior{Late: late}})
		key := w.claim("support-line", nil)
		w.forward(30 * time.Second)
		if late > 0 {
			w.expect(key, v1alpha1.CreatedCondition, "False OutcomeUnknown")
			w.expect(key, v1alpha1.ReconcilingCondition, "True Progressing")
		}
		w.forward(late + 10*time.Minute)
		w.expect(key, v1alpha1.CreatedCondition, "True Succeeded")
		w.Expect(w.get(key).Status.Create.Outcome).To(Equal(v1alpha1.ClaimAdopted))
		w.Expect(w.vendor.Sold("")).To(HaveLen(1))
		w.Expect(w.calls(greenapi.MethodCreateInstance)).To(Equal(1))
	}
}

// TestP3WhatWasNeverBoughtIsBoughtOnceMoreAndThenGivenUp.
func TestP3WhatWasNeverBoughtIsBoughtOnceMoreAndThenGivenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.vendor.Fault(emulator.Fault{Method: greenapi.MethodCreateInstance, Drop: true, Times: -1})
	key := w.claim("support-line", nil)
	w.forward(29 * time.Minute)
	w.Expect(w.calls(greenapi.MethodCreateInstance)).To(Equal(1))
	w.forward(5 * time.Minute)
	w.Expect(w.calls(greenapi.MethodCreateInstance)).To(Equal(2), "after half an hour and five good lists")
	w.forward(24 * time.Hour)
	w.Expect(w.calls(greenapi.MethodCreateInstance)).To(Equal(2), "two attempts are all")
	w.expect(key, v1alpha1.StalledCondition, "True OutcomeUnknown")
	w.vendor.ClearFaults()
	w.edit(key, func(c *v1alpha1.InstanceClaim) {
		c.Annotations = map[string]string{v1alpha1.ReconcileRequestedAtAnnotation: "once more"}
	})
	w.forward(40 * time.Minute)
	w.expect(key, v1alpha1.CreatedCondition, "True Succeeded")
	w.Expect(w.get(key).Status.LastHandledReconcileAt).To(Equal("once more"))
	w.Expect(w.vendor.Sold("")).To(HaveLen(1))
}

// TestP7FortyClaimsAtALimitOfTwelve: no more than five within an hour, and no more than twelve in all, although answers are lost.
func TestP7FortyClaimsAtALimitOfTwelve(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(a *v1alpha1.PartnerAccount) {
		a.Spec.Limits = v1alpha1.PartnerLimits{MaxInstances: 12, MaxCreatesPerHour: 5}
	})
	w.vendor.Fault(emulator.Fault{Method: greenapi.MethodCreateInstance, Drop: true, AfterEffect: true, Times: 3})
	for i := range 40 {
		w.claim("line-"+string(rune('a'+i/20))+string(rune('a'+i%20)), nil)
	}
	w.forward(55 * time.Minute)
	w.Expect(w.vendor.Sold("")).To(HaveLen(5))
	w.forward(5 * time.Hour)
	sold := w.vendor.Sold("")
	w.Expect(sold).To(HaveLen(12))
	names := map[string]bool{}
	for i, entry := range sold {
		w.Expect(names[entry.Name]).To(BeFalse(), "%s was bought twice", entry.Name)
		names[entry.Name] = true
		if i >= 5 {
			w.Expect(entry.Time.Sub(sold[i-5].Time)).To(BeNumerically(">=", time.Hour-time.Second))
		}
	}
	waiting := 0
	for i := range 40 {
		key := w.claimKey("line-" + string(rune('a'+i/20)) + string(rune('a'+i%20)))
		if w.get(key).Status.IDInstance == 0 {
			waiting++
			w.expect(key, v1alpha1.CreatedCondition, "False LimitReached")
		}
	}
	w.Expect(waiting).To(Equal(28))
	w.editAccount(func(a *v1alpha1.PartnerAccount) {
		a.Spec.Limits = v1alpha1.PartnerLimits{MaxInstances: 50, MaxCreatesPerHour: 1000}
	})
	w.forward(5 * time.Minute)
	w.Expect(w.vendor.Sold("")).To(HaveLen(40))
}

// TestP4TheFirstInstanceMayBeLate: an account that is known by it alone is not taken for another one meanwhile.
func TestP4TheFirstInstanceMayBeLate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.vendor.UpdateAccount("reseller", func(a *emulator.Account) { a.Behavior.Late = 5 * time.Minute })
	key := w.claim("support-line", nil)
	w.forward(time.Minute)
	w.expect(key, v1alpha1.ReadyCondition, "True Succeeded")
	second := w.claim("second", nil)
	w.forward(4 * time.Minute)
	w.Expect(w.stalled()).To(BeFalse())
	w.forward(5 * time.Minute)
	w.expect(second, v1alpha1.ReadyCondition, "True Succeeded")
	w.Expect(w.vendor.Sold("")).To(HaveLen(2))
}

// TestP1AListOfBeforeIsNotUsed: what a person makes in the console right before the claim does not show in the last list.
func TestP1AListOfBeforeIsNotUsed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.forward(30 * time.Second)
	w.Expect(w.calls(greenapi.MethodGetInstances)).To(Equal(1))
	w.line(710700000777, lineName)
	key := w.claim("support-line", nil)
	w.forward(time.Minute)
	w.Expect(w.get(key).Status.IDInstance).To(Equal(int64(710700000777)))
	w.Expect(w.vendor.Sold("")).To(BeEmpty())
}

// TestP7AnotherProcessBuysMeanwhile: the limits hold for what is stored on the API server, not for what was read before.
func TestP7AnotherProcessBuysMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(a *v1alpha1.PartnerAccount) {
		a.Spec.Limits = v1alpha1.PartnerLimits{MaxInstances: 5, MaxCreatesPerHour: 1}
	})
	w.forward(time.Second)
	key := w.claim("support-line", nil)
	w.op = func(when, verb string, object client.Object) {
		account, ok := object.(*v1alpha1.PartnerAccount)
		if !ok || when != "before" || verb != "status" || len(account.Status.Creates) == 0 {
			return
		}
		w.op = nil
		theirs := w.account()
		theirs.Status.Creates = append(theirs.Status.Creates, v1alpha1.PartnerCreate{Name: "prod-eu/office/line", ClaimUID: "theirs", Attempt: 1, Time: metav1.NewTime(w.clock.Now())})
		w.Expect(w.cluster.Status().Update(w.ctx, theirs)).To(Succeed())
	}
	w.forward(time.Minute)
	w.Expect(w.op).To(BeNil())
	w.expect(key, v1alpha1.CreatedCondition, "False LimitReached")
	w.Expect(w.calls(greenapi.MethodCreateInstance)).To(BeZero())
	w.forward(time.Hour)
	w.expect(key, v1alpha1.CreatedCondition, "True Succeeded")
}
