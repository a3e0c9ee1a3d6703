// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"errors"
	"net/http/httptest"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/controllers"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
)

// TestR18OneOfAClaimAndOneOfANumberAreDuplicates whoever was there first, and before either has looked.
func TestR18OneOfAClaimAndOneOfANumberAreDuplicates(t *testing.T) {
	byNumber := func(r *v1alpha1.WhatsAppInstance) {
		incoming(true)(r)
		r.Spec.APITokenSecretRef.Name = claimSecret
	}
	for name, test := range map[string]struct {
		owner  string
		looked bool
	}{
		"the claim is older, and at work":  {"claimed", true},
		"the claim is older":               {"claimed", false},
		"the number is older, and at work": {"numbered", true},
		"the number is older":              {"numbered", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newClaimStory(t)
			s.options.DefaultAPIURL = s.url
			s.restart()
			s.sells(instanceID, emulator.WhatsApp)
			s.claims()
			s.claimSays(s.has(instanceID, v1alpha1.ClaimAdopted))
			create := map[string]func(){
				"claimed":  func() { s.apply("claimed", whatsApp(nil)) },
				"numbered": func() { s.instance("numbered", byNumber) },
			}
			create[test.owner]()
			if test.looked {
				s.settled(test.owner, v1alpha1.ReasonSucceeded)
			}
			s.nextSecond()
			other := "numbered"
			if test.owner == other {
				other = "claimed"
			}
			create[other]()
			s.pass(other)
			owner := test.owner
			if !test.looked {
				// It is known who comes first, before that one has a status. Who is not may read, and owns the instance once it was
				// accepted.
				s.Expect(s.ready(other).Reason).To(Equal(v1alpha1.ReasonProgressing))
				s.Expect(s.sets()).To(BeEmpty())
				s.pass(owner)
				owner, other = other, owner
			}
			s.forward(time.Minute)
			s.settled(owner, v1alpha1.ReasonSucceeded)
			s.settled(other, v1alpha1.ReasonDuplicateInstance)
			s.Expect(s.sets()).To(HaveLen(1))
			s.Expect(s.condition(other, v1alpha1.StalledCondition).Message).To(Equal(`WhatsAppInstance "` + owner + `" already manages this instance. Delete one of the two`))
			s.Expect(s.status(other).IDInstance).To(Equal(instanceID))

			s.remove(owner)
			s.settled(other, v1alpha1.ReasonSucceeded)
			s.Expect(s.sets()).To(HaveLen(1))
		})
	}
}

// TestR18TwoOfOneClaimAreDuplicates of different kinds too.
func TestR18TwoOfOneClaimAreDuplicates(t *testing.T) {
	s := newClaimStory(t)
	s.sells(instanceID, emulator.WhatsApp)
	s.claims()
	s.claimSays(s.has(instanceID, v1alpha1.ClaimAdopted))
	s.apply("older", whatsApp(nil))
	s.nextSecond()
	s.apply("newer", whatsApp(nil))
	s.apply("other", claiming(instance.Kinds[1]))
	s.pass("newer")
	s.Expect(s.sets()).To(BeEmpty())
	s.pass("older")
	s.settled("newer", v1alpha1.ReasonSucceeded)
	s.settled("older", v1alpha1.ReasonDuplicateInstance)
	s.settled("other", v1alpha1.ReasonDuplicateInstance)
	s.Expect(s.sets()).To(HaveLen(1))
}

// TestTheNumberShowsFromTheFirstLook of a resource that has it in its spec, and of one that is paused.
func TestTheNumberShowsFromTheFirstLook(t *testing.T) {
	s := newStory(t)
	s.vendor.Fault(emulator.Fault{Status: 502, Times: -1})
	s.instance("line", incoming(true))
	s.pass("line")
	s.Expect(s.status("line").IDInstance).To(Equal(instanceID))
	s.instance("paused", pausing(true))
	s.pass("paused")
	s.Expect(s.status("paused").IDInstance).To(Equal(instanceID))
}

// TestP14WithRealWatches: nobody wakes anybody by hand. A claim that has its instance, its Secret under a name of its own, and a
// resource that names the same number, wake whom they concern.
func TestP14WithRealWatches(t *testing.T) {
	t.Parallel()
	needControlPlane(t)
	g, ctx := NewWithT(t), t.Context()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "real-"}}
	g.Expect(admin.Create(ctx, namespace)).To(Succeed())
	vendor := emulator.New(emulator.Options{RestartTime: time.Second})
	server := httptest.NewServer(vendor)
	t.Cleanup(server.Close)
	vendor.Add(emulator.Instance{ID: instanceID, Token: "t0ken-the-first-of-the-claim", Messenger: emulator.WhatsApp})
	// Only a watch is fast enough: it is looked once an hour.
	mgr, _ := realOperator{
		managerOptions: managerOptions{namespace: namespace.Name}, kinds: instance.Kinds, workers: 2, recorder: &eventLog{t: t},
		options: controllers.Options{DefaultAPIURL: server.URL, StateInterval: time.Hour, SettingsInterval: time.Hour, CallTimeout: 2 * time.Second, Claims: true,
			Limits: plan.Limits{SettleTimeout: 5 * time.Second, SettlePoll: time.Second, RetryAfter: time.Hour, MaxAttempts: 3, FlapThreshold: 3, FlapWindow: time.Hour, CallWindow: time.Second}},
	}.setUp(t)
	runManager(t, mgr)

	meta := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: namespace.Name, Name: name} }
	ready := func(resource v1alpha1.Instance) func() string {
		return func() string {
			_ = admin.Get(ctx, client.ObjectKeyFromObject(resource), resource)
			if c := apimeta.FindStatusCondition(resource.InstanceStatus().Conditions, v1alpha1.ReadyCondition); c != nil {
				return string(c.Status) + " " + c.Reason
			}
			return ""
		}
	}
	says := func(made *v1alpha1.InstanceClaim, status metav1.ConditionStatus, reason string) {
		made.Status.IDInstance, made.Status.APIURL = instanceID, server.URL
		apimeta.SetStatusCondition(&made.Status.Conditions, metav1.Condition{Type: v1alpha1.CreatedCondition, Status: status, Reason: reason, Message: "said"})
		g.Expect(admin.Status().Update(ctx, made)).To(Succeed())
	}
	resource := &v1alpha1.TelegramInstance{ObjectMeta: meta("wrong-kind")}
	resource.Spec.ClaimRef = &v1alpha1.ClaimReference{Name: claim}
	line := &v1alpha1.WhatsAppInstance{ObjectMeta: meta("line")}
	line.Spec.ClaimRef = &v1alpha1.ClaimReference{Name: claim}
	g.Expect(admin.Create(ctx, line)).To(Succeed())
	g.Eventually(ready(line), patience).Should(Equal("Unknown ClaimNotReady"))
	made := &v1alpha1.InstanceClaim{ObjectMeta: meta(claim), Spec: v1alpha1.InstanceClaimSpec{AccountRef: v1alpha1.AccountReference{Name: "reseller"}, SecretName: "a-name-of-its-own"}}
	g.Expect(admin.Create(ctx, made)).To(Succeed())
	g.Eventually(func() string { ready(line)(); return line.Status.Conditions[len(line.Status.Conditions)-1].Message }, patience).Should(ContainSubstring("was not looked at yet"))
	says(made, metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	// Its Secret is not there yet, and is no name that the spec of the resource has.
	g.Eventually(ready(line), patience).Should(Equal("False SecretNotFound"))
	secret := &corev1.Secret{ObjectMeta: meta("a-name-of-its-own"), StringData: map[string]string{"apiTokenInstance": "t0ken-the-first-of-the-claim"}}
	g.Expect(admin.Create(ctx, secret)).To(Succeed())
	g.Eventually(ready(line), patience).Should(Equal("True Succeeded"))

	g.Expect(admin.Create(ctx, resource)).To(Succeed())
	g.Eventually(ready(resource), patience).Should(Equal("False DuplicateInstance"))
	says(made, metav1.ConditionFalse, v1alpha1.ReasonInstanceMissing)
	g.Eventually(ready(line), patience).Should(Equal("Unknown ClaimNotReady"))
	g.Eventually(ready(resource), patience).Should(Equal("Unknown ClaimNotReady"))
	says(made, metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	g.Eventually(ready(line), patience).Should(Equal("True Succeeded"))
	g.Expect(admin.Delete(ctx, line)).To(Succeed())
	g.Eventually(ready(resource), patience).Should(Equal("False MessengerMismatch"))
	g.Expect(admin.Delete(ctx, made)).To(Succeed())
	g.Eventually(ready(resource), patience).Should(Equal("Unknown ClaimNotReady"))
}

// TestNothingIsWatchedOfClaimsWithoutThem: where nobody looks after claims, the operator may have no right to see one.
func TestNothingIsWatchedOfClaimsWithoutThem(t *testing.T) {
	needControlPlane(t)
	g := NewWithT(t)
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "real-"}}
	g.Expect(admin.Create(t.Context(), namespace)).To(Succeed())
	for name, claims := range map[string]bool{"without": false, "with": true} {
		mgr, _ := realOperator{
			managerOptions: managerOptions{namespace: namespace.Name, strict: true, withoutClaims: !claims}, kinds: instance.Kinds, workers: 1, recorder: &eventLog{t: t},
			options: controllers.Options{Claims: claims, CallTimeout: time.Second},
		}.setUp(t)
		runManager(t, mgr)
		// A controller that has looked watches all that it ever does.
		line := &v1alpha1.WhatsAppInstance{ObjectMeta: metav1.ObjectMeta{Namespace: namespace.Name, Name: name}}
		line.Spec.ClaimRef = &v1alpha1.ClaimReference{Name: claim}
		g.Expect(admin.Create(t.Context(), line)).To(Succeed())
		g.Eventually(func() int {
			_ = admin.Get(t.Context(), client.ObjectKeyFromObject(line), line)
			return len(line.Status.Conditions)
		}, patience).Should(BeNumerically(">", 0))
		err := mgr.GetClient().List(t.Context(), &v1alpha1.InstanceClaimList{})
		if claims {
			g.Expect(err).NotTo(HaveOccurred())
			continue
		}
		_, notWatched := errors.AsType[*cache.ErrResourceNotCached](err)
		g.Expect(notWatched).To(BeTrue(), "%v", err)
	}
}
