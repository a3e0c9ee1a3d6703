// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package claims_test

import (
	"cmp"
	"context"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// steady expects that a claim which waits for a person is written no more, whether lists come, time passes or the process begins anew.
func (w *world) steady(key types.NamespacedName) {
	w.t.Helper()
	version := w.get(key).ResourceVersion
	w.forward(time.Hour)
	w.restart()
	w.forward(time.Hour)
	w.Expect(w.get(key).ResourceVersion).To(Equal(version))
}

// TestP7OneAccountAtTheVendorHasOneRecord: of two resources for the same account and owner key only the elder buys. What the younger one may
// not buy it still finds.
func TestP7OneAccountAtTheVendorHasOneRecord(t *testing.T) {
	t.Parallel()
	const others = "gac.another-account-0123456789"
	leaks.Add(others)
	for name, test := range map[string]struct {
		change func(*v1alpha1.PartnerAccount)
		// token is that of the second Secret.
		token string
		buys  bool
	}{
		"one Secret":                      {func(*v1alpha1.PartnerAccount) {}, "", false},
		"one Secret, its key written out": {func(a *v1alpha1.PartnerAccount) { a.Spec.PartnerTokenSecretRef.Key = v1alpha1.DefaultPartnerTokenKey }, "", false},
		"a Secret with the same token":    {func(a *v1alpha1.PartnerAccount) { a.Spec.PartnerTokenSecretRef.Name = "second" }, "", false},
		"a Secret with another token":     {func(a *v1alpha1.PartnerAccount) { a.Spec.PartnerTokenSecretRef.Name = "second" }, others, true},
		"another owner key":               {func(a *v1alpha1.PartnerAccount) { a.Spec.OwnerKey = "staging" }, "", true},
		"another messenger":               {func(a *v1alpha1.PartnerAccount) { a.Spec.Messenger = "telegram" }, "", true},
		"the elder never buys":            {nil, "", true},
	} {
		w := newWorld(t, nil)
		w.vendor.AddAccount(emulator.Account{Name: "others", Token: others})
		w.line(710700000001, "Support VIP")
		w.vendor.Add(emulator.Instance{ID: 710700000009, Token: "t0ken-of-the-others-0123456789", Name: "Sales", Account: "others"})
		w.create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: "second"}, Data: map[string][]byte{"partnerToken": []byte(cmp.Or(test.token, w.token))}})
		w.forward(time.Minute)
		younger := &v1alpha1.PartnerAccount{ObjectMeta: metav1.ObjectMeta{Name: "a-second", Generation: 1}, Spec: *w.account().Spec.DeepCopy()}
		if test.change == nil {
			w.editAccount(func(a *v1alpha1.PartnerAccount) { a.Spec.Mode = v1alpha1.ModeObserve })
			test.change = func(*v1alpha1.PartnerAccount) {}
		}
		test.change(younger)
		w.create(younger)
		w.wake("account", types.NamespacedName{Name: "a-second"})
		key := w.claim("support-line", func(c *v1alpha1.InstanceClaim) { c.Spec.AccountRef.Name = "a-second" })
		w.forward(time.Hour)
		w.Expect(w.calls("createInstance")).To(Equal(map[bool]int{true: 1, false: 0}[test.buys]), name)
		if test.buys {
			continue
		}
		w.expect(key, v1alpha1.StalledCondition, "True AccountNotReady")
		w.steady(key)
		w.Expect(apimeta.FindStatusCondition(w.get(key).Status.Conditions, v1alpha1.StalledCondition).Message).To(ContainSubstring(`Make the claim with accountRef "reseller"`), name)
		w.line(710700000002, lineName)
		w.forward(time.Hour)
		w.expect(key, v1alpha1.CreatedCondition, "True Succeeded")
		w.Expect(w.get(key).Status.IDInstance).To(BeEquivalentTo(710700000002))
	}
}

// TestP7AnAccountThatTheCacheLacksIsSeen: before a call the accounts are read as the API server has them.
func TestP7AnAccountThatTheCacheLacksIsSeen(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.forward(time.Minute)
	younger := &v1alpha1.PartnerAccount{ObjectMeta: metav1.ObjectMeta{Name: "a-second", Generation: 1}, Spec: *w.account().Spec.DeepCopy()}
	w.create(younger)
	w.wake("account", types.NamespacedName{Name: "a-second"})
	reconciler := w.reconciler()
	reconciler.Client = interceptor.NewClient(w.operators(), interceptor.Funcs{
		List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, options ...client.ListOption) error {
			if _, accounts := list.(*v1alpha1.PartnerAccountList); accounts {
				return nil
			}
			return c.List(ctx, list, options...)
		},
	})
	key := w.claim("support-line", func(c *v1alpha1.InstanceClaim) { c.Spec.AccountRef.Name = "a-second" })
	w.forward(time.Hour)
	w.expect(key, v1alpha1.StalledCondition, "True AccountNotReady")
	w.Expect(w.calls("createInstance")).To(BeZero())
}

// TestP7ACreateFarAheadSaysWhatToDo: a clock that was wrong cannot be told from one that is wrong now, so nothing is bought, and a person hears why.
func TestP7ACreateFarAheadSaysWhatToDo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(a *v1alpha1.PartnerAccount) { a.Spec.Limits.MaxCreatesPerHour = 1 })
	w.forward(time.Minute)
	key := w.claimKey("support-line")
	for _, ahead := range []time.Duration{time.Minute, 24 * time.Hour} {
		account := w.account()
		account.Status.Creates = []v1alpha1.PartnerCreate{{Name: "prod-eu/shop/another", ClaimUID: "another", Attempt: 1, Time: metav1.NewTime(w.clock.Now().Add(ahead))}}
		w.Expect(w.cluster.Status().Update(w.ctx, account)).To(Succeed())
		if ahead == time.Minute {
			w.claim("support-line", nil)
		}
		w.wakeAll()
		w.forward(time.Minute)
		w.expect(key, v1alpha1.CreatedCondition, "False LimitReached")
		w.expect(key, v1alpha1.StalledCondition, map[bool]string{true: "True LimitReached"}[ahead > time.Hour])
	}
	w.steady(key)
	w.Expect(apimeta.FindStatusCondition(w.get(key).Status.Conditions, v1alpha1.StalledCondition).Message).
		To(SatisfyAll(ContainSubstring("clock was wrong"), ContainSubstring("kubectl edit partneraccount reseller --subresource=status")))
	account := w.account()
	account.Status.Creates = nil
	w.Expect(w.cluster.Status().Update(w.ctx, account)).To(Succeed())
	w.wakeAll()
	w.forward(time.Minute)
	w.expect(key, v1alpha1.CreatedCondition, "True Succeeded")
}
