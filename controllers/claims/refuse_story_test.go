// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package claims_test

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// line puts an instance of the account on the vendor.
func (w *world) line(id int64, name string) {
	token := "t0ken-of-a-line-" + name[len(name)-1:] + "0123456789"
	leaks.Add(token)
	w.vendor.Add(emulator.Instance{ID: id, Token: token, Name: name, Account: "reseller"})
}

// TestBadClaimsSayWhatToDo: each is told with what to write instead, and nothing is bought; once it is mended the claim goes on.
func TestBadClaimsSayWhatToDo(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		what, reason, says string
		account            func(*v1alpha1.PartnerAccount)
		claim              func(*v1alpha1.InstanceClaim)
		before             func(*world)
		mend               func(*world, types.NamespacedName)
	}{
		{what: "the account is not there", reason: "AccountNotReady", says: "Create it", claim: func(c *v1alpha1.InstanceClaim) { c.Spec.AccountRef.Name = "nobody" }},
		{what: "the namespace may not", reason: "NamespaceNotAllowed", says: "greenapi-claims=allowed", before: func(w *world) {
			w.label(nil)
		}, mend: func(w *world, _ types.NamespacedName) { w.label(map[string]string{"greenapi-claims": "allowed"}) }},
		{what: "no namespace may", reason: "NamespaceNotAllowed", says: "{} selects all", account: func(a *v1alpha1.PartnerAccount) { a.Spec.AllowedNamespaces = nil },
			mend: func(w *world, _ types.NamespacedName) {
				w.editAccount(func(a *v1alpha1.PartnerAccount) { a.Spec.AllowedNamespaces = &metav1.LabelSelector{} })
			}},
		{what: "another namespace's name", reason: "NameNotAllowed", says: "spec.adoptions", claim: func(c *v1alpha1.InstanceClaim) { c.Spec.InstanceName = "prod-eu/office/support-line" }},
		{what: "a name without the owner key", reason: "NameNotAllowed", says: "spec.adoptions", claim: func(c *v1alpha1.InstanceClaim) { c.Spec.InstanceName = "Support VIP" }},
		{what: "a name that may be adopted and is not there", reason: "InstanceMissing", says: "never bought",
			account: func(a *v1alpha1.PartnerAccount) {
				a.Spec.Adoptions = []v1alpha1.PartnerAdoption{{InstanceName: "Support VIP", Namespace: shop}}
			}, claim: func(c *v1alpha1.InstanceClaim) { c.Spec.InstanceName = "Support VIP" }},
		{what: "a name that another namespace may adopt", reason: "NameNotAllowed", says: "spec.adoptions",
			account: func(a *v1alpha1.PartnerAccount) {
				a.Spec.Adoptions = []v1alpha1.PartnerAdoption{{InstanceName: "Support VIP", Namespace: "office"}}
			}, claim: func(c *v1alpha1.InstanceClaim) { c.Spec.InstanceName = "Support VIP" }, before: func(w *world) { w.line(710700000001, "Support VIP") }},
		{what: "the account only observes", reason: "ModeObserve", says: "Set it to Create", account: func(a *v1alpha1.PartnerAccount) { a.Spec.Mode = "" },
			mend: func(w *world, _ types.NamespacedName) {
				w.editAccount(func(a *v1alpha1.PartnerAccount) { a.Spec.Mode = v1alpha1.ModeCreate })
			}},
		{what: "the instance is there, and may not be taken", reason: "NameTaken", says: "Set it to ByName", claim: func(c *v1alpha1.InstanceClaim) { c.Spec.Adopt = v1alpha1.AdoptNever },
			before: func(w *world) { w.line(710700000001, lineName) },
			mend: func(w *world, key types.NamespacedName) {
				w.edit(key, func(c *v1alpha1.InstanceClaim) { c.Spec.Adopt = v1alpha1.AdoptByName })
			}},
		{what: "two have the name", reason: "AmbiguousName", says: "710700000001, 710700000002", before: func(w *world) { w.line(710700000001, lineName); w.line(710700000002, lineName) },
			mend: func(w *world, _ types.NamespacedName) { w.vendor.Remove(710700000002) }},
		{what: "the Secret is somebody's", reason: "SecretConflict", says: "label it", before: func(w *world) {
			w.create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: shop, Name: "support-line-greenapi"}})
		}, mend: func(w *world, key types.NamespacedName) {
			w.Expect(w.cluster.Delete(w.ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: shop, Name: "support-line-greenapi"}})).To(Succeed())
			w.wake("claim", key)
		}},
	} {
		w := newWorld(t, test.account)
		if test.before != nil {
			test.before(w)
		}
		key := w.claim("support-line", test.claim)
		w.forward(3 * time.Minute)
		created := apimeta.FindStatusCondition(w.get(key).Status.Conditions, v1alpha1.CreatedCondition)
		w.Expect(created).NotTo(BeNil(), test.what)
		w.Expect(created.Reason).To(Equal(test.reason), "%s: %s", test.what, created.Message)
		w.Expect(created.Message).To(ContainSubstring(test.says), test.what)
		w.Expect(w.vendor.Ledger()).To(BeEmpty(), test.what)
		writes := w.writes
		w.forward(2 * time.Hour)
		w.Expect(w.writes).To(Equal(writes), "%s: what is told is told once", test.what)
		if test.mend == nil {
			continue
		}
		test.mend(w, key)
		w.forward(15 * time.Minute)
		w.expect(key, v1alpha1.ReadyCondition, "True Succeeded")
	}
}

// label sets the labels of the namespace.
func (w *world) label(labels map[string]string) {
	namespace := &corev1.Namespace{}
	w.Expect(w.cluster.Get(w.ctx, types.NamespacedName{Name: shop}, namespace)).To(Succeed())
	namespace.Labels = labels
	w.Expect(w.cluster.Update(w.ctx, namespace)).To(Succeed())
	w.wakeAll()
}

// TestTheNameOfAnotherClaimIsTaken: the elder has it; once it is gone the younger takes the instance.
func TestTheNameOfAnotherClaimIsTaken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	first := w.claim("support-line", nil)
	w.forward(time.Minute)
	second := w.claim("other", func(c *v1alpha1.InstanceClaim) { c.Spec.InstanceName = lineName })
	w.forward(5 * time.Minute)
	w.expect(second, v1alpha1.StalledCondition, "True NameTaken")
	w.expect(first, v1alpha1.ReadyCondition, "True Succeeded")
	w.delete(first)
	w.wake("claim", second)
	w.forward(5 * time.Minute)
	w.expect(second, v1alpha1.ReadyCondition, "True Succeeded")
	w.Expect(w.vendor.Sold("")).To(HaveLen(1))
}

// TestP4NothingIsBoughtByAListThatIsNotTheAccounts: an empty one, or somebody else's, would buy the fleet again.
func TestP4NothingIsBoughtByAListThatIsNotTheAccounts(t *testing.T) {
	t.Parallel()
	for _, odd := range []string{emulator.ListEmpty, emulator.ListForeign} {
		w := newWorld(t, nil)
		w.claim("first", nil)
		w.forward(time.Minute)
		w.Expect(w.vendor.Sold("")).To(HaveLen(1))
		w.vendor.UpdateAccount("reseller", func(a *emulator.Account) { a.Behavior.List = odd })
		key := w.claim("support-line", nil)
		w.forward(2 * time.Hour)
		w.Expect(w.vendor.Sold("")).To(HaveLen(1), odd)
		w.expect(key, v1alpha1.CreatedCondition, "False AccountNotReady")
		w.expect(w.claimKey("first"), v1alpha1.ReadyCondition, "True Succeeded")
		w.vendor.UpdateAccount("reseller", func(a *emulator.Account) { a.Behavior.List = "" })
		w.editAccount(func(a *v1alpha1.PartnerAccount) {
			a.Annotations = map[string]string{v1alpha1.ReconcileRequestedAtAnnotation: "now"}
		})
		w.forward(2 * time.Minute)
		w.expect(key, v1alpha1.ReadyCondition, "True Succeeded")
	}
}

// TestP5AnInstanceThatIsGoneIsNotBoughtAgain: it is told after three lists, an hour apart, and what comes back is taken back.
func TestP5AnInstanceThatIsGoneIsNotBoughtAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.claim("first", nil)
	key := w.claim("support-line", nil)
	w.forward(11 * time.Minute)
	id := w.get(key).Status.IDInstance
	w.vendor.Remove(id)
	w.forward(110 * time.Minute)
	w.expect(key, v1alpha1.ReadyCondition, "True Succeeded")
	w.forward(40 * time.Minute)
	w.expect(key, v1alpha1.StalledCondition, "True InstanceMissing")
	w.forward(24 * time.Hour)
	w.Expect(w.vendor.Sold("")).To(HaveLen(2))
	w.vendor.Add(emulator.Instance{ID: id, Token: "t0ken-that-came-back-012345", Name: lineName, Account: "reseller"})
	leaks.Add("t0ken-that-came-back-012345")
	w.forward(15 * time.Minute)
	w.expect(key, v1alpha1.ReadyCondition, "True Succeeded")
}

// TestP6AClaimThatIsMadeAnewFindsWhatExists: deleted and made again, also right after a call whose answer was lost and whose effect is
// late, and with the Secret of before.
func TestP6AClaimThatIsMadeAnewFindsWhatExists(t *testing.T) {
	t.Parallel()
	for _, late := range []time.Duration{0, 5 * time.Minute, 20 * time.Minute} {
		w := newWorld(t, nil)
		w.vendor.Fault(emulator.Fault{Method: greenapi.MethodCreateInstance, Drop: true, AfterEffect: true, Partner: &emulator.PartnerBehavior{Late: late}})
		key := w.claim("support-line", nil)
		w.forward(25 * time.Second)
		w.Expect(w.calls(greenapi.MethodCreateInstance)).To(Equal(1))
		w.delete(key)
		w.forward(time.Second)
		w.claim("support-line", nil)
		w.forward(time.Hour)
		w.expect(key, v1alpha1.ReadyCondition, "True Succeeded")
		w.Expect(w.vendor.Sold("")).To(HaveLen(1), "late by %s", late)

		w.delete(key)
		w.forward(time.Minute)
		w.Expect(w.secret("support-line-greenapi")).NotTo(BeNil(), "Retain keeps the Secret")
		w.claim("support-line", nil)
		w.restart()
		w.forward(time.Minute)
		w.expect(key, v1alpha1.ReadyCondition, "True Succeeded")
		w.Expect(w.vendor.Sold("")).To(HaveLen(1))
	}
}

// TestP9AnotherMessengerIsNotBoughtAgain.
func TestP9AnotherMessengerIsNotBoughtAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.vendor.UpdateAccount("reseller", func(a *emulator.Account) { a.Messenger = emulator.Telegram })
	key := w.claim("support-line", nil)
	w.forward(24 * time.Hour)
	w.expect(key, v1alpha1.StalledCondition, "True MessengerMismatch")
	w.Expect(w.vendor.Sold("")).To(HaveLen(1))
	w.Expect(w.get(key).Status.IDInstance).To(Equal(w.vendor.Sold("")[0].ID))
}

// TestP10TheAddressIsTheVendorsWord, or the one that the number begins with; never one that is not allowed.
func TestP10TheAddressIsTheVendorsWord(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ says, want, stalled string }{
		{"", "", ""},
		{"https://evil.example.com", "", "EndpointNotAllowed"},
		{emulator.APIURLNone, "", "EndpointNotAllowed"},
	} {
		w := newWorld(t, nil)
		w.vendor.UpdateAccount("reseller", func(a *emulator.Account) { a.Behavior.APIURL = test.says })
		key := w.claim("support-line", nil)
		w.forward(time.Hour)
		if test.stalled == "" {
			w.Expect(w.get(key).Status.APIURL).To(Equal(w.url))
			continue
		}
		w.expect(key, v1alpha1.StalledCondition, "True "+test.stalled)
		w.Expect(w.get(key).Status.IDInstance).NotTo(BeZero())
		w.Expect(w.vendor.Sold("")).To(HaveLen(1))
	}
}

// TestASecretThatIsDeletedIsWrittenAgain from the list, and one that somebody spoiled when somebody asks.
func TestASecretThatIsDeletedIsWrittenAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	key := w.claim("support-line", nil)
	w.forward(time.Minute)
	before := w.secret("support-line-greenapi")
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: shop, Name: "support-line-greenapi"}}
	w.Expect(w.cluster.Delete(w.ctx, secret)).To(Succeed())
	w.wake("claim", key)
	w.forward(time.Minute)
	w.Expect(w.secret("support-line-greenapi")).To(Equal(before))

	w.Expect(w.cluster.Get(w.ctx, client.ObjectKeyFromObject(secret), secret)).To(Succeed())
	secret.Data["apiTokenInstance"] = []byte("spoiled")
	secret.Data["mine"] = []byte("kept")
	w.Expect(w.cluster.Update(w.ctx, secret)).To(Succeed())
	w.edit(key, func(c *v1alpha1.InstanceClaim) {
		c.Annotations = map[string]string{v1alpha1.ReconcileRequestedAtAnnotation: "now"}
	})
	w.forward(time.Minute)
	after := w.secret("support-line-greenapi")
	w.Expect(after["apiTokenInstance"]).To(Equal(before["apiTokenInstance"]))
	w.Expect(after["mine"]).To(Equal("kept"))
	w.Expect(w.get(key).Status.LastHandledReconcileAt).To(Equal("now"))
}
