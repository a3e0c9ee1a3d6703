// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// listPatience is how long a claim is waited for: an account's list is read every 20 seconds at most, and a look that fails costs one
// or two more.
const listPatience = 3 * patience

const partnerToken = "gac.canary0partner0token0123456789"

// partners is held by a test whose processes look after partner accounts, since those are the whole cluster's.
var partners sync.Mutex

// holdPartners waits until no other test looks after partner accounts. What the test starts later ends before the next one's turn.
func holdPartners(t *testing.T) {
	t.Helper()
	partners.Lock()
	t.Cleanup(partners.Unlock)
}

// reseller gives a world a partner account whose claims may come from the world's namespace.
func (w *world) reseller() *v1alpha1.PartnerAccount {
	w.t.Helper()
	holdPartners(w.t)
	w.vendor.AddAccount(emulator.Account{Name: "reseller", Token: partnerToken})
	w.Expect(admin.Create(w.t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.ns, Name: "partner"}, StringData: map[string]string{"partnerToken": partnerToken}})).To(Succeed())
	account := &v1alpha1.PartnerAccount{ObjectMeta: metav1.ObjectMeta{Name: w.ns}, Spec: v1alpha1.PartnerAccountSpec{
		PartnerAPIURL: w.url, PartnerTokenSecretRef: v1alpha1.PartnerTokenReference{Name: "partner"}, Messenger: "whatsapp", OwnerKey: "prod-eu",
		AllowedNamespaces: &metav1.LabelSelector{}, Limits: v1alpha1.PartnerLimits{MaxInstances: 1000, MaxCreatesPerHour: 1000}, Mode: v1alpha1.ModeCreateAndDelete,
	}}
	w.Expect(admin.Create(w.t.Context(), account)).To(Succeed())
	w.t.Cleanup(func() { _ = admin.Delete(context.Background(), account) })
	return account
}

// startReseller starts a process that looks after partner accounts.
func (w *world) startReseller() {
	w.t.Helper()
	w.process = w.command("--partner-accounts", "--api-timeout=2s")
	w.process.Env = append(w.process.Env, podNamespaceVariable+"="+w.ns)
	w.Expect(w.process.Start()).To(Succeed())
	process := w.process
	w.t.Cleanup(func() { _ = process.Process.Kill(); _ = process.Wait() })
}

func (w *world) newClaim(name string, policy v1alpha1.DeletionPolicy) types.NamespacedName {
	w.t.Helper()
	claim := &v1alpha1.InstanceClaim{ObjectMeta: metav1.ObjectMeta{Namespace: w.ns, Name: name},
		Spec: v1alpha1.InstanceClaimSpec{AccountRef: v1alpha1.AccountReference{Name: w.ns}, DeletionPolicy: policy}}
	w.Expect(admin.Create(w.t.Context(), claim)).To(Succeed())
	return client.ObjectKeyFromObject(claim)
}

func (w *world) awaitClaim(key types.NamespacedName) *v1alpha1.InstanceClaim {
	w.t.Helper()
	claim := &v1alpha1.InstanceClaim{}
	w.Eventually(func() bool {
		return admin.Get(w.t.Context(), key, claim) == nil && apimeta.IsStatusConditionTrue(claim.Status.Conditions, v1alpha1.ReadyCondition)
	}, listPatience).Should(BeTrue(), func() string { return fmt.Sprintf("%+v\n%s", claim.Status, w.output) })
	return claim
}

// TestAClaimIsBoughtAndDeletedByTheProcess: through the API server, by the real binary, over HTTP; its log has no token.
func TestAClaimIsBoughtAndDeletedByTheProcess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.reseller()
	w.startReseller()
	keeps, goes := w.newClaim("keeps", ""), w.newClaim("goes", v1alpha1.DeletionDelete)
	kept, gone := w.awaitClaim(keeps), w.awaitClaim(goes)
	w.Expect(w.vendor.Sold("")).To(HaveLen(2))
	w.Expect(gone.Finalizers).To(ConsistOf(v1alpha1.ClaimFinalizer))
	secret := &corev1.Secret{}
	w.Expect(admin.Get(t.Context(), types.NamespacedName{Namespace: w.ns, Name: "keeps-greenapi"}, secret)).To(Succeed())
	w.Expect(string(secret.Type)).To(Equal(v1alpha1.ClaimSecretType))
	w.Expect(secret.Labels).To(HaveKeyWithValue(v1alpha1.ClaimLabel, "keeps"))
	w.Expect(secret.OwnerReferences).To(BeEmpty())
	token := string(secret.Data[v1alpha1.DefaultAPITokenKey])

	w.Expect(admin.Delete(t.Context(), secret)).To(Succeed())
	w.Eventually(func() string {
		_ = admin.Get(t.Context(), types.NamespacedName{Namespace: w.ns, Name: "keeps-greenapi"}, secret)
		return string(secret.Data[v1alpha1.DefaultAPITokenKey])
	}, listPatience).Should(Equal(token), "a Secret that is deleted is written again")

	for _, claim := range []*v1alpha1.InstanceClaim{kept, gone} {
		w.Expect(admin.Delete(t.Context(), claim)).To(Succeed())
	}
	w.Eventually(func() bool { return apierrors.IsNotFound(admin.Get(t.Context(), goes, gone)) }, listPatience).
		Should(BeTrue(), func() string { return fmt.Sprintf("%+v\n%s", gone.Status, w.output) })
	var deleted []int64
	for _, entry := range w.vendor.Ledger() {
		if entry.What == emulator.EntryDeleted {
			deleted = append(deleted, entry.ID)
		}
	}
	w.Expect(deleted).To(Equal([]int64{gone.Status.IDInstance}))
	for _, shown := range []string{"canary0partner", token} {
		w.Expect(w.output.String()).NotTo(ContainSubstring(shown), "R24: at the most verbose level")
	}
}

// TestP3KilledWhileItBuys ends the process by SIGKILL at random instants while it buys, and while answers are lost: of every name one line
// lives. Where the process ended right before its call nothing is bought, and the list is looked at for half an hour.
func TestP3KilledWhileItBuys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.reseller()
	var keys []types.NamespacedName
	for round := range rounds(t, 2) {
		w.startReseller()
		latest := []types.NamespacedName{w.newClaim(fmt.Sprintf("keeps-%d", round), ""), w.newClaim(fmt.Sprintf("goes-%d", round), v1alpha1.DeletionDelete)}
		keys = append(keys, latest...)
		if rand.N(2) == 0 {
			w.vendor.Fault(emulator.Fault{Method: "createInstance", Drop: true, AfterEffect: true})
		}
		w.awaitIntent(latest)
		lasts(t.Context(), rand.N(100*time.Millisecond))
		w.Expect(w.process.Process.Kill()).To(Succeed())
		_ = w.process.Wait()
		w.vendor.ClearFaults()
	}
	w.startReseller()
	sold := 0
	for _, key := range keys {
		claim := &v1alpha1.InstanceClaim{}
		w.Eventually(func() int {
			if admin.Get(t.Context(), key, claim) != nil || claim.Status.Create == nil || len(w.vendor.Calls(0, "getInstances")) == 0 {
				return -1
			}
			ready := apimeta.IsStatusConditionTrue(claim.Status.Conditions, v1alpha1.ReadyCondition)
			searching := apimeta.FindStatusCondition(claim.Status.Conditions, v1alpha1.CreatedCondition).Reason == v1alpha1.ReasonOutcomeUnknown
			n := len(w.vendor.Sold(claim.Status.Create.Name))
			if ready && n == 1 || searching && n == 0 {
				return n
			}
			return -1
		}, listPatience).ShouldNot(Equal(-1), func() string { return fmt.Sprintf("%s: %+v", key.Name, claim.Status) })
		sold += len(w.vendor.Sold(claim.Status.Create.Name))
	}
	w.Expect(w.vendor.Sold("")).To(HaveLen(sold))
}

// awaitIntent waits until one of some claims has an intent, and no moment longer.
func (w *world) awaitIntent(keys []types.NamespacedName) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), listPatience)
	defer cancel()
	changes, err := admin.Watch(ctx, &v1alpha1.InstanceClaimList{}, client.InNamespace(w.ns))
	w.Expect(err).NotTo(HaveOccurred())
	defer changes.Stop()
	for change := range changes.ResultChan() {
		claim, ours := change.Object.(*v1alpha1.InstanceClaim)
		if ours && claim.Status.Create != nil && slices.Contains(keys, client.ObjectKeyFromObject(claim)) {
			return
		}
	}
	w.t.Fatal("nothing is bought")
}
