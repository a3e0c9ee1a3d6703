// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"context"
	"errors"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// TestR23ASecretOfAnotherNamespaceIsNotRead: a name means a Secret of the resource's own namespace and nothing else.
func TestR23ASecretOfAnotherNamespaceIsNotRead(t *testing.T) {
	s := newStory(t)
	elsewhere := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "default", GenerateName: "elsewhere-"},
		StringData: map[string]string{"apiTokenInstance": "t0ken-of-another-namespace"}}
	s.Expect(admin.Create(s.ctx, elsewhere)).To(Succeed())
	for _, name := range []string{elsewhere.Name, "default/" + elsewhere.Name} {
		s.instance("line", func(r *v1alpha1.WhatsAppInstance) { r.Spec.APITokenSecretRef.Name = name })
		s.forward(3 * time.Minute)
		s.Expect(s.condition("line", v1alpha1.StalledCondition).Reason).To(Equal(v1alpha1.ReasonSecretNotFound))
		s.remove("line")
	}
	s.Expect(s.calls()).To(BeEmpty())
}

// TestR23OnlySecretsWithTheLabelsAreRead: with --secret-label-selector a person who may write instances but not read
// Secrets cannot have one sent somewhere, neither as an API token nor as a webhook token.
func TestR23OnlySecretsWithTheLabelsAreRead(t *testing.T) {
	s := newStory(t)
	s.options.SecretSelector = labels.SelectorFromSet(labels.Set{"for": "greenapi"})
	s.restart()
	s.secret("webhook", map[string]string{"token": "t0ken-that-is-not-for-the-vendor"})
	s.instance("line", func(r *v1alpha1.WhatsAppInstance) {
		incoming(true)(r)
		r.Spec.Settings.WebhookURLTokenSecretRef = &v1alpha1.SecretKeyReference{Name: "webhook", Key: "token"}
	})
	s.forward(3 * time.Minute)
	stalled := s.condition("line", v1alpha1.StalledCondition)
	s.Expect(stalled.Reason).To(Equal(v1alpha1.ReasonSecretNotFound))
	s.Expect(stalled.Message).To(ContainSubstring("only Secrets with the labels for=greenapi"))
	s.Expect(s.calls()).To(BeEmpty(), "its token is not even used to look")

	s.label("line-token")
	s.forward(15 * time.Minute)
	s.Expect(s.condition("line", v1alpha1.CredentialsValidCondition).Status).To(Equal(metav1.ConditionTrue))
	s.Expect(s.condition("line", v1alpha1.SyncedCondition).Reason).To(Equal(v1alpha1.ReasonSecretNotFound))
	s.Expect(s.sets()).To(BeEmpty(), "no webhook token, no write")

	s.label("webhook")
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.Expect(s.sets()).To(HaveLen(1))
}

// TestR23AnAPITokenIsNoWebhookToken: who may write instances, but not read Secrets, cannot have the API token of another
// instance sent to a webhook, whatever the labels.
func TestR23AnAPITokenIsNoWebhookToken(t *testing.T) {
	s := newStory(t)
	s.secret("victim-token", map[string]string{"apiTokenInstance": "t0ken-of-the-victim", "webhook": "t0ken-for-webhooks"})
	victim := &v1alpha1.TelegramInstance{ObjectMeta: metav1.ObjectMeta{Namespace: s.ns, Name: "victim"}}
	victim.Spec.IDInstance, victim.Spec.APITokenSecretRef.Name = instanceID+1, "victim-token"
	s.Expect(admin.Create(s.ctx, victim)).To(Succeed())
	s.Eventually(func() error {
		return s.cached.Get(s.ctx, client.ObjectKeyFromObject(victim), &v1alpha1.TelegramInstance{})
	}, patience).Should(Succeed())
	for _, secret := range []string{"victim-token", "line-token"} {
		refer := manage(func(w *v1alpha1.WhatsAppSettings) {
			w.WebhookURLTokenSecretRef = &v1alpha1.SecretKeyReference{Name: secret, Key: "apiTokenInstance"}
		})
		if secret == "victim-token" {
			s.instance("line", refer)
		} else {
			s.edit("line", refer)
		}
		s.forward(15 * time.Minute)
		s.Expect(s.condition("line", v1alpha1.StalledCondition).Reason).To(Equal(v1alpha1.ReasonTokenMalformed))
		s.Expect(s.condition("line", v1alpha1.SyncedCondition).Message).To(ContainSubstring("is the API token of "))
	}
	s.Expect(s.sets()).To(BeEmpty())

	s.edit("line", manage(func(w *v1alpha1.WhatsAppSettings) {
		w.WebhookURLTokenSecretRef = &v1alpha1.SecretKeyReference{Name: "victim-token", Key: "webhook"}
	}))
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.Expect(s.sets()).To(Equal([]string{`{"webhookUrlToken":"t0ken-for-webhooks"}`}), "another key of the same Secret is another value")
}

// TestR23AnAPITokenOfAnotherShardIsNoWebhookToken: the cache of a shard does not hold the other's instances, so the API server
// is asked before a webhook token is sent, and nothing is sent while it does not answer.
func TestR23AnAPITokenOfAnotherShardIsNoWebhookToken(t *testing.T) {
	s := newStory(t)
	s.options.Partial = true
	s.shardCache(labels.SelectorFromSet(labels.Set{"shard": "b"}))
	lists, refused := 0, true
	s.live = interceptor.NewClient(admin, interceptor.Funcs{
		List: func(ctx context.Context, server client.WithWatch, list client.ObjectList, options ...client.ListOption) error {
			if lists++; refused {
				return errors.New("the API server is away")
			}
			return server.List(ctx, list, options...)
		},
	})
	s.restart()
	s.secret("victim-token", map[string]string{"secret": "t0ken-of-the-victim", "webhook": "t0ken-for-webhooks"})
	victim := &v1alpha1.TelegramInstance{ObjectMeta: metav1.ObjectMeta{Namespace: s.ns, Name: "victim", Labels: map[string]string{"shard": "a"}}}
	victim.Spec.IDInstance, victim.Spec.APITokenSecretRef = instanceID+1, v1alpha1.SecretKeyReference{Name: "victim-token", Key: "secret"}
	s.Expect(admin.Create(s.ctx, victim)).To(Succeed())
	s.instance("line", func(r *v1alpha1.WhatsAppInstance) {
		r.Labels = map[string]string{"shard": "b"}
		manage(func(w *v1alpha1.WhatsAppSettings) {
			w.WebhookURLTokenSecretRef = &v1alpha1.SecretKeyReference{Name: "victim-token", Key: "secret"}
		})(r)
	})
	s.forward(time.Minute)
	s.Expect(s.failures).To(ContainElement(MatchError("the API server is away")))
	s.Expect(s.sets()).To(BeEmpty())
	refused, s.failures = false, nil
	s.forward(30 * time.Minute)
	s.Expect(s.failures).To(BeEmpty())
	s.Expect(s.condition("line", v1alpha1.StalledCondition).Reason).To(Equal(v1alpha1.ReasonTokenMalformed))
	s.Expect(s.condition("line", v1alpha1.SyncedCondition).Message).To(ContainSubstring(`is the API token of TelegramInstance victim`))
	s.Expect(s.sets()).To(BeEmpty())
	known := lists

	// What the API server said is not believed any more by then.
	s.clock.SetTime(s.clock.Now().Add(time.Minute))
	s.edit("line", manage(func(w *v1alpha1.WhatsAppSettings) {
		w.WebhookURLTokenSecretRef = &v1alpha1.SecretKeyReference{Name: "victim-token", Key: "webhook"}
	}))
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.Expect(s.sets()).To(Equal([]string{`{"webhookUrlToken":"t0ken-for-webhooks"}`}), "another key of the same Secret is another value")
	asked := lists
	s.Expect(asked).To(BeNumerically(">", known))
	s.forward(2 * time.Hour)
	s.Expect(lists).To(Equal(asked), "what sends nothing asks nothing")
}

// label makes a Secret one that may be read.
func (s *story) label(name string) {
	s.t.Helper()
	secret := &corev1.Secret{}
	s.Expect(admin.Get(s.ctx, client.ObjectKey{Namespace: s.ns, Name: name}, secret)).To(Succeed())
	secret.Labels = map[string]string{"for": "greenapi"}
	s.Expect(admin.Update(s.ctx, secret)).To(Succeed())
	s.awaitSecret(name, secret.ResourceVersion)
}
