// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/controllers"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// TestR12RotatedTogether: API token and webhook token in one Secret, and only the first is rotated, while the write settles.
func TestR12RotatedTogether(t *testing.T) {
	s := newStory(t)
	s.vendorKeepsLate(2 * time.Minute)
	s.instance("line", withToken(incoming(true)))
	in, _ := s.vendor.Get(instanceID)
	s.secret("webhook", map[string]string{"apiTokenInstance": in.Token, "token": "webhook-t0ken-abcdefgh"})
	s.edit("line", func(r *v1alpha1.WhatsAppInstance) { r.Spec.APITokenSecretRef.Name = "webhook" })
	s.Expect(s.until(time.Minute, func() bool { return len(s.sets()) == 1 })).To(BeTrue())
	before := s.status("line").Apply.SecretVersion
	const rotated = "an0ther-api-token-abcdefgh"
	s.vendor.RotateToken(instanceID, rotated)
	s.secret("webhook", map[string]string{"apiTokenInstance": rotated, "token": "webhook-t0ken-abcdefgh"})
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.forward(time.Hour)
	s.Expect(s.vendor.Restarts(instanceID)).To(Equal(1), "%v", s.sets())
	after := s.status("line").SyncedSecretVersion
	s.Expect(after).To(MatchRegexp("^[0-9a-f]{16}$"))
	s.Expect(after).NotTo(Equal(before), "a new API token renews the digest")
	plain := sha256.Sum256([]byte("webhook-t0ken-abcdefgh"))
	s.Expect(after).NotTo(Equal(hex.EncodeToString(plain[:])[:16]))
}

// TestR18WhoWroteOnceIsAccepted, even while the vendor shows no state.
func TestR18WhoWroteOnceIsAccepted(t *testing.T) {
	s := newStory(t)
	s.instance("old", incoming(false))
	s.emptySecret("old-token")
	s.forward(10 * time.Minute)
	s.nextSecond()
	in, _ := s.vendor.Get(instanceID)
	s.secret("right", map[string]string{"apiTokenInstance": in.Token})
	s.instance("young", func(r *v1alpha1.WhatsAppInstance) { incoming(true)(r); r.Spec.APITokenSecretRef.Name = "right" })
	s.settled("young", v1alpha1.ReasonSucceeded)
	s.vendor.SetState(instanceID, "")
	s.forward(5 * time.Minute)
	s.Expect(s.status("young").StateInstance).To(BeEmpty())
	s.secret("old-token", map[string]string{"apiTokenInstance": in.Token})
	s.forward(5 * time.Minute)
	s.Expect(s.ready("old").Reason).To(Equal(v1alpha1.ReasonDuplicateInstance))
	s.Expect(s.sets()).To(HaveLen(1))
}

// TestR18AFormerTenantLosesTheLine: whose token is refused ranks last, and the one who may in looks after the line, before and
// after a restart of the operator.
func TestR18AFormerTenantLosesTheLine(t *testing.T) {
	s := newStory(t)
	s.instance("former", incoming(false))
	s.settled("former", v1alpha1.ReasonSucceeded)
	s.nextSecond()
	const token = "t0ken-of-the-new-tenant"
	s.vendor.RotateToken(instanceID, token)
	s.forward(10 * time.Minute)
	s.Expect(s.condition("former", v1alpha1.StalledCondition).Reason).To(Equal(v1alpha1.ReasonUnauthorized))
	s.secret("tenant", map[string]string{"apiTokenInstance": token})
	s.instance("tenant", func(r *v1alpha1.WhatsAppInstance) { incoming(true)(r); r.Spec.APITokenSecretRef.Name = "tenant" })
	s.settled("tenant", v1alpha1.ReasonSucceeded)
	for range 3 {
		s.restart()
		s.forward(time.Hour)
		s.Expect(s.ready("tenant").Reason).To(Equal(v1alpha1.ReasonSucceeded))
		s.Expect(s.ready("former").Reason).To(Or(Equal(v1alpha1.ReasonDuplicateInstance), Equal(v1alpha1.ReasonUnauthorized)))
	}
}

// TestR18ASquatterOfAnotherOrigin: that a token was accepted counts for the origin where it was.
func TestR18ASquatterOfAnotherOrigin(t *testing.T) {
	s := newStory(t)
	other := newStoryVendor(t, s)
	s.instance("squatter", func(r *v1alpha1.WhatsAppInstance) { r.Spec.APIURL = other; incoming(false)(r) })
	s.settled("squatter", v1alpha1.ReasonSucceeded)
	s.nextSecond()
	s.instance("healthy", func(r *v1alpha1.WhatsAppInstance) {
		incoming(true)(r)
		r.Spec.APITokenSecretRef.Name = "squatter-token"
	})
	s.settled("healthy", v1alpha1.ReasonSucceeded)
	calls := len(s.sets())
	s.edit("squatter", func(r *v1alpha1.WhatsAppInstance) { r.Spec.APIURL = s.url })
	for range 3 {
		s.wake()
		s.forward(time.Hour)
		s.restart()
	}
	s.Expect(s.ready("healthy").Reason).To(Equal(v1alpha1.ReasonSucceeded))
	s.Expect(s.ready("squatter").Reason).To(Equal(v1alpha1.ReasonDuplicateInstance))
	s.Expect(s.sets()).To(HaveLen(calls))
}

// TestR18AStalledDuplicateIsLookedAtAgain without any event.
func TestR18AStalledDuplicateIsLookedAtAgain(t *testing.T) {
	s := newStory(t)
	s.instance("old", incoming(true))
	s.settled("old", v1alpha1.ReasonSucceeded)
	s.nextSecond()
	s.instance("dup", func(r *v1alpha1.WhatsAppInstance) { incoming(true)(r); r.Spec.APITokenSecretRef.Name = "old-token" })
	s.pass("dup")
	s.Expect(s.ready("dup").Reason).To(Equal(v1alpha1.ReasonDuplicateInstance))
	s.Expect(s.due["dup"]).To(BeTemporally("~", s.clock.Now().Add(10*time.Minute), time.Minute+time.Second))
}

// TestR26WhatSomebodyElseStoredIsNotOverwritten: a status that was written during the pass is not put back.
func TestR26WhatSomebodyElseStoredIsNotOverwritten(t *testing.T) {
	s := newStory(t)
	once := true
	s.wrapVendor = func(v controllers.Vendor) controllers.Vendor {
		return during{v, func() {
			if once {
				once = false
				r := s.get("line")
				r.Status.Corrections = []v1alpha1.Correction{{Settings: []string{"outgoingWebhook"}}}
				r.Status.Corrections[0].Time.Time = s.clock.Now()
				s.Expect(admin.Status().Update(s.ctx, r)).To(Succeed())
				s.await(r)
			}
		}}
	}
	s.restart()
	s.instance("line", nil)
	s.pass("line")
	s.Expect(s.failures).NotTo(BeEmpty(), "the pass ends with a conflict, and is made again")
	s.Expect(s.status("line").Corrections).To(HaveLen(1))
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.Expect(s.status("line").Corrections).To(HaveLen(1))
}

// during is a vendor in which something happens while the state is read.
type during struct {
	controllers.Vendor
	do func()
}

func (d during) State(ctx context.Context) (string, error) {
	d.do()
	return d.Vendor.State(ctx)
}

// TestR38ANewInstanceMayRefuse: for ten minutes that is a beginning, and after that a person's turn.
func TestR38ANewInstanceMayRefuse(t *testing.T) {
	for name, fault := range map[string]emulator.Fault{
		"401":     {Status: 401, Times: -1},
		"403":     {Status: 403, Times: -1},
		"404":     {Status: 404, Times: -1},
		"expired": {Status: 400, Body: `{"message":"Instance account is expired. Renew your instance from personal area"}`, Times: -1},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.vendor.Fault(fault)
			s.instance("line", incoming(true))
			for range 9 {
				s.forward(time.Minute)
				s.Expect(s.condition("line", v1alpha1.StalledCondition).Reason).To(BeEmpty())
				s.Expect(s.condition("line", v1alpha1.ReconcilingCondition).Reason).To(Equal(v1alpha1.ReasonProgressingWithRetry))
				s.Expect(string(s.ready("line").Status)).To(Equal("False"))
				s.restart()
			}
			s.forward(3 * time.Minute)
			s.Expect(s.condition("line", v1alpha1.StalledCondition).Reason).NotTo(BeEmpty())
			s.vendor.ClearFaults()
			s.settled("line", v1alpha1.ReasonSucceeded)
		})
	}
	t.Run("a minute", func(t *testing.T) {
		s := newStory(t)
		s.vendor.Fault(emulator.Fault{Status: 401, Times: -1})
		s.instance("line", incoming(true))
		s.forward(time.Minute)
		s.vendor.ClearFaults()
		s.forward(2 * time.Minute)
		s.Expect(s.sets()).To(HaveLen(1))
	})
}

// TestR14AnAnswerThatSaysNothingOfTheValuesRejectsNothing: 408 is an unknown outcome, the others were not taken.
func TestR14AnAnswerThatSaysNothingOfTheValuesRejectsNothing(t *testing.T) {
	for name, test := range map[string]struct {
		fault emulator.Fault
		want  v1alpha1.ApplyOutcome
	}{
		"408":   {emulator.Fault{Status: 408}, v1alpha1.OutcomePending},
		"409":   {emulator.Fault{Status: 409}, v1alpha1.OutcomeNotSent},
		"423":   {emulator.Fault{Status: 423}, v1alpha1.OutcomeNotSent},
		"425":   {emulator.Fault{Status: 425}, v1alpha1.OutcomeNotSent},
		"405":   {emulator.Fault{Status: 405}, v1alpha1.OutcomeNotSent},
		"later": {emulator.Fault{Status: 422, Body: `{"message":"please try again later"}`}, v1alpha1.OutcomeNotSent},
		"422":   {emulator.Fault{Status: 422, Body: `{"message":"Validation failed"}`}, v1alpha1.OutcomeRejected},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			test.fault.Method, test.fault.Times = "setSettings", 1
			s.vendor.Fault(test.fault)
			s.instance("line", incoming(true))
			s.Expect(s.until(time.Minute, func() bool { return len(s.sets()) == 1 })).To(BeTrue())
			s.Expect(s.status("line").Apply.Outcome).To(Equal(test.want))
			if test.want != v1alpha1.OutcomeRejected {
				s.settled("line", v1alpha1.ReasonSucceeded)
				s.Expect(s.sets()).To(HaveLen(2))
			}
		})
	}
}
