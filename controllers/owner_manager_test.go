// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"net/http/httptest"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/controllers"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
)

// TestR18TheRightKindOwnsWithRealWatches: a resource of the wrong kind, the right one beside it, and a write that has nothing to
// do with either. Nobody wakes anybody by hand.
func TestR18TheRightKindOwnsWithRealWatches(t *testing.T) {
	t.Parallel()
	needControlPlane(t)
	g, ctx := NewWithT(t), t.Context()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "real-"}}
	g.Expect(admin.Create(ctx, namespace)).To(Succeed())
	vendor := emulator.New(emulator.Options{RestartTime: time.Second})
	server := httptest.NewServer(vendor)
	t.Cleanup(server.Close)
	const token = "t0ken-of-real-abcdefgh"
	vendor.Add(emulator.Instance{ID: instanceID, Token: token, Messenger: emulator.MAX})
	vendor.Add(emulator.Instance{ID: instanceID + 1, Token: token, Messenger: emulator.WhatsApp})

	mgr, _ := realOperator{
		managerOptions: managerOptions{namespace: namespace.Name}, kinds: instance.Kinds, workers: 2, recorder: &eventLog{t: t},
		options: controllers.Options{DefaultAPIURL: server.URL, StateInterval: 2 * time.Second, SettingsInterval: 4 * time.Second, CallTimeout: 2 * time.Second,
			Limits: plan.Limits{SettleTimeout: 5 * time.Second, SettlePoll: time.Second, RetryAfter: 10 * time.Second, MaxAttempts: 3, FlapThreshold: 3, FlapWindow: time.Hour, CallWindow: time.Second}},
	}.setUp(t)
	runManager(t, mgr)

	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace.Name, Name: "token"}, StringData: map[string]string{"apiTokenInstance": token}}
	g.Expect(admin.Create(ctx, secret)).To(Succeed())
	ref := v1alpha1.SecretKeyReference{Name: "token"}
	meta := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: namespace.Name, Name: name} }
	ready := func(resource v1alpha1.Instance) string {
		_ = admin.Get(ctx, client.ObjectKeyFromObject(resource), resource)
		c := apimeta.FindStatusCondition(resource.InstanceStatus().Conditions, v1alpha1.ReadyCondition)
		if c == nil {
			return ""
		}
		return string(c.Status) + " " + c.Reason
	}
	wrong := &v1alpha1.WhatsAppInstance{ObjectMeta: meta("wrong"), Spec: v1alpha1.WhatsAppInstanceSpec{InstanceSpec: v1alpha1.InstanceSpec{IDInstance: instanceID, APITokenSecretRef: ref}}}
	g.Expect(admin.Create(ctx, wrong)).To(Succeed())
	g.Eventually(func() string { return ready(wrong) }, patience).Should(Equal("False MessengerMismatch"))
	created := time.Now().Unix()
	g.Eventually(func() int64 { return time.Now().Unix() }, patience).Should(BeNumerically(">", created+1), "a creationTimestamp has whole seconds")
	right := &v1alpha1.MaxInstance{ObjectMeta: meta("right"), Spec: v1alpha1.MaxInstanceSpec{InstanceSpec: v1alpha1.InstanceSpec{IDInstance: instanceID, APITokenSecretRef: ref},
		Settings: &v1alpha1.MaxSettings{CommonSettings: v1alpha1.CommonSettings{IncomingWebhook: new(true)}}}}
	g.Expect(admin.Create(ctx, right)).To(Succeed())
	g.Eventually(func() string { return ready(right) }, 2*patience).Should(Equal("True Succeeded"))
	other := &v1alpha1.WhatsAppInstance{ObjectMeta: meta("else"), Spec: v1alpha1.WhatsAppInstanceSpec{InstanceSpec: v1alpha1.InstanceSpec{IDInstance: instanceID + 1, APITokenSecretRef: ref}}}
	incoming(true)(other)
	g.Expect(admin.Create(ctx, other)).To(Succeed())
	g.Eventually(func() string { return ready(other) }, 2*patience).Should(Equal("True Succeeded"))
	looks := len(vendor.Calls(instanceID, "getSettings"))
	g.Eventually(func() int { return len(vendor.Calls(instanceID, "getSettings")) }, 6*patience).Should(BeNumerically(">", looks+4), "somebody looks after the instance")
	g.Expect(ready(right)).To(Equal("True Succeeded"))
	g.Expect(ready(wrong)).To(Equal("False MessengerMismatch"))
}
