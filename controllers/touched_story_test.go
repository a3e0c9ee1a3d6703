// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"fmt"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// touch changes nothing of a Secret but an annotation, as tools that keep Secrets do.
func (s *story) touch(name string) {
	s.t.Helper()
	secret := &corev1.Secret{}
	s.Expect(admin.Get(s.ctx, types.NamespacedName{Namespace: s.ns, Name: name}, secret)).To(Succeed())
	if secret.Annotations == nil {
		secret.Annotations = map[string]string{}
	}
	secret.Annotations["tool/last-refresh"] = s.clock.Now().String()
	s.Expect(admin.Update(s.ctx, secret)).To(Succeed())
	s.awaitSecret(name, secret.ResourceVersion)
}

func withToken(more func(*v1alpha1.WhatsAppInstance)) func(*v1alpha1.WhatsAppInstance) {
	return func(r *v1alpha1.WhatsAppInstance) {
		more(r)
		manage(func(w *v1alpha1.WhatsAppSettings) {
			w.WebhookURLTokenSecretRef = &v1alpha1.SecretKeyReference{Name: "webhook", Key: "token"}
		})(r)
	}
}

// A tool makes the Secret and annotates it a moment later. Nobody changed a value.
func TestR12ATouchedSecretIsNoChange(t *testing.T) {
	s := newStory(t)
	s.secret("webhook", map[string]string{"token": "webhook-t0ken-abcdefgh"})
	s.instance("line", withToken(incoming(true)))
	s.Expect(s.until(time.Minute, func() bool { return len(s.sets()) == 1 })).To(BeTrue())
	s.forward(5 * time.Second)
	s.touch("webhook")
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.forward(time.Hour)
	t.Logf("setSettings: %v", s.sets())
	s.Expect(s.vendor.Restarts(instanceID)).To(Equal(1), "one change, one restart")
}

// A resource and its Secret are renamed (as a Helm release is) while the write settles; every value is the same.
func TestR12ARenamedSecretIsNoChange(t *testing.T) {
	s := newStory(t)
	s.secret("webhook", map[string]string{"token": "webhook-t0ken-abcdefgh"})
	s.instance("line", withToken(incoming(true)))
	s.Expect(s.until(time.Minute, func() bool { return len(s.sets()) == 1 })).To(BeTrue())
	spec := s.get("line").Spec
	s.remove("line")
	s.secret("webhook2", map[string]string{"token": "webhook-t0ken-abcdefgh"})
	renamed := &v1alpha1.WhatsAppInstance{ObjectMeta: metav1.ObjectMeta{Namespace: s.ns, Name: "renamed"}, Spec: spec}
	renamed.Spec.Settings.WebhookURLTokenSecretRef.Name = "webhook2"
	s.kinds["renamed"] = s.kinds["line"]
	s.Expect(admin.Create(s.ctx, renamed)).To(Succeed())
	s.await(renamed)
	s.settled("renamed", v1alpha1.ReasonSucceeded)
	s.forward(time.Hour)
	t.Logf("setSettings: %v", s.sets())
	s.Expect(s.vendor.Restarts(instanceID)).To(Equal(1))
}

// The same with no webhook token.
func TestR10ARenamedResourceIsNoChange(t *testing.T) {
	s := newStory(t)
	s.instance("line", incoming(true))
	s.Expect(s.until(time.Minute, func() bool { return len(s.sets()) == 1 })).To(BeTrue())
	spec := s.get("line").Spec
	s.remove("line")
	renamed := &v1alpha1.WhatsAppInstance{ObjectMeta: metav1.ObjectMeta{Namespace: s.ns, Name: "renamed"}, Spec: spec}
	s.kinds["renamed"] = s.kinds["line"]
	s.Expect(admin.Create(s.ctx, renamed)).To(Succeed())
	s.await(renamed)
	s.settled("renamed", v1alpha1.ReasonSucceeded)
	s.forward(time.Hour)
	s.Expect(s.vendor.Restarts(instanceID)).To(Equal(1))
}

// The vendor never keeps a value, and a tool refreshes an annotation of the webhook token's Secret now and then.
func TestR13ATouchedSecretBeginsNoNewSeries(t *testing.T) {
	for _, every := range []time.Duration{10 * time.Minute, 30 * time.Minute} {
		t.Run(every.String(), func(t *testing.T) {
			s := newStory(t)
			s.secret("webhook", map[string]string{"token": "webhook-t0ken-abcdefgh"})
			s.instance("line", withToken(incoming(true)))
			s.vendor.Update(instanceID, func(in *emulator.Instance) { in.Behavior.NeverKept = []string{"incomingWebhook"} })
			for range int(24 * time.Hour / every) {
				s.forward(every)
				s.touch("webhook")
			}
			t.Logf("restarts in 24 h: %d; Stalled %q", s.vendor.Restarts(instanceID), s.condition("line", v1alpha1.StalledCondition).Reason)
			s.Expect(s.vendor.Restarts(instanceID)).To(BeNumerically("<=", 3), "restarts in 24 virtual hours when the vendor never keeps the values: 3")
		})
	}
}

// OnSpecChange only reports drift. A tool annotates the Secret.
func TestR16ATouchedSecretLetsOnSpecChangeWriteNothing(t *testing.T) {
	s := newStory(t)
	s.secret("webhook", map[string]string{"token": "webhook-t0ken-abcdefgh"})
	s.instance("line", func(r *v1alpha1.WhatsAppInstance) {
		withToken(incoming(true))(r)
		r.Spec.ReconcilePolicy = v1alpha1.PolicyOnSpecChange
	})
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.vendor.Edit(instanceID, map[string]any{"incomingWebhook": "no"})
	s.forward(time.Hour)
	s.Expect(s.vendor.Restarts(instanceID)).To(Equal(1))
	s.touch("webhook")
	s.forward(time.Hour)
	t.Logf("setSettings: %v", s.sets())
	s.Expect(s.vendor.Restarts(instanceID)).To(Equal(1), "nobody changed a value")
}

// Somebody sets a setting back each half hour, and a tool refreshes the Secret as often.
func TestR17ATouchedSecretHidesNoFlapping(t *testing.T) {
	for _, touched := range []bool{false, true} {
		t.Run(fmt.Sprint(touched), func(t *testing.T) {
			s := newStory(t)
			s.secret("webhook", map[string]string{"token": "webhook-t0ken-abcdefgh"})
			s.instance("line", withToken(incoming(true)))
			s.settled("line", v1alpha1.ReasonSucceeded)
			for range 48 {
				s.vendor.Edit(instanceID, map[string]any{"incomingWebhook": "no"})
				if touched {
					s.touch("webhook")
				}
				s.forward(30 * time.Minute)
			}
			t.Logf("restarts in 24 h: %d; Ready %s", s.vendor.Restarts(instanceID), s.ready("line").Reason)
			s.Expect(s.vendor.Restarts(instanceID)).To(BeNumerically("<=", 1+3+3))
		})
	}
}
