// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// TestPartnerAccountsAreOffByDefault, and with the flag a process that looks after one namespace looks after them too. It buys
// nothing, and its log at the most verbose level has no token.
func TestPartnerAccountsAreOffByDefault(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	holdPartners(t)
	const listed = "canary0of0a0listed0instance012345"
	w.vendor.AddAccount(emulator.Account{Name: "reseller", Token: partnerToken})
	w.vendor.Add(emulator.Instance{ID: 710700000077, Token: listed, Name: "prod-eu/shop/support", Account: "reseller"})
	w.Expect(admin.Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.ns, Name: "partner"}, StringData: map[string]string{"partnerToken": partnerToken}})).To(Succeed())
	account := &v1alpha1.PartnerAccount{ObjectMeta: metav1.ObjectMeta{Name: w.ns}, Spec: v1alpha1.PartnerAccountSpec{
		PartnerAPIURL: w.url, PartnerTokenSecretRef: v1alpha1.PartnerTokenReference{Name: "partner"}, Messenger: "whatsapp", OwnerKey: "prod-eu",
		Limits: v1alpha1.PartnerLimits{MaxInstances: 1, MaxCreatesPerHour: 1}, Mode: v1alpha1.ModeCreateAndDelete,
	}}
	w.Expect(admin.Create(t.Context(), account)).To(Succeed())
	t.Cleanup(func() { _ = admin.Delete(context.Background(), account) })
	w.start()
	w.awaitReady()
	w.Consistently(func() int { return len(w.vendor.Calls(0, "getInstances")) }, "2s").Should(BeZero(), "without the flag there is no call")
	w.Expect(w.process.Process.Kill()).To(Succeed())

	w.startReseller()
	w.Eventually(func() bool {
		_ = admin.Get(t.Context(), client.ObjectKeyFromObject(account), account)
		return apimeta.IsStatusConditionTrue(account.Status.Conditions, v1alpha1.ReadyCondition)
	}, patience).Should(BeTrue(), "%s", w.output)
	w.Expect(*account.Status.Instances).To(Equal(v1alpha1.PartnerInstances{Living: 1, Unclaimed: 1}))
	w.awaitReady()
	w.Expect(w.vendor.Calls(0, "getInstances")).To(HaveLen(1))
	w.Expect(w.vendor.Ledger()).To(BeEmpty())
	for _, secret := range []string{"canary0partner", "canary0of0a0listed"} {
		w.Expect(w.output.String()).NotTo(ContainSubstring(secret), "R24: at the most verbose level")
	}
}
