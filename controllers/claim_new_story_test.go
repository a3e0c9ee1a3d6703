// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// beingCreated expects a resource to say that its instance is being created, and nothing to be wrong.
func (s *story) beingCreated(name string) {
	s.t.Helper()
	available, ready, credentials := s.condition(name, v1alpha1.AvailableCondition), s.ready(name), s.condition(name, v1alpha1.CredentialsValidCondition)
	s.Expect([]string{string(available.Status), available.Reason}).To(Equal([]string{"False", v1alpha1.ReasonCreating}))
	s.Expect([]string{string(ready.Status), ready.Reason}).To(Equal([]string{"Unknown", v1alpha1.ReasonProgressing}))
	s.Expect(s.condition(name, v1alpha1.ReconcilingCondition).Reason).To(Equal(v1alpha1.ReasonProgressing))
	s.Expect(credentials.Status).NotTo(Equal(metav1.ConditionFalse))
}

// TestP8ABoughtInstanceThatRefusesIsBeingCreated: of each kind, with a vendor that refuses what it sold for some minutes.
func TestP8ABoughtInstanceThatRefusesIsBeingCreated(t *testing.T) {
	for _, kind := range instance.Kinds {
		for name, behavior := range map[string]emulator.PartnerBehavior{"401": {RefuseNew: 12 * time.Minute}, "null": {CreateTime: 12 * time.Minute}} {
			t.Run(kind.Name+" "+name, func(t *testing.T) {
				s := newClaimStory(t)
				id := s.buys(kind.Messenger, behavior)
				s.claims()
				s.claimSays(s.has(id, v1alpha1.ClaimCreated))
				s.apply("line", claiming(kind))
				for range 11 {
					s.forward(time.Minute)
					s.beingCreated("line")
				}
				s.Expect(s.vendor.Calls(id, "setSettings")).To(BeEmpty())
				s.Expect(s.events.text()).NotTo(ContainSubstring("refused"))
				s.Expect(len(s.vendor.Calls(id, "getStateInstance"))).To(BeNumerically("<=", 40))
				s.settled("line", v1alpha1.ReasonSucceeded)
				s.Expect(s.clock.Now()).To(BeTemporally("<", storyStart.Add(15*time.Minute)))
				s.Expect(s.status("line").StateInstance).To(Equal(emulator.StateNotAuthorized))
				s.Expect(s.vendor.Calls(id, "setSettings")).To(HaveLen(1))
			})
		}
	}
}

// TestP8OnceItIsCreatedThereIsNothingToWaitFor, also where no setting is managed, so that nothing waits to be written.
func TestP8OnceItIsCreatedThereIsNothingToWaitFor(t *testing.T) {
	s := newClaimStory(t)
	id := s.buys(emulator.WhatsApp, emulator.PartnerBehavior{CreateTime: 5 * time.Minute})
	s.claims()
	s.claimSays(s.has(id, v1alpha1.ClaimCreated))
	s.apply("line", whatsApp(func(r *v1alpha1.WhatsAppInstance) { r.Spec.Settings = nil }))
	s.forward(4 * time.Minute)
	s.beingCreated("line")
	s.forward(150 * time.Second)
	s.Expect(s.ready("line").Reason).To(Equal(v1alpha1.ReasonSucceeded))
	s.Expect(s.condition("line", v1alpha1.AvailableCondition).Reason).To(Equal(v1alpha1.ReasonNotAuthorized))
}

// TestP8AfterAQuarterOfAnHourARefusalIsOne: what was refused all the time is a person's turn then, and an answer that says nothing is
// tried again as ever.
func TestP8AfterAQuarterOfAnHourARefusalIsOne(t *testing.T) {
	for name, test := range map[string]struct {
		fault  emulator.Fault
		reason string
	}{
		"401":   {emulator.Fault{Status: 401, Times: -1}, v1alpha1.ReasonUnauthorized},
		"403":   {emulator.Fault{Status: 403, Times: -1}, v1alpha1.ReasonInstanceNotFound},
		"404":   {emulator.Fault{Status: 404, Times: -1}, v1alpha1.ReasonInstanceNotFound},
		"empty": {emulator.Fault{Answer: emulator.AnswerEmpty, Times: -1}, ""},
		"null":  {emulator.Fault{Method: "getSettings", Answer: emulator.AnswerNull, Times: -1}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newClaimStory(t)
			s.sells(instanceID, emulator.WhatsApp)
			s.claims()
			s.claimSays(s.has(instanceID, v1alpha1.ClaimCreated))
			s.vendor.Fault(test.fault)
			s.apply("line", whatsApp(nil))
			for range 14 {
				s.forward(time.Minute)
				s.beingCreated("line")
			}
			s.forward(2 * time.Minute)
			s.Expect(s.condition("line", v1alpha1.StalledCondition).Reason).To(Equal(test.reason))
			if test.reason == "" {
				s.Expect(s.condition("line", v1alpha1.ReconcilingCondition).Reason).To(Equal(v1alpha1.ReasonProgressingWithRetry))
			}
			s.vendor.ClearFaults()
			s.settled("line", v1alpha1.ReasonSucceeded)
		})
	}
}

// TestP8WhatWasBoughtAndFoundInTheListIsBeingCreatedToo: the answer was lost, and the instance is as new as any.
func TestP8WhatWasBoughtAndFoundInTheListIsBeingCreatedToo(t *testing.T) {
	s := newClaimStory(t)
	id := s.buys(emulator.WhatsApp, emulator.PartnerBehavior{RefuseNew: 12 * time.Minute})
	s.claims()
	s.claimSays(func(c *v1alpha1.InstanceClaimStatus) {
		s.has(id, v1alpha1.ClaimAdopted)(c)
		c.Create.Attempt = 1
	})
	s.apply("line", whatsApp(nil))
	for range 11 {
		s.forward(time.Minute)
		s.beingCreated("line")
	}
	s.settled("line", v1alpha1.ReasonSucceeded)
}

// TestP8OnlyWhatWasBoughtIsBeingCreated: one that was adopted, or bought long ago, is refused as any other, and so is one that the
// vendor fails for otherwise.
func TestP8OnlyWhatWasBoughtIsBeingCreated(t *testing.T) {
	for name, test := range map[string]struct {
		outcome v1alpha1.ClaimOutcome
		age     time.Duration
		fault   emulator.Fault
		want    string
	}{
		"adopted":     {v1alpha1.ClaimAdopted, 0, emulator.Fault{Status: 401, Times: -1}, v1alpha1.ReasonUnauthorized},
		"an old one":  {v1alpha1.ClaimCreated, 16 * time.Minute, emulator.Fault{Status: 401, Times: -1}, v1alpha1.ReasonUnauthorized},
		"in a year":   {v1alpha1.ClaimCreated, -365 * 24 * time.Hour, emulator.Fault{Status: 401, Times: -1}, v1alpha1.ReasonUnauthorized},
		"fails":       {v1alpha1.ClaimCreated, 0, emulator.Fault{Status: 502, Times: -1}, v1alpha1.ReasonProgressing},
		"another say": {v1alpha1.ClaimCreated, 0, emulator.Fault{Status: 400, Body: `{"message":"Instance is deleted"}`, Times: -1}, v1alpha1.ReasonDeleted},
	} {
		t.Run(name, func(t *testing.T) {
			s := newClaimStory(t)
			s.sells(instanceID, emulator.WhatsApp)
			s.claims()
			s.claimSays(func(c *v1alpha1.InstanceClaimStatus) {
				s.has(instanceID, test.outcome)(c)
				c.Create.FinishedTime.Time = s.clock.Now().Add(-test.age)
			})
			s.vendor.Fault(test.fault)
			s.apply("line", whatsApp(nil))
			s.pass("line")
			s.Expect(s.condition("line", v1alpha1.AvailableCondition).Reason).NotTo(Equal(v1alpha1.ReasonCreating))
			s.Expect(s.ready("line").Reason).To(Equal(test.want))
		})
	}
}

// TestP8ASetSettingsThatABoughtInstanceRefusesIsMadeAgain without a word.
func TestP8ASetSettingsThatABoughtInstanceRefusesIsMadeAgain(t *testing.T) {
	s := newClaimStory(t)
	s.sells(instanceID, emulator.WhatsApp)
	s.claims()
	s.claimSays(s.has(instanceID, v1alpha1.ClaimCreated))
	s.vendor.Fault(emulator.Fault{Method: "setSettings", Status: 401, Times: 3})
	s.apply("line", whatsApp(nil))
	for len(s.sets()) < 3 {
		_, at := s.next()
		s.clock.SetTime(at)
		s.pass("line")
		s.Expect(string(s.ready("line").Status)).To(Equal("Unknown"))
	}
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.Expect(s.clock.Now()).To(BeTemporally("<", storyStart.Add(5*time.Minute)))
	s.Expect(s.sets()).To(HaveLen(4))
}

// oldSecrets is a client whose cache shows every Secret as it was at first.
type oldSecrets struct {
	client.Client
	seen map[string]*metav1.PartialObjectMetadata
}

func (c oldSecrets) Get(ctx context.Context, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
	meta, ok := object.(*metav1.PartialObjectMetadata)
	if !ok {
		return c.Client.Get(ctx, key, object, options...)
	}
	if old := c.seen[key.Name]; old != nil {
		old.DeepCopyInto(meta)
		return nil
	}
	err := c.Client.Get(ctx, key, object, options...)
	c.seen[key.Name] = meta.DeepCopy()
	return err
}

// TestP8ANewTokenIsUsedWhileAnInstanceIsBeingCreated: the Secret is read again when the vendor refuses the token, whatever the cache
// has heard.
func TestP8ANewTokenIsUsedWhileAnInstanceIsBeingCreated(t *testing.T) {
	s := newClaimStory(t)
	s.wrapClient = func(c client.Client) client.Client { return oldSecrets{c, map[string]*metav1.PartialObjectMetadata{}} }
	s.restart()
	s.sells(instanceID, emulator.WhatsApp)
	s.claims()
	s.claimSays(s.has(instanceID, v1alpha1.ClaimCreated))
	s.vendor.Update(instanceID, func(in *emulator.Instance) { in.Token = "t0ken-another-one-of-it" })
	s.apply("line", whatsApp(nil))
	s.pass("line")
	s.beingCreated("line")
	s.secret(claimSecret, map[string]string{"apiTokenInstance": "t0ken-another-one-of-it"})
	s.forward(30 * time.Second)
	s.Expect(s.condition("line", v1alpha1.AvailableCondition).Reason).To(Equal(v1alpha1.ReasonAuthorized))
}
