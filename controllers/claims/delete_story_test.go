// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package claims_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

func deletes(c *v1alpha1.InstanceClaim) { c.Spec.DeletionPolicy = v1alpha1.DeletionDelete }

// deleted are the numbers that the vendor deleted.
func (w *world) deleted() []int64 {
	var ids []int64
	for _, entry := range w.vendor.Ledger() {
		if entry.What == emulator.EntryDeleted {
			ids = append(ids, entry.ID)
		}
	}
	return ids
}

// TestP11AClaimThatSaysSoTakesItsInstanceWithIt: the phone first, then the instance, once, and the claim goes when the list says so.
func TestP11AClaimThatSaysSoTakesItsInstanceWithIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	key := w.claim("support-line", deletes)
	w.forward(time.Minute)
	claim := w.get(key)
	w.Expect(claim.Finalizers).To(ConsistOf(v1alpha1.ClaimFinalizer))
	secret := &corev1.Secret{}
	w.Expect(w.cluster.Get(w.ctx, types.NamespacedName{Namespace: shop, Name: "support-line-greenapi"}, secret)).To(Succeed())
	w.Expect(secret.OwnerReferences).To(HaveLen(1))
	w.vendor.SetState(claim.Status.IDInstance, emulator.StateAuthorized)
	w.vendor.UpdateAccount("reseller", func(a *emulator.Account) { a.Behavior.Late = 2 * time.Minute })
	w.delete(key)
	w.forward(time.Minute)
	w.expect(key, v1alpha1.ReadyCondition, "False Deleting")
	w.forward(10 * time.Minute)
	w.Expect(w.gone(key)).To(BeTrue())
	w.Expect(w.deleted()).To(Equal([]int64{claim.Status.IDInstance}))
	w.Expect(w.calls(greenapi.MethodLogout)).To(Equal(1))
	w.Expect(w.calls(greenapi.MethodDeleteInstanceAccount)).To(Equal(1))
}

// TestP11InEveryOtherCaseTheInstanceStays, and the claim goes at once.
func TestP11InEveryOtherCaseTheInstanceStays(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		what   string
		claim  func(*v1alpha1.InstanceClaim)
		before func(*world, types.NamespacedName)
		// slow: a list is read first.
		slow bool
	}{
		{what: "Retain"},
		{what: "Delete came when the instance was there already", before: func(w *world, key types.NamespacedName) { w.edit(key, deletes) }},
		{what: "Retain again", claim: deletes, before: func(w *world, key types.NamespacedName) {
			w.edit(key, func(c *v1alpha1.InstanceClaim) { c.Spec.DeletionPolicy = v1alpha1.DeletionRetain })
		}},
		{what: "the account no longer permits it", claim: deletes, before: func(w *world, _ types.NamespacedName) {
			w.editAccount(func(a *v1alpha1.PartnerAccount) { a.Spec.Mode = v1alpha1.ModeCreate })
		}},
		{what: "the account is gone", claim: deletes, before: func(w *world, _ types.NamespacedName) {
			w.Expect(w.cluster.Delete(w.ctx, w.account())).To(Succeed())
		}},
		{what: "the instance was renamed", claim: deletes, slow: true, before: func(w *world, key types.NamespacedName) {
			in, _ := w.vendor.Get(w.get(key).Status.IDInstance)
			in.Name = "VIP"
			w.vendor.Remove(in.ID)
			w.vendor.Add(in)
		}},
	} {
		w := newWorld(t, nil)
		key := w.claim("support-line", test.claim)
		w.forward(time.Minute)
		w.expect(key, v1alpha1.ReadyCondition, "True Succeeded")
		if test.before != nil {
			test.before(w, key)
			w.forward(time.Second)
		}
		w.delete(key)
		w.forward(time.Second)
		if test.slow {
			w.forward(time.Minute)
		}
		w.Expect(w.gone(key)).To(BeTrue(), test.what)
		w.Expect(w.deleted()).To(BeEmpty(), test.what)
		w.Expect(w.calls(greenapi.MethodDeleteInstanceAccount)).To(BeZero(), test.what)
	}
}

// TestP11ADeleteWhoseAnswerIsLostIsLookedFor, and one that had no effect is tried again after half an hour.
func TestP11ADeleteWhoseAnswerIsLostIsLookedFor(t *testing.T) {
	t.Parallel()
	for _, effect := range []bool{true, false} {
		w := newWorld(t, nil)
		key := w.claim("support-line", deletes)
		w.forward(time.Minute)
		w.vendor.Fault(emulator.Fault{Method: greenapi.MethodDeleteInstanceAccount, Drop: true, AfterEffect: effect})
		w.delete(key)
		w.forward(28 * time.Minute)
		w.Expect(w.gone(key)).To(Equal(effect))
		w.Expect(w.calls(greenapi.MethodDeleteInstanceAccount)).To(Equal(1))
		w.forward(15 * time.Minute)
		w.Expect(w.gone(key)).To(BeTrue())
		w.Expect(w.deleted()).To(HaveLen(1))
	}
}

// TestP11AfterADayItIsAbandonedLoudly.
func TestP11AfterADayItIsAbandonedLoudly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	key := w.claim("support-line", deletes)
	w.forward(time.Minute)
	id := w.get(key).Status.IDInstance
	w.vendor.Fault(emulator.Fault{Method: greenapi.MethodDeleteInstanceAccount, Status: 500, Times: -1})
	w.delete(key)
	w.forward(23 * time.Hour)
	w.Expect(w.gone(key)).To(BeFalse())
	w.Expect(w.calls(greenapi.MethodDeleteInstanceAccount)).To(BeNumerically("<=", 48))
	w.forward(2 * time.Hour)
	w.Expect(w.gone(key)).To(BeTrue())
	w.Expect(slices.ContainsFunc(w.events, func(e string) bool {
		return strings.HasPrefix(e, "Warning DeletionAbandoned") && strings.Contains(e, strconv.FormatInt(id, 10))
	})).To(BeTrue(), "%v", w.events)
	w.Expect(w.living(lineName)).To(Equal([]int64{id}))
}

// TestP11WhatMayHaveBeenBoughtIsDeletedToo: a claim is deleted while nobody knows whether its instance was bought.
func TestP11WhatMayHaveBeenBoughtIsDeletedToo(t *testing.T) {
	t.Parallel()
	for _, late := range []time.Duration{0, 10 * time.Minute} {
		w := newWorld(t, nil)
		w.vendor.Fault(emulator.Fault{Method: greenapi.MethodCreateInstance, Drop: true, AfterEffect: true, Partner: &emulator.PartnerBehavior{Late: late}})
		key := w.claim("support-line", deletes)
		w.forward(25 * time.Second)
		w.Expect(w.calls(greenapi.MethodCreateInstance)).To(Equal(1))
		w.delete(key)
		w.forward(time.Hour)
		w.Expect(w.gone(key)).To(BeTrue())
		w.Expect(w.living(lineName)).To(BeEmpty())
	}
}
