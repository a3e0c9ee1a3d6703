// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// claim is the name of the claim, and claimSecret of the Secret that it makes.
const (
	claim       = "support-line"
	claimSecret = claim + v1alpha1.ClaimSecretSuffix
)

// newClaimStory is a story of an operator that looks after claims. What the claims' controller does, the story does itself.
func newClaimStory(t *testing.T) *story {
	t.Helper()
	s := newStory(t)
	s.options.Claims, s.options.DefaultAPIURL = true, "http://127.0.0.1:1"
	s.restart()
	return s
}

// claims creates the claim, which nobody has looked at yet.
func (s *story) claims() {
	s.t.Helper()
	made := &v1alpha1.InstanceClaim{ObjectMeta: metav1.ObjectMeta{Namespace: s.ns, Name: claim}, Spec: v1alpha1.InstanceClaimSpec{AccountRef: v1alpha1.AccountReference{Name: "reseller"}}}
	s.Expect(admin.Create(s.ctx, made)).To(Succeed())
	s.awaitClaim(made.ResourceVersion)
}

// claimSays changes the status of the claim.
func (s *story) claimSays(change func(*v1alpha1.InstanceClaimStatus)) {
	s.t.Helper()
	known := &v1alpha1.InstanceClaim{}
	s.Expect(admin.Get(s.ctx, types.NamespacedName{Namespace: s.ns, Name: claim}, known)).To(Succeed())
	change(&known.Status)
	s.Expect(admin.Status().Update(s.ctx, known)).To(Succeed())
	s.awaitClaim(known.ResourceVersion)
}

// awaitClaim waits until the operator's cache has a version of the claim, "" for none, and wakes the resources as a watch would.
func (s *story) awaitClaim(version string) {
	s.t.Helper()
	s.Eventually(func() string {
		known := &v1alpha1.InstanceClaim{}
		_ = s.cached.Get(s.ctx, types.NamespacedName{Namespace: s.ns, Name: claim}, known)
		return known.ResourceVersion
	}, patience).Should(Equal(version))
	for name := range s.kinds {
		s.due[name] = s.clock.Now()
	}
}

// removeClaim deletes the claim.
func (s *story) removeClaim() {
	s.t.Helper()
	s.Expect(admin.Delete(s.ctx, &v1alpha1.InstanceClaim{ObjectMeta: metav1.ObjectMeta{Namespace: s.ns, Name: claim}})).To(Succeed())
	s.awaitClaim("")
}

// says is what a claim's condition Created shows.
func says(status metav1.ConditionStatus, reason, message string) func(*v1alpha1.InstanceClaimStatus) {
	return func(c *v1alpha1.InstanceClaimStatus) {
		apimeta.SetStatusCondition(&c.Conditions, metav1.Condition{Type: v1alpha1.CreatedCondition, Status: status, Reason: reason, Message: message})
	}
}

// has is what a claim says that has an instance.
func (s *story) has(id int64, outcome v1alpha1.ClaimOutcome) func(*v1alpha1.InstanceClaimStatus) {
	return func(c *v1alpha1.InstanceClaimStatus) {
		c.IDInstance, c.APIURL = id, s.url
		c.Create = &v1alpha1.CreateRecord{Name: "prod/" + s.ns + "/" + claim, Outcome: outcome, FinishedTime: &metav1.Time{Time: s.clock.Now()}}
		says(metav1.ConditionTrue, v1alpha1.ReasonSucceeded, "The instance is there")(c)
	}
}

// sells adds an instance at the vendor, and the Secret that a claim would make for it.
func (s *story) sells(id int64, messenger string) {
	s.t.Helper()
	token := "t0ken-" + s.ns + "-of-the-claim"
	s.vendor.Add(emulator.Instance{ID: id, Token: token, Messenger: messenger})
	s.secret(claimSecret, map[string]string{"apiTokenInstance": token})
}

// buys has a partner account create an instance, of which it returns the number, and writes its Secret.
func (s *story) buys(messenger string, behavior emulator.PartnerBehavior) int64 {
	s.t.Helper()
	const partner = "gac.0123456789abcdef"
	s.vendor.AddAccount(emulator.Account{Name: "reseller", Token: partner, Messenger: messenger, Behavior: behavior})
	answer := httptest.NewRecorder()
	s.vendor.ServeHTTP(answer, httptest.NewRequestWithContext(s.ctx, "POST", s.url+"/partner/createInstance/"+partner, strings.NewReader(`{"name": "support"}`)))
	var made struct {
		ID    int64  `json:"idInstance"`
		Token string `json:"apiTokenInstance"`
	}
	s.Expect(json.Unmarshal(answer.Body.Bytes(), &made)).To(Succeed())
	s.secret(claimSecret, map[string]string{"apiTokenInstance": made.Token})
	return made.ID
}

// claiming is a resource of a kind that names the claim.
func claiming(kind instance.Kind) v1alpha1.Instance {
	resource := kind.New()
	resource.Core().ClaimRef = &v1alpha1.ClaimReference{Name: claim}
	switch r := resource.(type) {
	case *v1alpha1.WhatsAppInstance:
		incoming(true)(r)
	case *v1alpha1.MaxInstance:
		r.Spec.Settings = &v1alpha1.MaxSettings{CommonSettings: v1alpha1.CommonSettings{IncomingWebhook: new(true)}}
	case *v1alpha1.TelegramInstance:
		r.Spec.Settings = &v1alpha1.TelegramSettings{CommonSettings: v1alpha1.CommonSettings{IncomingWebhook: new(true)}}
	}
	return resource
}

// whatsApp is one of WhatsApp.
func whatsApp(change func(*v1alpha1.WhatsAppInstance)) *v1alpha1.WhatsAppInstance {
	resource := &v1alpha1.WhatsAppInstance{}
	resource.Spec.ClaimRef = &v1alpha1.ClaimReference{Name: claim}
	incoming(true)(resource)
	if change != nil {
		change(resource)
	}
	return resource
}

// notReady expects a resource to wait for its claim, to say so in words, and to look by itself at no time.
func (s *story) notReady(name, message string) {
	s.t.Helper()
	ready := s.ready(name)
	s.Expect([]string{string(ready.Status), ready.Reason, ready.Message}).To(Equal([]string{"Unknown", v1alpha1.ReasonClaimNotReady, message}))
	s.Expect(s.condition(name, v1alpha1.ReconcilingCondition).Message).To(Equal(message))
	s.Expect(s.condition(name, v1alpha1.StalledCondition).Reason).To(BeEmpty())
	s.Expect(s.due).NotTo(HaveKey(name))
}

// version is the resourceVersion of a resource.
func (s *story) version(name string) string {
	resource := instance.Kinds[s.kinds[name]].New()
	s.Expect(admin.Get(s.ctx, client.ObjectKey{Namespace: s.ns, Name: name}, resource)).To(Succeed())
	return resource.GetResourceVersion()
}

// deletesClaimSlowly deletes the claim, which its controller keeps for a while.
func (s *story) deletesClaimSlowly() {
	s.t.Helper()
	known, key := &v1alpha1.InstanceClaim{}, types.NamespacedName{Namespace: s.ns, Name: claim}
	s.Expect(admin.Get(s.ctx, key, known)).To(Succeed())
	known.Finalizers = []string{v1alpha1.ClaimFinalizer}
	s.Expect(admin.Update(s.ctx, known)).To(Succeed())
	s.Expect(admin.Delete(s.ctx, known)).To(Succeed())
	s.Expect(admin.Get(s.ctx, key, known)).To(Succeed())
	s.awaitClaim(known.ResourceVersion)
}
