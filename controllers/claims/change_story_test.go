// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package claims_test

import (
	"errors"
	"strconv"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// loseSecret deletes a Secret of the shop.
func (w *world) loseSecret(name string, key types.NamespacedName) {
	w.t.Helper()
	w.Expect(w.cluster.Delete(w.ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: shop, Name: name}})).To(Succeed())
	w.wake("claim", key)
}

// accountAnew deletes the account and creates it anew, without a status.
func (w *world) accountAnew(change func(*v1alpha1.PartnerAccount)) {
	w.t.Helper()
	account := w.account()
	w.Expect(w.cluster.Delete(w.ctx, account)).To(Succeed())
	again := &v1alpha1.PartnerAccount{ObjectMeta: metav1.ObjectMeta{Name: account.Name, Generation: 1}, Spec: account.Spec}
	if change != nil {
		change(again)
	}
	w.create(again)
	w.wake("account", types.NamespacedName{Name: account.Name})
	w.wakeAll()
}

// TestP6AnotherClaimOfTheNameBuysMeanwhile: what is stored on the API server counts, not what the cache had.
func TestP6AnotherClaimOfTheNameBuysMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.forward(time.Second)
	key := w.claim("support-line", nil)
	w.op = func(when, verb string, object client.Object) {
		account, ok := object.(*v1alpha1.PartnerAccount)
		if !ok || when != "before" || verb != "status" || len(account.Status.Creates) == 0 {
			return
		}
		w.op = nil
		theirs := w.account()
		theirs.Status.Creates = append(theirs.Status.Creates, v1alpha1.PartnerCreate{Name: lineName, ClaimUID: "theirs", Attempt: 1, Time: metav1.NewTime(w.clock.Now())})
		w.Expect(w.cluster.Status().Update(w.ctx, theirs)).To(Succeed())
	}
	w.forward(25 * time.Minute)
	w.Expect(w.op).To(BeNil())
	w.Expect(w.calls(greenapi.MethodCreateInstance)).To(BeZero())
	w.line(710700000777, lineName)
	w.forward(10 * time.Minute)
	w.expect(key, v1alpha1.CreatedCondition, "True Succeeded")
	w.Expect(w.get(key).Status.IDInstance).To(Equal(int64(710700000777)))
	w.Expect(w.vendor.Sold("")).To(BeEmpty())
}

// TestP7AnAccountThatIsMadeAnewForgetsNoCreates: the limit of an hour holds, although the record went with the account.
func TestP7AnAccountThatIsMadeAnewForgetsNoCreates(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(a *v1alpha1.PartnerAccount) {
		a.Spec.Limits = v1alpha1.PartnerLimits{MaxInstances: 3, MaxCreatesPerHour: 2}
	})
	w.vendor.UpdateAccount("reseller", func(a *emulator.Account) { a.Behavior.Late = 20 * time.Minute })
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		w.claim(name, nil)
	}
	w.forward(time.Minute)
	w.Expect(w.calls(greenapi.MethodCreateInstance)).To(Equal(2))
	w.accountAnew(nil)
	w.forward(50 * time.Minute)
	w.Expect(w.calls(greenapi.MethodCreateInstance)).To(Equal(2), "no more than two within the hour")
	w.forward(5 * time.Hour)
	w.Expect(w.vendor.Sold("")).To(HaveLen(3), "and no more than three in all")
}

// TestP6WhatIsPrunedAndRestoredIsNotBoughtAgain: claim and account go, and come back, while an answer is lost and its effect late.
func TestP6WhatIsPrunedAndRestoredIsNotBoughtAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.vendor.Fault(emulator.Fault{Method: greenapi.MethodCreateInstance, Drop: true, AfterEffect: true, Partner: &emulator.PartnerBehavior{Late: 20 * time.Minute}})
	key := w.claim("support-line", nil)
	w.forward(25 * time.Second)
	w.Expect(w.calls(greenapi.MethodCreateInstance)).To(Equal(1))
	w.delete(key)
	account := w.account()
	w.Expect(w.cluster.Delete(w.ctx, account)).To(Succeed())
	w.wake("account", client.ObjectKeyFromObject(account))
	w.forward(time.Minute)
	w.create(&v1alpha1.PartnerAccount{ObjectMeta: metav1.ObjectMeta{Name: account.Name, Generation: 1}, Spec: account.Spec})
	w.wake("account", client.ObjectKeyFromObject(account))
	w.claim("support-line", nil)
	w.forward(time.Hour)
	w.expect(key, v1alpha1.ReadyCondition, "True Succeeded")
	w.Expect(w.vendor.Sold("")).To(HaveLen(1))
}

// TestP7AnAccountThatIsMadeAnewCountsEarlierAttempts, of which a claim has the number alone.
func TestP7AnAccountThatIsMadeAnewCountsEarlierAttempts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(a *v1alpha1.PartnerAccount) { a.Spec.Limits.MaxCreatesPerHour = 2 })
	w.vendor.Fault(emulator.Fault{Method: greenapi.MethodCreateInstance, Status: 429})
	first := w.claim("first", nil)
	w.forward(10 * time.Minute)
	w.expect(first, v1alpha1.CreatedCondition, "True Succeeded")
	w.Expect(w.calls(greenapi.MethodCreateInstance)).To(Equal(2))
	w.accountAnew(nil)
	second := w.claim("second", nil)
	w.forward(40 * time.Minute)
	w.expect(second, v1alpha1.CreatedCondition, "False LimitReached")
	w.forward(time.Hour)
	w.expect(second, v1alpha1.CreatedCondition, "True Succeeded")
}

// TestP4AnAccountThatIsMadeAnewIsKnownByItsClaims, so that a wrong token in it buys nothing.
func TestP4AnAccountThatIsMadeAnewIsKnownByItsClaims(t *testing.T) {
	t.Parallel()
	for _, odd := range []string{emulator.ListEmpty, emulator.ListForeign} {
		w := newWorld(t, nil)
		first := w.claim("first", nil)
		w.forward(time.Minute)
		w.vendor.UpdateAccount("reseller", func(a *emulator.Account) { a.Behavior.List = odd })
		w.accountAnew(nil)
		key := w.claim("support-line", nil)
		w.forward(2 * time.Hour)
		w.Expect(w.vendor.Sold("")).To(HaveLen(1), odd)
		w.Expect(w.stalled()).To(BeTrue())
		w.expect(key, v1alpha1.CreatedCondition, "False AccountNotReady")
		w.expect(first, v1alpha1.ReadyCondition, "True Succeeded")
		w.vendor.UpdateAccount("reseller", func(a *emulator.Account) { a.Behavior.List = "" })
		w.forward(15 * time.Minute)
		w.expect(key, v1alpha1.ReadyCondition, "True Succeeded")
	}
}

// TestP11ALineThatAnotherClaimNamesStays, also if that waits for the name still.
func TestP11ALineThatAnotherClaimNamesStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	first := w.claim("support-line", deletes)
	w.forward(time.Minute)
	second := w.claim("other", func(c *v1alpha1.InstanceClaim) { c.Spec.InstanceName = lineName })
	w.forward(time.Minute)
	w.expect(second, v1alpha1.StalledCondition, "True NameTaken")
	w.delete(first)
	w.forward(time.Minute)
	w.Expect(w.gone(first)).To(BeTrue())
	w.Expect(w.deleted()).To(BeEmpty())
	w.wake("claim", second)
	w.forward(5 * time.Minute)
	w.expect(second, v1alpha1.ReadyCondition, "True Succeeded")
	w.Expect(w.vendor.Sold("")).To(HaveLen(1))
}

// TestP1ASecretNamesNobodyElsesLine: whoever may write Secrets in a namespace gets no token by a number in one.
func TestP1ASecretNamesNobodyElsesLine(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]*emulator.Fault{
		"nothing was called": nil,
		"an answer was lost": {Method: greenapi.MethodCreateInstance, Drop: true, Times: -1},
		"the vendor says no": {Method: greenapi.MethodCreateInstance, Status: 429, Times: -1},
	} {
		w := newWorld(t, nil)
		w.line(710700000777, "prod-eu/office/vip")
		if fault != nil {
			w.vendor.Fault(*fault)
		}
		key := w.claim("support-line", nil)
		if fault != nil {
			w.forward(30 * time.Second)
		}
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: shop, Name: "support-line-greenapi", Labels: map[string]string{v1alpha1.ClaimLabel: "support-line"}},
			Data: map[string][]byte{"idInstance": []byte(strconv.Itoa(710700000777))}}
		w.Expect(client.IgnoreAlreadyExists(w.cluster.Create(w.ctx, secret))).To(Succeed())
		w.forward(15 * time.Minute)
		w.Expect(w.secret("support-line-greenapi")).NotTo(HaveKey("apiTokenInstance"), name)
		w.expect(key, v1alpha1.StalledCondition, "True SecretConflict")
	}
}

// TestP1NothingIsBoughtWithAnAccountOfBefore: once the spec names another token, what the old one listed buys nothing.
func TestP1NothingIsBoughtWithAnAccountOfBefore(t *testing.T) {
	t.Parallel()
	other := "gac.zyxwvutsrqponmlkjihg"
	leaks.Add(other)
	change := func(a *v1alpha1.PartnerAccount) {
		a.Spec.PartnerTokenSecretRef.Name, a.Spec.Mode = "other-partner", v1alpha1.ModeCreate
	}
	for name, act := range map[string]func(*world){
		"edited":    func(w *world) { w.editAccount(change) },
		"made anew": func(w *world) { w.accountAnew(change) },
	} {
		w := newWorld(t, func(a *v1alpha1.PartnerAccount) { a.Spec.Mode = "" })
		w.vendor.AddAccount(emulator.Account{Name: "other", Token: other})
		w.create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: "other-partner"}, Data: map[string][]byte{"partnerToken": []byte(other)}})
		key := w.claim("support-line", nil)
		w.forward(30 * time.Second)
		w.expect(key, v1alpha1.CreatedCondition, "False ModeObserve")
		act(w)
		w.forward(2 * time.Minute)
		w.expect(key, v1alpha1.CreatedCondition, "True Succeeded")
		w.Expect(w.vendor.Sold("")).To(HaveLen(1), name)
		w.Expect(w.vendor.Sold("")[0].Account).To(Equal("other"), name)
	}
}

// TestP11AClaimThatIsMadeAnewToDeleteItsInstance, with the Secret of before, gets its finalizer too.
func TestP11AClaimThatIsMadeAnewToDeleteItsInstance(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	key := w.claim("support-line", nil)
	w.forward(time.Minute)
	w.delete(key)
	w.forward(time.Second)
	w.Expect(w.gone(key)).To(BeTrue())
	w.claim("support-line", deletes)
	w.forward(2 * time.Minute)
	w.expect(key, v1alpha1.ReadyCondition, "True Succeeded")
	w.Expect(w.get(key).Finalizers).To(ConsistOf(v1alpha1.ClaimFinalizer))
	secret := &corev1.Secret{}
	w.Expect(w.cluster.Get(w.ctx, types.NamespacedName{Namespace: shop, Name: "support-line-greenapi"}, secret)).To(Succeed())
	w.Expect(secret.OwnerReferences).To(HaveLen(1))
	w.delete(key)
	w.forward(10 * time.Minute)
	w.Expect(w.gone(key)).To(BeTrue())
	w.Expect(w.deleted()).To(HaveLen(1))
	w.Expect(w.vendor.Sold("")).To(HaveLen(1))
}

// TestP13WhatIsMissingReadsNoMoreLists: one list in ten minutes, whatever is wrong with a claim.
func TestP13WhatIsMissingReadsNoMoreLists(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.claim("first", nil)
	key := w.claim("support-line", nil)
	w.forward(20 * time.Minute)
	w.vendor.Remove(w.get(key).Status.IDInstance)
	w.forward(20 * time.Minute)
	w.loseSecret("support-line-greenapi", key)
	w.forward(20 * time.Minute)
	lists := w.calls(greenapi.MethodGetInstances)
	w.forward(24 * time.Hour)
	w.expect(key, v1alpha1.StalledCondition, "True InstanceMissing")
	w.Expect(w.calls(greenapi.MethodGetInstances) - lists).To(BeNumerically("<=", 160))
}

// TestP13AnAddressThatIsNotAllowedIsToldOnce.
func TestP13AnAddressThatIsNotAllowedIsToldOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.vendor.UpdateAccount("reseller", func(a *emulator.Account) { a.Behavior.APIURL = "https://evil.example.com" })
	key := w.claim("support-line", nil)
	w.forward(20 * time.Minute)
	w.expect(key, v1alpha1.StalledCondition, "True EndpointNotAllowed")
	lists, writes, events := w.calls(greenapi.MethodGetInstances), w.writes, len(w.events)
	w.forward(24 * time.Hour)
	w.expect(key, v1alpha1.StalledCondition, "True EndpointNotAllowed")
	w.Expect(w.writes).To(Equal(writes))
	w.Expect(w.events).To(HaveLen(events))
	w.Expect(w.calls(greenapi.MethodGetInstances) - lists).To(BeNumerically("<=", 160))
	w.vendor.UpdateAccount("reseller", func(a *emulator.Account) { a.Behavior.APIURL = "" })
	w.forward(15 * time.Minute)
	w.expect(key, v1alpha1.ReadyCondition, "True Succeeded")
}

// TestP13AListWithoutTokensIsReadNoMoreOften: the vendor may leave tokens out of its list (green-api/issues #815).
func TestP13AListWithoutTokensIsReadNoMoreOften(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.vendor.Add(emulator.Instance{ID: 710700000777, Token: "t0ken with spaces", Name: lineName, Account: "reseller"})
	key := w.claim("support-line", nil)
	w.forward(10 * time.Minute)
	w.expect(key, v1alpha1.CreatedCondition, "False CreatePending")
	lists, writes := w.calls(greenapi.MethodGetInstances), w.writes
	w.forward(24 * time.Hour)
	w.Expect(w.calls(greenapi.MethodGetInstances) - lists).To(BeNumerically("<=", 160))
	w.Expect(w.writes).To(Equal(writes))
	in, _ := w.vendor.Get(710700000777)
	in.Token = "t0ken-that-is-one-01234567"
	leaks.Add(in.Token)
	w.vendor.Remove(in.ID)
	w.vendor.Add(in)
	w.forward(11 * time.Minute)
	w.expect(key, v1alpha1.ReadyCondition, "True Succeeded")
}

// TestP4WithoutItsAccountAClaimKeepsItsInstance, also while the account is made anew.
func TestP4WithoutItsAccountAClaimKeepsItsInstance(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	key := w.claim("support-line", nil)
	w.forward(time.Minute)
	w.Expect(w.cluster.Delete(w.ctx, w.account())).To(Succeed())
	w.wake("account", types.NamespacedName{Name: "reseller"})
	w.wakeAll()
	w.forward(time.Hour)
	w.expect(key, v1alpha1.CreatedCondition, "True Succeeded")
	other := w.claim("other", nil)
	w.forward(time.Minute)
	w.expect(other, v1alpha1.CreatedCondition, "False AccountNotReady")
}

// TestTwoClaimsWithOneSecret: the second buys nothing, also while the first has no Secret yet.
func TestTwoClaimsWithOneSecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.vendor.Fault(emulator.Fault{Method: greenapi.MethodCreateInstance, Drop: true, AfterEffect: true, Partner: &emulator.PartnerBehavior{Late: 10 * time.Minute}})
	same := func(c *v1alpha1.InstanceClaim) { c.Spec.SecretName = "token" }
	first := w.claim("a", same)
	w.forward(time.Second)
	second := w.claim("b", same)
	w.forward(time.Hour)
	w.expect(first, v1alpha1.CreatedCondition, "True Succeeded")
	w.expect(second, v1alpha1.StalledCondition, "True SecretConflict")
	w.Expect(w.vendor.Sold("")).To(HaveLen(1))
}

// TestP17ALostSecretGetsNoTokenOfBefore: the last list may be from before the token was replaced.
func TestP17ALostSecretGetsNoTokenOfBefore(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	key := w.claim("support-line", nil)
	w.forward(11 * time.Minute)
	w.edit(key, func(c *v1alpha1.InstanceClaim) {
		c.Annotations = map[string]string{v1alpha1.ReconcileRequestedAtAnnotation: "has a list with tokens read"}
	})
	w.forward(time.Minute)
	token := "t0ken-that-replaced-another-one"
	leaks.Add(token)
	w.vendor.Update(w.get(key).Status.IDInstance, func(in *emulator.Instance) { in.Token = token })
	w.loseSecret("support-line-greenapi", key)
	w.forward(time.Minute)
	w.Expect(w.secret("support-line-greenapi")).To(HaveKeyWithValue("apiTokenInstance", token))
}

// TestP5WhatDoesNotShowSaysSo: a claim whose Secret has a number that the list lacks is not said to wait for the list.
func TestP5WhatDoesNotShowSaysSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.claim("first", nil)
	w.forward(time.Minute)
	w.create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: shop, Name: "support-line-greenapi", Labels: map[string]string{v1alpha1.ClaimLabel: "support-line"}},
		Data: map[string][]byte{"idInstance": []byte("710700000999"), "apiTokenInstance": []byte("t0ken-of-nothing-0123456789")}})
	leaks.Add("t0ken-of-nothing-0123456789")
	w.restart()
	w.vendor.Fault(emulator.Fault{Method: greenapi.MethodGetInstances, Status: 500, Times: 1})
	key := w.claim("support-line", nil)
	w.forward(time.Second)
	w.expect(key, v1alpha1.CreatedCondition, "False AccountNotReady")
	w.forward(10 * time.Minute)
	w.expect(key, v1alpha1.CreatedCondition, "False CreatePending")
	w.forward(4 * time.Hour)
	w.expect(key, v1alpha1.CreatedCondition, "False InstanceMissing")
	w.Expect(w.vendor.Sold("")).To(HaveLen(1))
}

// TestP1AClaimThatMayNotHaveANameTakesItFromNobody, elder or not, and keeps no instance from being deleted.
func TestP1AClaimThatMayNotHaveANameTakesItFromNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "office", Labels: map[string]string{"greenapi-claims": "allowed"}}})
	theirs := w.claim("a", func(c *v1alpha1.InstanceClaim) { c.Namespace, c.Spec.InstanceName = "office", lineName })
	w.forward(time.Minute)
	w.expect(theirs, v1alpha1.StalledCondition, "True NameNotAllowed")
	key := w.claim("support-line", deletes)
	w.forward(time.Minute)
	w.expect(key, v1alpha1.ReadyCondition, "True Succeeded")
	w.delete(key)
	w.forward(10 * time.Minute)
	w.Expect(w.gone(key)).To(BeTrue())
	w.Expect(w.deleted()).To(HaveLen(1))
}

// TestP13ASecretThatCannotBeWritten, as where a quota is used up, reads no list every 20 seconds.
func TestP13ASecretThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	away, tries := true, 0
	w.fail = func(verb string, object client.Object) error {
		if _, ok := object.(*corev1.Secret); ok && verb == "create" && away {
			tries++
			return apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, object.GetName(), errors.New("exceeded quota"))
		}
		return nil
	}
	key := w.claim("support-line", nil)
	w.forward(20 * time.Minute)
	w.expect(key, v1alpha1.CreatedCondition, "False CreatePending")
	lists, writes, tried := w.calls(greenapi.MethodGetInstances), w.writes, tries
	w.forward(time.Hour)
	w.Expect(w.calls(greenapi.MethodGetInstances) - lists).To(BeNumerically("<=", 8))
	w.Expect(tries - tried).To(BeNumerically("<=", 400))
	w.Expect(w.writes - writes).To(Equal(tries - tried))
	away = false
	w.forward(time.Minute)
	w.expect(key, v1alpha1.ReadyCondition, "True Succeeded")
	w.Expect(w.vendor.Sold("")).To(HaveLen(1))
}

// TestP5TheAdviceForWhatIsMissingHolds: who does what the message says has another instance.
func TestP5TheAdviceForWhatIsMissingHolds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.claim("first", nil)
	key := w.claim("support-line", nil)
	w.forward(11 * time.Minute)
	w.vendor.Remove(w.get(key).Status.IDInstance)
	w.forward(3 * time.Hour)
	w.expect(key, v1alpha1.StalledCondition, "True InstanceMissing")
	message := apimeta.FindStatusCondition(w.get(key).Status.Conditions, v1alpha1.StalledCondition).Message
	w.Expect(message).To(ContainSubstring(`delete this claim and Secret "support-line-greenapi"`))
	w.delete(key)
	w.loseSecret("support-line-greenapi", key)
	w.forward(time.Second)
	w.claim("support-line", nil)
	w.forward(time.Minute)
	w.expect(key, v1alpha1.ReadyCondition, "True Succeeded")
	w.Expect(w.vendor.Sold(lineName)).To(HaveLen(2))
}

// TestP13AnInstanceThatIsNotDeletedIsLookedForLessAndLess.
func TestP13AnInstanceThatIsNotDeletedIsLookedForLessAndLess(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	key := w.claim("support-line", deletes)
	w.forward(time.Minute)
	w.vendor.Fault(emulator.Fault{Method: greenapi.MethodDeleteInstanceAccount, Status: 500, Times: -1})
	w.delete(key)
	w.forward(30 * time.Minute)
	lists := w.calls(greenapi.MethodGetInstances)
	w.forward(23 * time.Hour)
	w.Expect(w.calls(greenapi.MethodGetInstances)-lists).To(BeNumerically("<=", 280), "two every ten minutes at most, and not one a minute")
	w.Expect(w.calls(greenapi.MethodDeleteInstanceAccount)).To(BeNumerically(">=", 30))
}

// TestP6WhatWasBoughtLongAgoIsNoOpenCall: an account's record of creates keeps old ones until the next.
func TestP6WhatWasBoughtLongAgoIsNoOpenCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.vendor.Fault(emulator.Fault{Method: greenapi.MethodCreateInstance, Drop: true, Times: 2})
	key := w.claim("support-line", nil)
	w.forward(3 * time.Hour)
	w.expect(key, v1alpha1.StalledCondition, "True OutcomeUnknown")
	w.delete(key)
	w.forward(time.Second)
	w.claim("support-line", nil)
	w.forward(time.Minute)
	w.expect(key, v1alpha1.ReadyCondition, "True Succeeded")
	w.Expect(w.vendor.Sold("")).To(HaveLen(1))
}
