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

// neighbor is an instance beside the thief's, in the same namespace, whose API token stands under a key of its own.
func (s *story) neighbor() {
	s.t.Helper()
	s.newNeighbor()
	s.settled("neighbor", v1alpha1.ReasonSucceeded)
}

// newNeighbor is one that had no pass yet.
func (s *story) newNeighbor() {
	s.t.Helper()
	const token = "t0ken-of-the-neighbor"
	s.secret("neighbor", map[string]string{"secret": token})
	s.vendor.Add(emulator.Instance{ID: instanceID + 1, Token: token, Messenger: emulator.WhatsApp})
	r := &v1alpha1.WhatsAppInstance{ObjectMeta: metav1.ObjectMeta{Namespace: s.ns, Name: "neighbor"}}
	r.Spec.IDInstance, r.Spec.APITokenSecretRef = instanceID+1, v1alpha1.SecretKeyReference{Name: "neighbor", Key: "secret"}
	s.kinds["neighbor"] = 0
	s.Expect(admin.Create(s.ctx, r)).To(Succeed())
	s.await(r)
}

// steal names a value as the webhook token of an instance of one's own.
func steal(name, key string) func(*v1alpha1.WhatsAppInstance) {
	return manage(func(w *v1alpha1.WhatsAppSettings) {
		w.WebhookURLTokenSecretRef = &v1alpha1.SecretKeyReference{Name: name, Key: key}
	})
}

// TestR23TwoEditsDoNotGetAnAPIToken: who may write instances, but not read Secrets, names a neighbor's API token as webhook token
// and takes the neighbor's reference away, or deletes the neighbor.
func TestR23TwoEditsDoNotGetAnAPIToken(t *testing.T) {
	for name, second := range map[string]func(*story){
		"the reference is changed": func(s *story) {
			s.edit("neighbor", func(r *v1alpha1.WhatsAppInstance) { r.Spec.APITokenSecretRef.Name = "elsewhere" })
			s.restart()
		},
		"the reference is changed twice": func(s *story) {
			for _, name := range []string{"elsewhere", "nowhere"} {
				s.edit("neighbor", func(r *v1alpha1.WhatsAppInstance) { r.Spec.APITokenSecretRef.Name = name })
				s.forward(15 * time.Minute)
			}
		},
		"the neighbor is deleted": func(s *story) { s.remove("neighbor") },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.neighbor()
			s.instance("thief", steal("neighbor", "secret"))
			s.forward(15 * time.Minute)
			s.Expect(s.condition("thief", v1alpha1.StalledCondition).Reason).To(Equal(v1alpha1.ReasonTokenMalformed))
			second(s)
			s.wake()
			s.forward(2 * time.Hour)
			s.Expect(s.condition("thief", v1alpha1.StalledCondition).Reason).To(Equal(v1alpha1.ReasonTokenMalformed))
			s.Expect(s.sets()).To(BeEmpty())
		})
	}
}

// TestR23ACopyOfAnAPITokenIsNoWebhookToken: another Secret holds the same value, and the one that was rotated away likewise.
func TestR23ACopyOfAnAPITokenIsNoWebhookToken(t *testing.T) {
	s := newStory(t)
	s.neighbor()
	s.secret("copy", map[string]string{"token": "t0ken-of-the-neighbor"})
	s.vendor.RotateToken(instanceID+1, "an0ther-token-of-the-neighbor")
	s.secret("neighbor", map[string]string{"secret": "an0ther-token-of-the-neighbor"})
	s.forward(time.Minute)
	s.instance("thief", steal("copy", "token"))
	s.forward(15 * time.Minute)
	s.Expect(s.condition("thief", v1alpha1.SyncedCondition).Message).To(ContainSubstring("holds a value that is or was used as an API token"))
	s.Expect(s.sets()).To(BeEmpty())
}

// TestR23TheKeyOfAPITokensIsNoWebhookToken, whoever uses the Secret: the neighbor may be gone, and the process new.
func TestR23TheKeyOfAPITokensIsNoWebhookToken(t *testing.T) {
	s := newStory(t)
	s.secret("left-over", map[string]string{"apiTokenInstance": "t0ken-of-somebody-gone"})
	s.instance("thief", steal("left-over", "apiTokenInstance"))
	s.forward(15 * time.Minute)
	s.Expect(s.condition("thief", v1alpha1.SyncedCondition).Message).To(ContainSubstring("is where API tokens are kept"))
	s.Expect(s.sets()).To(BeEmpty())
}

// TestR23OnlyLabelledSecretsHoldWebhookTokens where --webhook-secret-label-selector asks for it; API tokens need no label.
func TestR23OnlyLabelledSecretsHoldWebhookTokens(t *testing.T) {
	s := newStory(t)
	s.options.WebhookSecretSelector = labels.SelectorFromSet(labels.Set{"for": "webhooks"})
	s.restart()
	s.secret("webhook", map[string]string{"token": "webhook-t0ken-abcdefgh"})
	s.instance("line", steal("webhook", "token"))
	s.forward(15 * time.Minute)
	s.Expect(s.condition("line", v1alpha1.StalledCondition).Reason).To(Equal(v1alpha1.ReasonSecretNotFound))
	s.Expect(s.condition("line", v1alpha1.SyncedCondition).Message).To(ContainSubstring("for=webhooks"))
	s.Expect(s.condition("line", v1alpha1.CredentialsValidCondition).Reason).To(Equal(v1alpha1.ReasonTokenAccepted))
	s.Expect(s.sets()).To(BeEmpty())
}

// TestR20AnEarlierTimeAsksForNothing: a tool that puts back what stands in Git asks for no second reboot, and a person who sets a
// later time does.
func TestR20AnEarlierTimeAsksForNothing(t *testing.T) {
	s := newStory(t)
	s.instance("line", incoming(true))
	s.settled("line", v1alpha1.ReasonSucceeded)
	ask := func(annotation, value string) {
		s.edit("line", func(r *v1alpha1.WhatsAppInstance) {
			if r.Annotations == nil {
				r.Annotations = map[string]string{}
			}
			r.Annotations[annotation] = value
		})
		s.forward(10 * time.Minute)
	}
	for _, step := range []struct {
		value   string
		reboots int
	}{
		{"2026-01-02T10:00:00Z", 1},
		{"2026-01-01T10:00:00Z", 1}, // what stands in Git
		{"2026-01-02T10:00:00Z", 1},
		{"2026-01-02T13:00:00+03:00", 1}, // the same time
		{"2026-01-02T10:00:01Z", 2},
		{"now", 3}, // any other value is a new one
	} {
		ask(v1alpha1.RebootRequestedAtAnnotation, step.value)
		s.Expect(s.reboots()).To(Equal(step.reboots), step.value)
	}
	for _, step := range []struct {
		value, handled string
	}{
		{"2026-01-02T10:00:00Z", "2026-01-02T10:00:00Z"},
		{"2026-01-01T10:00:00Z", "2026-01-02T10:00:00Z"},
		{"2026-01-03T10:00:00Z", "2026-01-03T10:00:00Z"},
	} {
		ask(v1alpha1.ReconcileRequestedAtAnnotation, step.value)
		s.Expect(s.status("line").LastHandledReconcileAt).To(Equal(step.handled))
	}
}
