// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package claims_test

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// TestP13ARestartChangesNoStatus: a new process knows no list, and what was found before holds until it does.
func TestP13ARestartChangesNoStatus(t *testing.T) {
	t.Parallel()
	for reason, account := range map[string]func(*v1alpha1.PartnerAccount){
		v1alpha1.ReasonModeObserve:  func(a *v1alpha1.PartnerAccount) { a.Spec.Mode = v1alpha1.ModeObserve },
		v1alpha1.ReasonLimitReached: func(a *v1alpha1.PartnerAccount) { a.Spec.Limits.MaxInstances = 1 },
	} {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			w.line(710700000777, "prod-eu/shop/another")
			w.editAccount(account)
			key := w.claim("support-line", nil)
			w.forward(5 * time.Minute)
			w.expect(key, v1alpha1.CreatedCondition, "False "+reason)
			before := w.get(key).ResourceVersion
			w.restart()
			w.forward(5 * time.Minute)
			w.expect(key, v1alpha1.CreatedCondition, "False "+reason)
			w.Expect(w.get(key).ResourceVersion).To(Equal(before), "the restart was written into the status")
		})
	}
}

// TestP1NothingIsBoughtInANamespaceThatIsBeingDeleted, since nobody would have it.
func TestP1NothingIsBoughtInANamespaceThatIsBeingDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	namespace := &corev1.Namespace{}
	w.Expect(w.cluster.Get(w.ctx, types.NamespacedName{Name: shop}, namespace)).To(Succeed())
	namespace.Finalizers = []string{"example.com/slow"}
	w.Expect(w.cluster.Update(w.ctx, namespace)).To(Succeed())
	w.Expect(w.cluster.Delete(w.ctx, namespace)).To(Succeed())
	key := w.claim("support-line", nil)
	w.forward(time.Hour)
	w.expect(key, v1alpha1.CreatedCondition, "False "+v1alpha1.ReasonNamespaceNotAllowed)
	w.Expect(w.vendor.Sold("")).To(BeEmpty())
	w.Expect(w.calls("createInstance")).To(BeZero())
}
