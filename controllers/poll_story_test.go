// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/controllers"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// fetching counts the objects that the operator fetches, which every pass does.
func (s *story) fetching() *int {
	fetches := new(int)
	s.wrapClient = func(c client.Client) client.Client {
		return interceptor.NewClient(withoutWatch{c}, interceptor.Funcs{
			Get: func(ctx context.Context, inner client.WithWatch, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
				*fetches++
				return inner.Get(ctx, key, object, options...)
			},
		})
	}
	s.restart()
	return fetches
}

// callsOf counts the calls of a method that the vendor got.
func (s *story) callsOf(method string) int { return len(s.vendor.Calls(instanceID, method)) }

// TestR43WhatIsInOrderIsPolledWithoutAPass: for a day nothing is fetched from Kubernetes nor written there, and the vendor is asked as
// often as ever.
func TestR43WhatIsInOrderIsPolledWithoutAPass(t *testing.T) {
	s := newStory(t)
	fetches := s.fetching()
	s.instance("line", incoming(true))
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.forward(20 * time.Minute)
	s.Expect(s.operators[0].Rests(types.NamespacedName{Namespace: s.ns, Name: "line"})).To(BeTrue(), "nothing is remembered that only a pass needs")
	before, version := *fetches, s.get("line").ResourceVersion
	states, settings := s.callsOf("getStateInstance"), s.callsOf("getSettings")
	s.forward(24 * time.Hour)
	s.Expect(*fetches).To(Equal(before), "no object is fetched")
	s.Expect(s.gauge("greenapi_oldest_observation_seconds", map[string]string{"kind": "WhatsAppInstance"})).To(BeNumerically("<=", 67), "polls are observations")
	s.Expect(s.get("line").ResourceVersion).To(Equal(version))
	s.Expect(s.callsOf("getStateInstance") - states).To(BeNumerically("~", 24*60, 24*6))
	s.Expect(s.callsOf("getSettings") - settings).To(BeNumerically("~", 24*6, 24))
	s.Expect(s.callsOf("getWaSettings")).To(BeNumerically("~", s.callsOf("getSettings"), 3))
}

// TestR43WhatWaitsForAPersonIsPolledWithoutAPass: a line that nobody is logged in to, or that is blocked, is no more work than one that
// is in order.
func TestR43WhatWaitsForAPersonIsPolledWithoutAPass(t *testing.T) {
	for _, state := range []string{"notAuthorized", "blocked", "yellowCard"} {
		t.Run(state, func(t *testing.T) {
			s := newStory(t)
			fetches := s.fetching()
			s.instance("line", incoming(true))
			s.settled("line", v1alpha1.ReasonSucceeded)
			s.vendor.Update(instanceID, func(in *emulator.Instance) { in.State = state })
			s.Expect(s.until(2*time.Minute, func() bool { return s.status("line").StateInstance == state })).To(BeTrue())
			s.forward(20 * time.Minute)
			before := *fetches
			s.forward(24 * time.Hour)
			s.Expect(*fetches).To(Equal(before))
			s.vendor.Update(instanceID, func(in *emulator.Instance) { in.State = "authorized" })
			s.forward(2 * time.Minute)
			s.Expect(s.ready("line").Reason).To(Equal(v1alpha1.ReasonSucceeded))
		})
	}
}

// TestR20TheRebootOfAYellowCardComesWithTime: what the day's number holds back is decided again while the answers stay as they are.
func TestR20TheRebootOfAYellowCardComesWithTime(t *testing.T) {
	s := newStory(t)
	s.lookSeldom()
	s.instance("line", func(r *v1alpha1.WhatsAppInstance) {
		r.Spec.Recovery = &v1alpha1.WhatsAppRecovery{YellowCard: v1alpha1.RecoveryReboot, Recovery: v1alpha1.Recovery{MaxRebootsPerDay: new(int32(1))}}
	})
	s.forward(30 * time.Minute)
	s.vendor.Update(instanceID, func(in *emulator.Instance) { in.State = "yellowCard" })
	reboots := func() int { return s.callsOf("reboot") }
	s.Expect(s.until(2*time.Hour, func() bool { return reboots() == 1 })).To(BeTrue())
	s.forward(10 * time.Minute)
	s.vendor.Update(instanceID, func(in *emulator.Instance) { in.State = "yellowCard" })
	s.Expect(s.until(30*time.Hour, func() bool { return reboots() == 2 })).To(BeTrue())
}

// TestR43AnotherAnswerIsHandedToAPass: without a call of its own, since the poll has the answer.
func TestR43AnotherAnswerIsHandedToAPass(t *testing.T) {
	s := newStory(t)
	s.instance("line", incoming(true))
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.forward(20 * time.Minute)
	states := s.callsOf("getStateInstance")
	began := s.clock.Now()
	s.vendor.Update(instanceID, func(in *emulator.Instance) { in.State = "blocked" })
	s.Expect(s.until(2*time.Minute, func() bool { return s.status("line").StateInstance == "blocked" })).To(BeTrue())
	s.Expect(s.clock.Now().Sub(began)).To(BeNumerically("<=", 67*time.Second))
	s.Expect(s.callsOf("getStateInstance")-states).To(Equal(1), "the answer of the poll is the pass's")
	s.Expect(s.events.count("Warning StateChanged")).To(Equal(1))
}

// TestR9DriftThatAPollFindsIsReadTwice, like any other.
func TestR9DriftThatAPollFindsIsReadTwice(t *testing.T) {
	s := newStory(t)
	s.instance("line", incoming(true))
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.forward(20 * time.Minute)
	settings, sets := s.callsOf("getSettings"), len(s.sets())
	s.vendor.Update(instanceID, func(in *emulator.Instance) { in.Settings["incomingWebhook"] = "no" })
	s.Expect(s.until(15*time.Minute, func() bool { return len(s.sets()) > sets })).To(BeTrue())
	s.Expect(s.callsOf("getSettings") - settings).To(Equal(2))
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.Expect(s.sets()).To(HaveLen(sets + 1))
}

// TestR43AnAnswerThatAlternatesCostsNoMoreCalls: nor a write, if what is shown stays as it is.
func TestR43AnAnswerThatAlternatesCostsNoMoreCalls(t *testing.T) {
	s := newStory(t)
	s.instance("line", incoming(true))
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.forward(20 * time.Minute)
	version, states, settings := s.get("line").ResourceVersion, s.callsOf("getStateInstance"), s.callsOf("getSettings")
	for i := range 6 * 60 {
		s.vendor.Update(instanceID, func(in *emulator.Instance) { in.Settings["markIncomingMessagesReaded"] = []string{"yes", "no"}[i%2] })
		s.forward(time.Minute)
	}
	s.Expect(s.get("line").ResourceVersion).To(Equal(version))
	s.Expect(s.callsOf("getStateInstance") - states).To(BeNumerically("~", 360, 40))
	s.Expect(s.callsOf("getSettings") - settings).To(BeNumerically("~", 36, 4))
}

// TestR39AFailedPollIsAFailedLook: an answer that does not come, or is a refusal, is a pass's to judge.
func TestR39AFailedPollIsAFailedLook(t *testing.T) {
	for name, fault := range map[string]emulator.Fault{
		"no answer": {Method: "getStateInstance", Drop: true, Times: -1},
		"502":       {Method: "getStateInstance", Status: 502, Times: -1},
		"429":       {Method: "getStateInstance", Status: 429, Times: -1},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.instance("line", incoming(true))
			s.settled("line", v1alpha1.ReasonSucceeded)
			s.forward(20 * time.Minute)
			s.vendor.Fault(fault)
			s.Expect(s.until(10*time.Minute, func() bool { return s.ready("line").Reason == v1alpha1.ReasonObservationStale })).To(BeTrue())
			s.vendor.ClearFaults()
			s.settled("line", v1alpha1.ReasonSucceeded)
		})
	}
}

// TestR43AnswersOfAnotherSpecOrTokenAreNotUsed: what was polled before an edit, or with a token that is replaced, says nothing of
// what is wanted now.
func TestR43AnswersOfAnotherSpecOrTokenAreNotUsed(t *testing.T) {
	const token = "t0ken-that-is-new"
	for name, change := range map[string]func(*story){
		"an edit": func(s *story) { s.edit("line", incoming(false)) },
		"a token": func(s *story) {
			s.vendor.RotateToken(instanceID, token)
			s.secret("line-token", map[string]string{"apiTokenInstance": token})
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.instance("line", incoming(true))
			s.settled("line", v1alpha1.ReasonSucceeded)
			s.forward(20 * time.Minute)
			s.vendor.Update(instanceID, func(in *emulator.Instance) { in.State = "blocked" })
			s.clock.SetTime(s.polls["line"].Add(10 * time.Minute))
			s.operators[0].PollNow(s.ctx, client.ObjectKeyFromObject(s.get("line")))
			s.Expect(s.operators[0].Turns()).To(Equal([]string{"line"}), "handed over")
			change(s)
			calls := len(s.calls())
			s.wake()
			s.forward(2 * time.Second)
			s.Expect(s.calls()[calls:]).To(ContainElements("getStateInstance", "getSettings", "getWaSettings"))
			s.Expect(s.status("line").StateInstance).To(Equal("blocked"))
		})
	}
}

// hangingPeek is a vendor whose polls are not answered.
type hangingPeek struct {
	controllers.Vendor
	polling chan struct{}
}

func (v hangingPeek) Peek(ctx context.Context, _ string) *greenapi.Answer {
	close(v.polling)
	<-ctx.Done()
	return greenapi.NoAnswer(&greenapi.TransportError{What: "broken off", Begun: true})
}

// TestR43AnEditBreaksOffAPoll: it does not wait for a host that hangs, and what was broken off says nothing of the vendor.
func TestR43AnEditBreaksOffAPoll(t *testing.T) {
	s := newStory(t)
	polling, over := make(chan struct{}), make(chan struct{})
	s.wrapVendor = func(v controllers.Vendor) controllers.Vendor { return hangingPeek{v, polling} }
	s.restart()
	s.instance("line", nil)
	s.until(time.Hour, func() bool { return s.polls["line"] != time.Time{} })
	s.clock.SetTime(s.polls["line"])
	go func() {
		defer close(over)
		s.operators[0].PollNow(s.ctx, client.ObjectKeyFromObject(s.get("line")))
	}()
	<-polling
	s.edit("line", incoming(true))
	s.pass("line")
	<-over
	s.Expect(s.ready("line").Reason).NotTo(Equal(v1alpha1.ReasonProgressingWithRetry))
	s.Expect(s.until(time.Minute, func() bool { return len(s.sets()) == 1 })).To(BeTrue())
}

// TestR43WhatIsTakenBackIsNotPolled: a pause, a deletion and a token of its own end the polls.
func TestR43WhatIsTakenBackIsNotPolled(t *testing.T) {
	for name, leave := range map[string]func(*story){
		"paused":  func(s *story) { s.edit("line", func(r *v1alpha1.WhatsAppInstance) { r.Spec.Paused = true }) },
		"deleted": func(s *story) { s.remove("line") },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.instance("line", incoming(true))
			s.settled("line", v1alpha1.ReasonSucceeded)
			s.forward(20 * time.Minute)
			leave(s)
			s.forward(time.Minute)
			calls := len(s.calls())
			s.forward(24 * time.Hour)
			s.Expect(s.calls()).To(HaveLen(calls))
		})
	}
	t.Run("another token", func(t *testing.T) {
		s := newStory(t)
		s.instance("line", incoming(true))
		s.settled("line", v1alpha1.ReasonSucceeded)
		s.forward(20 * time.Minute)
		s.vendor.RotateToken(instanceID, "t0ken-that-is-new")
		s.secret("line-token", map[string]string{"apiTokenInstance": "t0ken-that-is-new"})
		s.wake()
		s.forward(20 * time.Minute)
		s.Expect(s.ready("line").Status).To(Equal(metav1.ConditionTrue))
		s.Expect(s.events.count("Warning CredentialsRejected")).To(BeZero())
	})
}

// TestR41NoPlaceIsKeptForAPollThatIsTakenBack: a poll that finds no place at its origin waits for one, until a pass takes the line over,
// which has places of its own.
func TestR41NoPlaceIsKeptForAPollThatIsTakenBack(t *testing.T) {
	s := newStory(t)
	s.instance("line", incoming(true))
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.forward(20 * time.Minute)
	waiters := func() int { return s.operators[0].Remembered()["waiters"] }
	s.Expect(waiters()).To(BeZero())
	leave := s.operators[0].Crowd(true, s.status("line").APIURL)
	calls := len(s.calls())
	s.Expect(s.until(2*time.Minute, func() bool { return waiters() == 2 })).To(BeTrue(), "the poll waits")
	s.Expect(s.calls()).To(HaveLen(calls))
	s.edit("line", incoming(false))
	s.pass("line")
	s.Expect(waiters()).To(Equal(1), "the poll does not wait any more")
	s.forward(3 * time.Second)
	s.Expect(len(s.calls())).To(BeNumerically(">", calls))
	s.settled("line", v1alpha1.ReasonSucceeded)
	leave()
	s.forward(20 * time.Minute)
	s.Expect(waiters()).To(BeZero())
}

// TestR41PassesTakeNoPlacesOfPolls: while as many passes as may be are out for an origin, what is in order is polled as ever, and who needs a
// pass is woken for it.
func TestR41PassesTakeNoPlacesOfPolls(t *testing.T) {
	s := newStory(t)
	s.instance("line", incoming(true))
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.forward(20 * time.Minute)
	waiters := func() int { return s.operators[0].Remembered()["waiters"] }
	leave := s.operators[0].Crowd(false, s.status("line").APIURL)
	calls := len(s.calls())
	s.forward(5 * time.Minute)
	s.Expect(len(s.calls())).To(BeNumerically(">=", calls+4))
	s.Expect(waiters()).To(Equal(1))
	calls = len(s.calls())
	s.edit("line", incoming(false))
	s.pass("line")
	s.Expect(s.until(time.Minute, func() bool { return waiters() == 2 })).To(BeTrue(), "the pass waits")
	s.Expect(s.calls()).To(HaveLen(calls))
	leave()
	s.plan("line")
	s.forward(3 * time.Second)
	s.Expect(len(s.calls())).To(BeNumerically(">", calls), "the pass is woken")
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.Expect(waiters()).To(BeZero())
}
