// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package claims_test

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// TestWhatIsMendedGoesOn by itself, a list later at the latest, also where nothing wakes the claim, and what was bought stays one.
func TestWhatIsMendedGoesOn(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		account func(*v1alpha1.PartnerAccount)
		claim   func(*v1alpha1.InstanceClaim)
		before  func(*world)
		reason  string
		mend    func(*world)
		sold    int
	}{
		"another messenger": {
			before: func(w *world) {
				w.vendor.UpdateAccount("reseller", func(a *emulator.Account) { a.Messenger = emulator.Telegram })
			},
			reason: v1alpha1.ReasonMessengerMismatch, sold: 1,
			mend: func(w *world) {
				w.editAccount(func(a *v1alpha1.PartnerAccount) { a.Spec.Messenger = emulator.Telegram })
			},
		},
		"a Secret that gets the label": {
			before: func(w *world) {
				w.create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: shop, Name: "support-line-greenapi"}})
			},
			reason: v1alpha1.ReasonSecretConflict, sold: 1,
			mend: func(w *world) {
				secret := &corev1.Secret{}
				w.Expect(w.cluster.Get(w.ctx, types.NamespacedName{Namespace: shop, Name: "support-line-greenapi"}, secret)).To(Succeed())
				secret.Labels = map[string]string{v1alpha1.ClaimLabel: "support-line"}
				w.Expect(w.cluster.Update(w.ctx, secret)).To(Succeed())
			},
		},
		"an adoption that was not there": {
			account: func(a *v1alpha1.PartnerAccount) {
				a.Spec.Adoptions = []v1alpha1.PartnerAdoption{{InstanceName: "Support VIP", Namespace: shop}}
			},
			claim:  func(c *v1alpha1.InstanceClaim) { c.Spec.InstanceName = "Support VIP" },
			reason: v1alpha1.ReasonInstanceMissing,
			mend:   func(w *world) { w.line(710700000777, "Support VIP") },
		},
		"a wrong partner token": {
			before: func(w *world) { w.partnerToken("gac.of-nobody-0123456789") },
			reason: v1alpha1.ReasonAccountNotReady, sold: 1,
			mend: func(w *world) { w.partnerToken(w.token) },
		},
		"refusals": {
			before: func(w *world) {
				w.vendor.Fault(emulator.Fault{Method: greenapi.MethodCreateInstance, Status: 429, Times: 2})
			},
			reason: v1alpha1.ReasonCreateRejected, sold: 1,
			mend: func(w *world) {
				w.edit(w.claimKey("support-line"), func(c *v1alpha1.InstanceClaim) {
					c.Annotations = map[string]string{v1alpha1.ReconcileRequestedAtAnnotation: "now"}
				})
			},
		},
		"a number of another account in the Secret": {
			before: func(w *world) {
				w.line(710700000777, "prod-eu/office/vip")
				w.create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: shop, Name: "support-line-greenapi", Labels: map[string]string{v1alpha1.ClaimLabel: "support-line"}},
					Data: map[string][]byte{"idInstance": []byte("710700000777")}})
			},
			reason: v1alpha1.ReasonSecretConflict, sold: 1,
			mend: func(w *world) { w.loseSecret("support-line-greenapi", w.claimKey("support-line")) },
		},
		"an immutable Secret": {
			before: func(w *world) {
				w.create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: shop, Name: "support-line-greenapi", Labels: map[string]string{v1alpha1.ClaimLabel: "support-line"}}, Immutable: new(true)})
			},
			reason: v1alpha1.ReasonSecretConflict, sold: 1,
			mend: func(w *world) { w.loseSecret("support-line-greenapi", w.claimKey("support-line")) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, test.account)
			if test.before != nil {
				test.before(w)
			}
			key := w.claim("support-line", test.claim)
			w.forward(40 * time.Minute)
			w.expect(key, v1alpha1.CreatedCondition, "False "+test.reason)
			writes := w.writes
			w.forward(4 * time.Hour)
			w.expect(key, v1alpha1.CreatedCondition, "False "+test.reason)
			w.Expect(w.writes).To(Equal(writes), "nothing is written meanwhile")
			test.mend(w)
			w.forward(15 * time.Minute)
			w.expect(key, v1alpha1.ReadyCondition, "True Succeeded")
			w.Expect(w.vendor.Sold("")).To(HaveLen(test.sold))
		})
	}
}

// partnerToken puts a token into the account's Secret.
func (w *world) partnerToken(token string) {
	w.t.Helper()
	leaks.Add(token)
	secret := &corev1.Secret{}
	w.Expect(w.cluster.Get(w.ctx, types.NamespacedName{Namespace: system, Name: "reseller-partner"}, secret)).To(Succeed())
	secret.Data = map[string][]byte{"partnerToken": []byte(token)}
	w.Expect(w.cluster.Update(w.ctx, secret)).To(Succeed())
}
