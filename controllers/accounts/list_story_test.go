// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package accounts_test

import (
	"fmt"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// TestP13TheListIsReadEveryTenMinutes, and in steady state nothing is written.
func TestP13TheListIsReadEveryTenMinutes(t *testing.T) {
	s := newStory(t)
	s.line(710700000001, "prod-eu/shop/support")
	s.line(710700000002, "Support VIP")
	s.line(710700000003, "prod-eu/shop/old")
	s.line(710700000004, "prod-eu/shop/unpaid")
	s.vendor.Update(710700000003, func(in *emulator.Instance) { in.Deleted = true })
	s.vendor.Update(710700000004, func(in *emulator.Instance) { in.Expired = true })
	s.account(nil)
	s.pass()
	s.expect(v1alpha1.ReadyCondition, "True Succeeded")
	s.expect(v1alpha1.CredentialsValidCondition, "True TokenAccepted")
	status := s.get().Status
	s.Expect(*status.Instances).To(Equal(v1alpha1.PartnerInstances{Living: 3, Deleted: 1, Expired: 1, Unclaimed: 2}))
	s.Expect(status.KnownIDs).To(Equal([]int64{710700000001, 710700000002, 710700000003, 710700000004}))
	s.Expect(s.metrics()).To(Equal(map[string]float64{"greenapi_partner_instances living": 3, "greenapi_partner_instances deleted": 1,
		"greenapi_partner_instances expired": 1, "greenapi_partner_instances unclaimed": 2}))
	s.Expect(s.writes).To(Equal(1))
	s.forward(4 * time.Hour)
	s.Expect(s.lists()).To(And(BeNumerically(">=", 22), BeNumerically("<=", 28)))
	s.Expect(s.writes).To(Equal(1), "steady state writes nothing")
	s.Expect(s.events).To(BeEmpty())

	s.line(710700000005, "prod-eu/shop/new")
	s.forward(12 * time.Minute)
	s.Expect(s.get().Status.Instances.Unclaimed).To(Equal(int32(3)))
	s.Expect(s.writes).To(Equal(2))
}

// TestP13NoMoreThanOneListIn20Seconds, however often somebody asks.
func TestP13NoMoreThanOneListIn20Seconds(t *testing.T) {
	s := newStory(t)
	s.account(nil)
	s.pass()
	for i := range 60 {
		s.request(fmt.Sprint(i))
		s.forward(time.Second)
	}
	s.Expect(s.lists()).To(And(BeNumerically(">=", 3), BeNumerically("<=", 4)))
	s.forward(time.Minute)
	s.Expect(s.get().Status.LastHandledReconcileAt).To(Equal("59"))
	s.Expect(s.lists()).To(BeNumerically("<=", 5))
	s.expect(v1alpha1.ReadyCondition, "True Succeeded")
	s.Expect(s.get().Status.KnownIDs).To(BeEmpty(), "an account without instances is in order")
}

// TestP4NothingIsConcludedFromAnotherList, and a list with a known instance ends it at once when somebody asks.
func TestP4NothingIsConcludedFromAnotherList(t *testing.T) {
	for _, list := range []string{emulator.ListEmpty, emulator.ListForeign} {
		s := newStory(t)
		s.line(710700000001, "prod-eu/shop/support")
		s.account(nil)
		s.pass()
		before := s.get().Status
		behave := func(list string) {
			s.vendor.UpdateAccount("reseller", func(a *emulator.Account) { a.Behavior.List = list })
		}
		behave(list)
		s.forward(12 * time.Minute)
		s.expect(v1alpha1.StalledCondition, "True AccountMismatch")
		s.expect(v1alpha1.ReadyCondition, "False AccountMismatch")
		s.expect(v1alpha1.CredentialsValidCondition, "False AccountMismatch")
		s.Expect(s.events).To(ConsistOf(HavePrefix("Warning AccountMismatch: ")))
		after, writes := s.get().Status, s.writes
		s.Expect(after.Instances).To(Equal(before.Instances))
		s.Expect(after.KnownIDs).To(Equal(before.KnownIDs))
		s.restart()
		s.forward(time.Hour)
		s.Expect(s.writes).To(Equal(writes), "a process that begins knows no better")
		s.request("2026-11-28T10:00:00Z")
		s.forward(21 * time.Second)
		s.expect(v1alpha1.StalledCondition, "True AccountMismatch")
		s.Expect(s.get().Status.LastHandledReconcileAt).To(Equal("2026-11-28T10:00:00Z"), "asking alone does not make it right")
		behave("")
		s.request("2026-11-28T11:00:00Z")
		s.forward(21 * time.Second)
		s.expect(v1alpha1.ReadyCondition, "True Succeeded")
		s.expect(v1alpha1.StalledCondition, "")
		s.Expect(s.events).To(HaveLen(2))
		s.Expect(s.events[1]).To(HavePrefix("Normal Recovered"))
	}
}

// TestP4TheListOfAnotherAccount: somebody put the token of another account into the Secret.
func TestP4TheListOfAnotherAccount(t *testing.T) {
	s := newStory(t)
	s.line(710700000001, "prod-eu/shop/support")
	other := s.token + "0ther"
	leaks.Add(other)
	s.vendor.AddAccount(emulator.Account{Name: "other", Token: other})
	leaks.Add("t0ken-of-the-other-account")
	s.vendor.Add(emulator.Instance{ID: 710700000009, Token: "t0ken-of-the-other-account", Name: "prod-eu/shop/support", Account: "other"})
	s.account(nil)
	s.forward(time.Hour)
	s.secret(map[string]string{"partnerToken": other})
	s.forward(12 * time.Minute)
	s.expect(v1alpha1.StalledCondition, "True AccountMismatch")
	s.Expect(s.get().Status.KnownIDs).To(Equal([]int64{710700000001}))
	s.secret(map[string]string{"partnerToken": s.token})
	s.forward(time.Minute)
	s.expect(v1alpha1.ReadyCondition, "True Succeeded")
}

// TestP4AListThatIsNotWholeSaysNothing: Ready stays True until the last good list is old, and retries have bounds.
func TestP4AListThatIsNotWholeSaysNothing(t *testing.T) {
	for name, fault := range map[string]emulator.Fault{
		"half":          {Answer: emulator.AnswerTruncated},
		"cut off":       {Answer: emulator.AnswerCutOff},
		"nothing":       {Answer: emulator.AnswerEmpty},
		"null":          {Answer: emulator.AnswerNull},
		"502":           {Status: 502},
		"a broken line": {Drop: true},
	} {
		s := newStory(t)
		s.line(710700000001, "prod-eu/shop/support")
		s.account(nil)
		s.pass()
		before := s.get().Status
		fault.Method, fault.Times = greenapi.MethodGetInstances, -1
		s.vendor.Fault(fault)
		s.forward(15 * time.Minute)
		s.expect(v1alpha1.ReadyCondition, "True Succeeded")
		s.expect(v1alpha1.ReconcilingCondition, "True ProgressingWithRetry")
		s.forward(45 * time.Minute)
		s.expect(v1alpha1.ReadyCondition, "Unknown ObservationStale")
		s.Expect(s.lists()).To(And(BeNumerically(">=", 10), BeNumerically("<=", 22)), name)
		s.Expect(s.writes).To(BeNumerically("<=", 4), name)
		after := s.get().Status
		s.Expect(after.Instances).To(Equal(before.Instances), name)
		s.Expect(after.KnownIDs).To(Equal(before.KnownIDs), name)
		s.vendor.ClearFaults()
		s.forward(6 * time.Minute)
		s.expect(v1alpha1.ReadyCondition, "True Succeeded")
	}
}

// TestQuotasAndThrottlingAreHeeded: 466 waits an hour, and 429 as long as the vendor says, without a word.
func TestQuotasAndThrottlingAreHeeded(t *testing.T) {
	s := newStory(t)
	s.account(nil)
	s.vendor.Fault(emulator.Fault{Method: greenapi.MethodGetInstances, Status: 429, Header: map[string]string{"Retry-After": "90"}})
	s.pass()
	s.expect(v1alpha1.ReadyCondition, "Unknown Progressing")
	s.forward(85 * time.Second)
	s.Expect(s.lists()).To(Equal(1))
	s.forward(10 * time.Second)
	s.Expect(s.lists()).To(Equal(2))
	s.expect(v1alpha1.ReadyCondition, "True Succeeded")
	s.vendor.Fault(emulator.Fault{Method: greenapi.MethodGetInstances, Status: 466})
	s.forward(12 * time.Minute)
	s.Expect(s.lists()).To(Equal(3))
	s.forward(45 * time.Minute)
	s.Expect(s.lists()).To(Equal(3))
	s.forward(15 * time.Minute)
	s.Expect(s.lists()).To(BeNumerically(">=", 4))
}
