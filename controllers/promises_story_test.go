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
	"github.com/greenapi-operator/greenapi-operator/controllers"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// ask asks now for what annotations ask for.
func ask(annotations ...string) func(*v1alpha1.WhatsAppInstance) {
	return func(r *v1alpha1.WhatsAppInstance) {
		r.Annotations = map[string]string{}
		for _, name := range annotations {
			r.Annotations[name] = "now"
		}
	}
}

var askForReconcile = ask(v1alpha1.ReconcileRequestedAtAnnotation)

// hiding is a vendor that leaves some settings out of what it shows.
type hiding struct {
	controllers.Vendor
	names *[]string
}

func (h hiding) Settings(ctx context.Context) (greenapi.Settings, error) {
	settings, err := h.Vendor.Settings(ctx)
	for _, name := range *h.names {
		delete(settings, name)
	}
	return settings, err
}

// hide makes the vendor leave out the settings of the list that is returned.
func (s *story) hide() *[]string {
	names := &[]string{}
	s.wrapVendor = func(v controllers.Vendor) controllers.Vendor { return hiding{v, names} }
	s.restart()
	return names
}

// R7: the account itself says that the instance starts, and the state could not be read.
func TestR7PhoneIsKeptWhileTheAccountSaysStarting(t *testing.T) {
	s := newStory(t)
	s.instance("line", incoming(true))
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.forward(time.Hour)
	phone := s.status("line").Phone
	s.Expect(phone).NotTo(BeEmpty())
	s.vendor.SetState(instanceID, "starting")
	s.vendor.Fault(emulator.Fault{Method: "getStateInstance", Status: 500, Times: -1})
	s.edit("line", askForReconcile)
	s.forward(time.Minute)
	s.Expect(s.status("line").StateInstance).To(Equal("authorized"), "the state was not read")
	s.Expect(s.status("line").Phone).To(Equal(phone), "kept while it starts")
}

// R20: a request is for now. What a person has to mend first does not keep it.
func TestR20ARebootThatIsRefusedIsNotKept(t *testing.T) {
	s := newStory(t)
	s.lookSeldom()
	s.instance("line", incoming(true))
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.vendor.Fault(emulator.Fault{Method: "reboot", Status: 403, Times: -1})
	s.edit("line", askForReboot)
	s.forward(2 * time.Hour)
	s.Expect(s.condition("line", v1alpha1.StalledCondition).Reason).To(Equal(v1alpha1.ReasonInstanceNotFound))
	before := s.vendor.Restarts(instanceID)
	s.forward(3 * 24 * time.Hour)
	s.vendor.ClearFaults()
	s.forward(2 * time.Hour)
	s.Expect(s.vendor.Restarts(instanceID)-before).To(Equal(0), "nobody asked for it today")
}

// R18: who has no token any more, or is about to be gone, does not own for ever.
func TestR18AFormerTenantWhoNeverAsksAgainLosesTheLine(t *testing.T) {
	for name, leave := range map[string]func(*story){
		"Secret deleted": func(s *story) {
			s.emptySecret("former-token")
		},
		"being deleted": func(s *story) {
			s.edit("former", func(r *v1alpha1.WhatsAppInstance) { r.Finalizers = []string{"of.example/tool"} })
			s.Expect(admin.Delete(s.ctx, s.get("former"))).To(Succeed())
			s.Eventually(func() bool {
				seen := &v1alpha1.WhatsAppInstance{}
				_ = s.cached.Get(s.ctx, client.ObjectKeyFromObject(s.get("former")), seen)
				return !seen.DeletionTimestamp.IsZero()
			}, patience).Should(BeTrue())
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.instance("former", incoming(false))
			s.settled("former", v1alpha1.ReasonSucceeded)
			s.nextSecond()
			leave(s)
			s.forward(10 * time.Minute)
			const token = "t0ken-of-the-new-tenant"
			s.vendor.RotateToken(instanceID, token)
			s.secret("tenant", map[string]string{"apiTokenInstance": token})
			s.instance("tenant", func(r *v1alpha1.WhatsAppInstance) { incoming(true)(r); r.Spec.APITokenSecretRef.Name = "tenant" })
			s.wake()
			s.forward(3 * time.Hour)
			t.Logf("former Ready %s, tenant Ready %s", s.ready("former").Reason, s.ready("tenant").Reason)
			s.Expect(s.ready("tenant").Reason).To(Equal(v1alpha1.ReasonSucceeded))
		})
	}
}

// R12: a new API token is no change, even if it came while the operator was not there.
func TestR12AnAPITokenThatChangedWhileTheOperatorWasAway(t *testing.T) {
	for name, meanwhile := range map[string]func(*story, *[]string){
		"the vendor hides the webhook token": func(_ *story, hidden *[]string) { *hidden = []string{"webhookUrlToken"} },
		"drift that is left alone":           func(s *story, _ *[]string) { s.vendor.Edit(instanceID, map[string]any{"webhookUrlToken": "other"}) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			hidden := s.hide()
			s.secret("webhook", map[string]string{"token": "webhook-t0ken-abcdefgh"})
			s.instance("line", func(r *v1alpha1.WhatsAppInstance) {
				withToken(incoming(true))(r)
				r.Spec.ReconcilePolicy = v1alpha1.PolicyOnSpecChange
			})
			s.settled("line", v1alpha1.ReasonSucceeded)
			meanwhile(s, hidden)
			s.forward(time.Hour)
			s.Expect(s.vendor.Restarts(instanceID)).To(Equal(1))
			const rotated = "an0ther-api-token-abcdefgh"
			s.vendor.RotateToken(instanceID, rotated)
			s.secret("line-token", map[string]string{"apiTokenInstance": rotated})
			s.restart()
			s.forward(2 * time.Hour)
			s.Expect(s.vendor.Restarts(instanceID)).To(Equal(1), "%v", s.sets())
		})
	}
}

// quotas are the ways in which the vendor refuses one method for an hour.
var quotas = map[string]emulator.Fault{
	"466":         {Status: 466},
	"Retry-After": {Status: 429, Header: map[string]string{"Retry-After": "3600"}},
}

// The table of failures holds for the account's method too.
func TestTheAccountsQuotaIsKeptTo(t *testing.T) {
	for name, fault := range quotas {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.instance("line", incoming(true))
			s.settled("line", v1alpha1.ReasonSucceeded)
			fault.Method, fault.Times = "getWaSettings", -1
			s.vendor.Fault(fault)
			before, all := len(s.vendor.Calls(instanceID, "getWaSettings")), len(s.calls())
			s.forward(time.Hour)
			t.Logf("in an hour %d calls of getWaSettings, %d in all", len(s.vendor.Calls(instanceID, "getWaSettings"))-before, len(s.calls())-all)
			s.Expect(len(s.vendor.Calls(instanceID, "getWaSettings")) - before).To(BeNumerically("<=", 2))
		})
	}
}

// R6: an edit of one setting does not forget that another was in effect.
func TestR6AnEditAndAReadingThatShowsLess(t *testing.T) {
	for name, edit := range map[string]func(*v1alpha1.WhatsAppSettings){
		"a setting is managed no more": func(w *v1alpha1.WhatsAppSettings) { w.OutgoingWebhook = nil },
		"another one is changed":       func(w *v1alpha1.WhatsAppSettings) { w.OutgoingWebhook = new(false) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			hidden := s.hide()
			s.instance("line", manage(func(w *v1alpha1.WhatsAppSettings) { w.IncomingWebhook, w.OutgoingWebhook = new(true), new(true) }))
			s.settled("line", v1alpha1.ReasonSucceeded)
			s.forward(time.Hour)
			before := len(s.sets())
			*hidden = []string{"incomingWebhook"}
			s.edit("line", manage(edit))
			s.forward(2 * time.Hour)
			for _, body := range s.sets()[before:] {
				s.Expect(body).NotTo(ContainSubstring("incomingWebhook"), "it was in effect, and a reading that does not show it says nothing")
			}
			s.Expect(s.condition("line", v1alpha1.StalledCondition).Message).To(BeEmpty())
		})
	}
}

// Writes that are refused stop until a person acts. Once the token or the spec is mended they go at once.
func TestARefusedWriteIsMadeAgainOnceItIsMended(t *testing.T) {
	for name, mend := range map[string]func(*story){
		"a new token": func(s *story) {
			const rotated = "an0ther-api-token-abcdefgh"
			s.vendor.RotateToken(instanceID, rotated)
			s.secret("line-token", map[string]string{"apiTokenInstance": rotated})
		},
		"a new spec": func(s *story) {
			s.edit("line", manage(func(w *v1alpha1.WhatsAppSettings) { w.OutgoingWebhook = new(true) }))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.options.SettingsInterval = time.Hour
			s.restart()
			s.instance("line", incoming(true))
			s.vendor.Fault(emulator.Fault{Method: "setSettings", Status: 401, Times: -1})
			s.forward(30 * time.Minute)
			s.Expect(s.condition("line", v1alpha1.StalledCondition).Reason).To(Equal(v1alpha1.ReasonUnauthorized))
			s.vendor.ClearFaults()
			before := len(s.sets())
			mend(s)
			s.forward(5 * time.Minute)
			s.Expect(len(s.sets())-before).To(Equal(1), "Stalled %q", s.condition("line", v1alpha1.StalledCondition).Message)
		})
	}
}

// The table: unreadable answers, and after three intervals and three minutes Ready is Unknown.
func TestSettingsThatCannotBeReadForLongAreNotReady(t *testing.T) {
	s := newStory(t)
	s.instance("line", incoming(true))
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.vendor.Fault(emulator.Fault{Method: "getSettings", Status: 200, Body: `{}`, Times: -1})
	s.forward(6 * time.Hour)
	s.Expect(s.ready("line").Status).NotTo(Equal(metav1.ConditionTrue), "for hours nobody has seen a setting")
}

// The clock is set back by a day while the vendor cannot be reached.
func TestR16AClockSetBackInAnOutage(t *testing.T) {
	s := newStory(t)
	s.living = true
	s.restart()
	s.instance("line", incoming(true))
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.forward(time.Hour)
	s.vendor.Fault(emulator.Fault{Drop: true, Times: -1})
	s.forward(time.Minute)
	s.skew -= 24 * time.Hour
	s.forward(20 * time.Minute)
	s.Expect(s.ready("line").Reason).To(Equal(v1alpha1.ReasonObservationStale))
}

// A request is for now, and not for the day on which an outage ends.
func TestR20ARebootThatWasAskedForInAnOutage(t *testing.T) {
	s := newStory(t)
	s.lookSeldom()
	s.instance("line", incoming(true))
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.vendor.Fault(emulator.Fault{Drop: true, Times: -1})
	s.forward(time.Hour)
	s.edit("line", askForReboot)
	s.forward(3 * 24 * time.Hour)
	s.vendor.ClearFaults()
	s.forward(time.Hour)
	s.Expect(s.reboots()).To(Equal(0), "asked three days ago")
}

// A quota of one reading method blinds no other.
func TestAQuotaOfSettingsStopsNoLookAtTheState(t *testing.T) {
	for name, fault := range quotas {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.instance("line", incoming(true))
			s.settled("line", v1alpha1.ReasonSucceeded)
			fault.Method = "getSettings"
			s.vendor.Fault(fault)
			s.forward(12 * time.Minute)
			s.vendor.SetState(instanceID, "blocked")
			s.forward(30 * time.Minute)
			s.Expect(s.condition("line", v1alpha1.AvailableCondition).Status).To(Equal(metav1.ConditionFalse), "the account is blocked")
		})
	}
}
