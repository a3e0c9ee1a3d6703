// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package claims_test

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// TestP17ARequestReadsAListThatIsNewer: a list that was read before the token was replaced has the dead one. A request neither stops at
// it nor puts it back.
func TestP17ARequestReadsAListThatIsNewer(t *testing.T) {
	for name, stored := range map[string]bool{"the answer was lost": false, "the Secret has it": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			key := w.claim("support-line", nil)
			w.forward(11 * time.Minute)
			w.expect(key, v1alpha1.CreatedCondition, "True Succeeded")
			id, token := w.get(key).Status.IDInstance, "t0ken-that-replaced-another-one"
			leaks.Add(token)
			w.edit(key, func(c *v1alpha1.InstanceClaim) {
				c.Annotations = map[string]string{v1alpha1.ReconcileRequestedAtAnnotation: "has a list with tokens read"}
			})
			w.forward(time.Minute)
			w.vendor.Update(id, func(in *emulator.Instance) { in.Token = token })
			if stored {
				secret := &corev1.Secret{}
				w.Expect(w.cluster.Get(w.ctx, types.NamespacedName{Namespace: shop, Name: "support-line-greenapi"}, secret)).To(Succeed())
				secret.Data[v1alpha1.DefaultAPITokenKey] = []byte(token)
				w.Expect(w.cluster.Update(w.ctx, secret)).To(Succeed())
			}
			lists := w.calls("getInstances")
			w.edit(key, func(c *v1alpha1.InstanceClaim) {
				c.Annotations = map[string]string{v1alpha1.ReconcileRequestedAtAnnotation: "now"}
			})
			w.forward(time.Minute)
			w.Expect(w.calls("getInstances")).To(Equal(lists + 1))
			w.Expect(w.secret("support-line-greenapi")).To(HaveKeyWithValue(v1alpha1.DefaultAPITokenKey, token))
			w.Expect(w.get(key).Status.LastHandledReconcileAt).To(Equal("now"))
		})
	}
}

// TestP17ATokenThatIsStoredMeanwhileIsNotOverwritten: a claim that looks after its Secret holds the token of a moment ago.
func TestP17ATokenThatIsStoredMeanwhileIsNotOverwritten(t *testing.T) {
	w := newWorld(t, nil)
	key := w.claim("support-line", deletes)
	w.forward(time.Minute)
	w.expect(key, v1alpha1.CreatedCondition, "True Succeeded")
	token, stored := "t0ken-that-replaced-another-one", false
	leaks.Add(token)
	reconciler := w.reconciler()
	reconciler.Live = interceptor.NewClient(w.cluster, interceptor.Funcs{Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
		err := c.Get(ctx, key, object, options...)
		if secret, ok := object.(*corev1.Secret); ok && err == nil && !stored {
			stored = true
			theirs := secret.DeepCopy()
			theirs.Data[v1alpha1.DefaultAPITokenKey] = []byte(token)
			w.Expect(c.Update(ctx, theirs)).To(Succeed())
		}
		return err
	}})
	w.edit(key, func(c *v1alpha1.InstanceClaim) { c.Spec.DeletionPolicy = v1alpha1.DeletionRetain })
	w.forward(time.Minute)
	w.Expect(stored).To(BeTrue())
	w.Expect(w.secret("support-line-greenapi")).To(HaveKeyWithValue(v1alpha1.DefaultAPITokenKey, token))
	secret := &corev1.Secret{}
	w.Expect(w.cluster.Get(w.ctx, types.NamespacedName{Namespace: shop, Name: "support-line-greenapi"}, secret)).To(Succeed())
	w.Expect(secret.OwnerReferences).To(BeEmpty())
}
