// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// TestR23TheTokenOfADeletedLineOfAnotherShard: what another shard's process used is no webhook token here either, though nobody was
// restarted.
func TestR23TheTokenOfADeletedLineOfAnotherShard(t *testing.T) {
	s := newStory(t)
	s.shard, s.options.Partial = labels.SelectorFromSet(labels.Set{"shard": "b"}), true
	s.startCache()
	s.restart()
	s.secret("victim-token", map[string]string{"secret": "t0ken-of-the-victim"})
	victim := &v1alpha1.TelegramInstance{ObjectMeta: metav1.ObjectMeta{Namespace: s.ns, Name: "victim", Labels: map[string]string{"shard": "a"}}}
	ref := v1alpha1.SecretKeyReference{Name: "victim-token", Key: "secret"}
	victim.Spec.IDInstance, victim.Spec.APITokenSecretRef = instanceID+1, ref
	s.Expect(admin.Create(s.ctx, victim)).To(Succeed())
	victim.Status.AcceptedTokenRefs = []v1alpha1.SecretKeyReference{ref}
	s.Expect(admin.Status().Update(s.ctx, victim)).To(Succeed())
	s.instance("thief", func(r *v1alpha1.WhatsAppInstance) {
		r.Labels = map[string]string{"shard": "b"}
		steal("victim-token", "secret")(r)
	})
	s.forward(15 * time.Minute)
	s.Expect(s.condition("thief", v1alpha1.StalledCondition).Reason).To(Equal(v1alpha1.ReasonTokenMalformed))
	s.Expect(admin.Delete(s.ctx, victim)).To(Succeed())
	s.forward(2 * time.Hour)
	s.Expect(s.sets()).To(BeEmpty())
}
