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
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// TestR23TheTokenOfADeletedLineOfAnotherShard: what another shard's process used is no webhook token here either, though nobody was
// restarted.
func TestR23TheTokenOfADeletedLineOfAnotherShard(t *testing.T) {
	s := newStory(t)
	s.options.Partial = true
	s.shardCache(labels.SelectorFromSet(labels.Set{"shard": "b"}))
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

// TestR23ANewLineOfAnotherShardIsKnownAtOnce: what the API server said a few seconds ago does not know it yet.
func TestR23ANewLineOfAnotherShardIsKnownAtOnce(t *testing.T) {
	s := newStory(t)
	s.options.Partial = true
	s.shardCache(labels.SelectorFromSet(labels.Set{"shard": "b"}))
	s.restart()
	s.secret("victim-token", map[string]string{"secret": "t0ken-of-the-victim", "webhook": "t0ken-for-webhooks"})
	s.instance("thief", func(r *v1alpha1.WhatsAppInstance) {
		r.Labels = map[string]string{"shard": "b"}
		steal("victim-token", "webhook")(r)
	})
	s.Expect(s.until(time.Minute, func() bool { return len(s.sets()) == 1 })).To(BeTrue())
	victim := &v1alpha1.TelegramInstance{ObjectMeta: metav1.ObjectMeta{Namespace: s.ns, Name: "victim", Labels: map[string]string{"shard": "a"}}}
	victim.Spec.IDInstance, victim.Spec.APITokenSecretRef = instanceID+1, v1alpha1.SecretKeyReference{Name: "victim-token", Key: "secret"}
	s.Expect(admin.Create(s.ctx, victim)).To(Succeed())
	const other = instanceID + 2
	s.vendor.Add(emulator.Instance{ID: other, Token: "t0ken-of-the-thiefs-other", Messenger: emulator.WhatsApp})
	s.secret("other", map[string]string{"apiTokenInstance": "t0ken-of-the-thiefs-other"})
	r := &v1alpha1.WhatsAppInstance{ObjectMeta: metav1.ObjectMeta{Namespace: s.ns, Name: "other", Labels: map[string]string{"shard": "b"}}}
	r.Spec.IDInstance, r.Spec.APITokenSecretRef = other, v1alpha1.SecretKeyReference{Name: "other"}
	steal("victim-token", "secret")(r)
	s.kinds["other"] = 0
	s.Expect(admin.Create(s.ctx, r)).To(Succeed())
	s.await(r)
	s.forward(20 * time.Minute)
	for _, call := range s.vendor.Calls(other, "setSettings") {
		s.Expect(call.Body).NotTo(ContainElement("t0ken-of-the-victim"))
	}
}
