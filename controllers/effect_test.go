// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"
	"time"

	"github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/fairqueue"
	"github.com/greenapi-operator/greenapi-operator/internal/keys"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
	"github.com/greenapi-operator/greenapi-operator/internal/states"
)

// TestAnyEffectThatWaitsForItsTurnKeepsIt, not only a write and a reboot.
func TestAnyEffectThatWaitsForItsTurnKeepsIt(t *testing.T) {
	g := gomega.NewWithT(t)
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	r := &Reconciler{Shared: NewShared(Shared{Clock: clocktesting.NewFakePassiveClock(now),
		Options: Options{MaxConcurrentRestarts: intstr.FromInt32(1), SettingsInterval: 10 * time.Minute}})}
	other := fairqueue.Waiter{Resource: keys.Resource{Kind: "WhatsAppInstance"}, Instance: keys.Instance{ID: 1}}
	r.restarts.Start(other, false, now, now.Add(time.Hour))
	p := &pass{memory: newMemory("", now), instance: &v1alpha1.WhatsAppInstance{}, key: types.NamespacedName{Namespace: "shop", Name: "line"}, id: keys.Instance{ID: 2}, now: now, state: states.Authorized,
		decision: &plan.Decision{Synced: v1alpha1.ReasonUpToDate}}
	var held plan.Hold
	third := effect{method: "updateApiToken", hold: func(hold plan.Hold) { held = hold }}
	g.Expect(r.carryOut(t.Context(), p, third)).To(gomega.Succeed())
	g.Expect(held.By).To(gomega.Equal(plan.HeldByTurn))
	r.releaseIfDone(t.Context(), p)
	_, waits := r.restarts.Look(r.resource(p.key), p.id)
	g.Expect(waits).To(gomega.BeTrue())
}
