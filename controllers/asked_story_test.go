// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// anew are the ways in which a person asks for a look that no earlier answer holds back.
var anew = map[string]func(*v1alpha1.WhatsAppInstance){
	"a request": askForReconcile,
	"an edit":   func(r *v1alpha1.WhatsAppInstance) { r.Spec.StateInterval = &metav1.Duration{Duration: 2 * time.Minute} },
}

// eachQuota tells a story of each kind of quota, of each method, and of each way to ask, once the quota has lasted for a while.
func eachQuota(t *testing.T, lasts time.Duration, story func(s *story, method, how string)) {
	for name, fault := range quotas {
		for _, method := range []string{"getSettings", "getWaSettings", "getStateInstance"} {
			for how := range anew {
				t.Run(strings.Join([]string{name, method, how}, " "), func(t *testing.T) {
					s := newStory(t)
					s.instance("line", incoming(true))
					s.settled("line", v1alpha1.ReasonSucceeded)
					fault.Method, fault.Times = method, -1
					s.vendor.Fault(fault)
					s.forward(lasts)
					story(s, method, how)
				})
			}
		}
	}
}

// TestR45WhoAsksIsAnsweredWhateverTheVendorAskedFor: a quota that was raised holds nobody back who asks, be it of one method or of all.
func TestR45WhoAsksIsAnsweredWhateverTheVendorAskedFor(t *testing.T) {
	eachQuota(t, 40*time.Minute, func(s *story, method, how string) {
		s.vendor.ClearFaults()
		before := s.callsOf(method)
		s.edit("line", anew[how])
		s.forward(30 * time.Second)
		s.Expect(s.callsOf(method)-before).To(Equal(1), "it is called at once")
		s.Expect(s.ready("line").Status).To(Equal(metav1.ConditionTrue), s.ready("line").Message)
		if how == "a request" {
			s.Expect(s.status("line").LastHandledReconcileAt).To(Equal("now"))
		}
		s.forward(25 * time.Minute)
		s.Expect(s.callsOf(method)-before).To(BeNumerically(">=", 3), "it is called as ever from then on")
	})
}

// TestR45WhoAsksWhileAQuotaLastsCostsOneCall: the vendor is asked once more, not with every pass for as long as the request is open.
func TestR45WhoAsksWhileAQuotaLastsCostsOneCall(t *testing.T) {
	eachQuota(t, 12*time.Minute, func(s *story, method, how string) {
		before := s.callsOf(method)
		s.edit("line", anew[how])
		s.forward(50 * time.Minute)
		s.Expect(s.callsOf(method) - before).To(Equal(1))
	})
}

// TestR45WhoAsksSeesWhatIsThereNow, and not what a poll had read just before.
func TestR45WhoAsksSeesWhatIsThereNow(t *testing.T) {
	s := newStory(t)
	s.instance("line", incoming(true))
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.forward(20 * time.Minute)
	s.vendor.Update(instanceID, func(in *emulator.Instance) { in.Settings["incomingWebhook"] = "no" })
	s.Expect(s.until(12*time.Minute, func() bool { _, polled := s.polls["line"]; return !polled })).To(BeTrue(), "a poll hands over what it read")
	s.vendor.Update(instanceID, func(in *emulator.Instance) { in.Settings["incomingWebhook"] = "yes" })
	s.edit("line", askForReconcile)
	s.forward(5 * time.Second)
	s.Expect(s.status("line").PendingChanges).To(BeEmpty())
	s.Expect(s.status("line").LastHandledReconcileAt).To(Equal("now"))
}

// quotaOf has the vendor refuse a method from now on.
func (s *story) quotaOf(method string) {
	s.vendor.Fault(emulator.Fault{Method: method, Status: 466, Times: -1})
}

// TestR45ANewTokenIsUsedAtOnce, and an edit that comes with it or after it is looked at as any other.
func TestR45ANewTokenIsUsedAtOnce(t *testing.T) {
	const rotated = "an0ther-api-token-abcdefgh"
	for name, renew := range map[string]func(*story){
		"webhook token": func(s *story) { s.secret("webhook", map[string]string{"token": "webhook-t0ken-of-today"}) },
		"API token": func(s *story) {
			s.vendor.RotateToken(instanceID, rotated)
			s.secret("line-token", map[string]string{"apiTokenInstance": rotated})
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.secret("webhook", map[string]string{"token": "webhook-t0ken-abcdefgh"})
			s.instance("line", withToken(incoming(true)))
			s.settled("line", v1alpha1.ReasonSucceeded)
			s.quotaOf("getSettings")
			s.forward(12 * time.Minute)
			before, accounts := s.callsOf("getSettings"), s.callsOf("getWaSettings")
			renew(s)
			s.forward(25 * time.Minute)
			s.Expect(s.callsOf("getSettings")-before).To(Equal(1), "with the new token")
			s.Expect(s.callsOf("getWaSettings")-accounts).To(BeNumerically("<=", 4), "and not the rest with each pass")
			s.vendor.ClearFaults()
			s.edit("line", incoming(false))
			s.forward(30 * time.Second)
			s.Expect(s.callsOf("getSettings")-before).To(BeNumerically(">=", 2), "the edit")
			s.Expect(s.sets()[len(s.sets())-1]).To(ContainSubstring(`"incomingWebhook":"no"`))
		})
	}
}

// TestR45WhoAsksWhileNoCallMayGoIsNotForgotten: a request that meets the second between two calls, or a limit, is carried out after it,
// although the vendor has not answered for long.
func TestR45WhoAsksWhileNoCallMayGoIsNotForgotten(t *testing.T) {
	for _, key := range []string{v1alpha1.ReconcileRequestedAtAnnotation, v1alpha1.ApplyRequestedAtAnnotation, v1alpha1.RebootRequestedAtAnnotation} {
		t.Run(key, func(t *testing.T) {
			s := newStory(t)
			s.instance("line", incoming(true))
			s.settled("line", v1alpha1.ReasonSucceeded)
			s.quotaOf("getSettings")
			s.forward(45 * time.Minute)
			s.Expect(s.ready("line").Reason).To(Equal(v1alpha1.ReasonObservationStale))
			states := s.callsOf("getStateInstance")
			s.Expect(s.until(3*time.Minute, func() bool { return s.callsOf("getStateInstance") > states })).To(BeTrue())
			s.vendor.ClearFaults()
			before := s.callsOf("getSettings")
			s.edit("line", ask(key))
			s.forward(30 * time.Second)
			if key == v1alpha1.RebootRequestedAtAnnotation {
				s.Expect(s.reboots()).To(Equal(1))
				return
			}
			s.Expect(s.callsOf("getSettings") - before).To(Equal(1))
			s.Expect(s.ready("line").Reason).To(Equal(v1alpha1.ReasonSucceeded))
		})
	}
}

// TestR45TwoRequestsAreLookedForOnce, whichever of them is done with first.
func TestR45TwoRequestsAreLookedForOnce(t *testing.T) {
	both := ask(v1alpha1.ReconcileRequestedAtAnnotation, v1alpha1.ApplyRequestedAtAnnotation)
	for name, c := range map[string]struct {
		quota, wait time.Duration // how long it lasts before somebody asks, and how long nothing comes after that
		change      func(*v1alpha1.WhatsAppInstance)
	}{
		"the line turns stale":    {quota: 12 * time.Minute, wait: 45 * time.Minute},
		"the line is stale":       {quota: 45 * time.Minute, wait: 50 * time.Minute},
		"apply counts for no one": {quota: 12 * time.Minute, wait: 45 * time.Minute, change: func(r *v1alpha1.WhatsAppInstance) { r.Spec.ReconcilePolicy = v1alpha1.PolicyObserve }},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.instance("line", incoming(true))
			s.settled("line", v1alpha1.ReasonSucceeded)
			if c.change != nil {
				s.edit("line", c.change)
				s.forward(time.Minute)
			}
			s.quotaOf("getSettings")
			s.forward(c.quota)
			before := s.callsOf("getSettings")
			s.edit("line", both)
			s.forward(c.wait)
			s.Expect(s.callsOf("getSettings") - before).To(Equal(1))
		})
	}
}

// TestSettingsThatCannotBeReadAreSaidOfWhoWaitsForAWindow too, and of who asked in vain.
func TestSettingsThatCannotBeReadAreSaidOfWhoWaitsForAWindow(t *testing.T) {
	for name, asked := range map[string]bool{"nobody asks": false, "somebody asks": true} {
		t.Run(name, func(t *testing.T) {
			s := withWindow(t)
			s.edit("line", incoming(false))
			s.forward(20 * time.Minute)
			s.quotaOf("getSettings")
			s.forward(12 * time.Minute)
			if asked {
				s.edit("line", askForReconcile)
			}
			s.forward(40 * time.Minute)
			s.Expect(s.ready("line").Reason).To(Equal(v1alpha1.ReasonObservationStale))
		})
	}
}

// TestR29AnApplyIsNotKeptWhileTheLineIsStalled: what is asked for today does not interrupt anybody on the day on which it is mended.
func TestR29AnApplyIsNotKeptWhileTheLineIsStalled(t *testing.T) {
	s := newStory(t)
	s.secret("webhook", map[string]string{"token": "webhook-t0ken-abcdefgh"})
	s.instance("line", func(r *v1alpha1.WhatsAppInstance) { withToken(incoming(true))(r); atNight()(r) })
	s.vendor.Edit(instanceID, map[string]any{"incomingWebhook": "yes", "webhookUrlToken": "webhook-t0ken-abcdefgh"})
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.forward(time.Hour)
	s.emptySecret("webhook")
	s.forward(10 * time.Minute)
	s.Expect(s.condition("line", v1alpha1.StalledCondition).Reason).To(Equal(v1alpha1.ReasonSecretKeyMissing))
	s.edit("line", ask(v1alpha1.ApplyRequestedAtAnnotation))
	s.forward(time.Minute)
	s.Expect(s.status("line").LastHandledApplyAt).To(Equal("now"))
	s.forward(24 * time.Hour)
	before := len(s.sets())
	s.secret("webhook", map[string]string{"token": "webhook-t0ken-of-today"})
	s.forward(10 * time.Second)
	s.Expect(s.sets()).To(HaveLen(before), "the window is shut")
}
