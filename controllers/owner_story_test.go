// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// A resource of the wrong kind is explained (MessengerMismatch), and its author makes one of the right kind, as the message
// Says, and does not delete the wrong one at once. Nobody touches anything after that.
func TestR18TheRightKindOwnsBesideTheWrongOne(t *testing.T) {
	s := newStory(t)
	s.create("wrong", emulator.MAX, &v1alpha1.WhatsAppInstance{})
	s.forward(2 * time.Minute)
	s.Expect(s.condition("wrong", v1alpha1.StalledCondition).Reason).To(Equal(v1alpha1.ReasonMessengerMismatch))
	s.nextSecond()
	s.create("right", emulator.MAX, &v1alpha1.MaxInstance{Spec: v1alpha1.MaxInstanceSpec{
		InstanceSpec: v1alpha1.InstanceSpec{APITokenSecretRef: v1alpha1.SecretKeyReference{Name: "wrong-token"}},
		Settings:     &v1alpha1.MaxSettings{CommonSettings: v1alpha1.CommonSettings{IncomingWebhook: new(true)}},
	}})
	s.pass("right")
	s.due["wrong"] = s.clock.Now() // what claimChanged lets pass: the state of "right" is there now
	s.settled("right", v1alpha1.ReasonSucceeded)
	for i := range 12 {
		s.forward(10 * time.Minute)
		if i == 2 {
			s.somebodyElseWrites()
		}
		t.Logf("%s: right Ready %s %s; wrong Ready %s %s; due %d", s.clock.Now().Sub(storyStart), s.ready("right").Status, s.ready("right").Reason, s.ready("wrong").Status, s.ready("wrong").Reason, len(s.due))
	}
	s.Expect(s.ready("right").Reason).To(Equal(v1alpha1.ReasonSucceeded), "MessengerMismatch does not own")
}

// Without a write of the right one: the wrong one is paused by its author, so that it makes no noise.
func TestR18TheWrongKindThatIsPausedOwnsNothing(t *testing.T) {
	s := newStory(t)
	s.create("wrong", emulator.MAX, &v1alpha1.WhatsAppInstance{})
	s.forward(2 * time.Minute)
	s.nextSecond()
	s.create("right", emulator.MAX, &v1alpha1.MaxInstance{Spec: v1alpha1.MaxInstanceSpec{
		InstanceSpec: v1alpha1.InstanceSpec{APITokenSecretRef: v1alpha1.SecretKeyReference{Name: "wrong-token"}},
	}})
	s.settled("right", v1alpha1.ReasonSucceeded)
	s.forward(30 * time.Minute)
	t.Logf("right Ready %s; wrong Ready %s", s.ready("right").Reason, s.ready("wrong").Reason)
	s.edit("wrong", func(r *v1alpha1.WhatsAppInstance) { r.Spec.Paused = true })
	s.wake()
	s.forward(2 * time.Hour)
	t.Logf("right Ready %s; wrong Ready %s", s.ready("right").Reason, s.ready("wrong").Reason)
	s.Expect(s.ready("right").Reason).To(Equal(v1alpha1.ReasonSucceeded), "MessengerMismatch does not own")
}

// Old is at another origin first, young writes, old's address is corrected.
func TestR18ACorrectedAddressLeavesOneOwner(t *testing.T) {
	s := newStory(t)
	other := newStoryVendor(t, s)
	s.instance("old", func(r *v1alpha1.WhatsAppInstance) { r.Spec.APIURL = other; incoming(true)(r) })
	s.settled("old", v1alpha1.ReasonSucceeded)
	s.nextSecond()
	s.instance("young", func(r *v1alpha1.WhatsAppInstance) {
		manage(func(w *v1alpha1.WhatsAppSettings) { w.OutgoingWebhook = new(true) })(r)
		r.Spec.APITokenSecretRef.Name = "old-token"
	})
	s.settled("young", v1alpha1.ReasonSucceeded)
	s.edit("old", func(r *v1alpha1.WhatsAppInstance) { r.Spec.APIURL = s.url })
	s.due["young"] = s.clock.Now() // as the watch of rivals does
	s.forward(time.Minute)
	t.Logf("after a minute: old Ready %s, young Ready %s", s.ready("old").Reason, s.ready("young").Reason)
	s.forward(30 * time.Minute)
	s.somebodyElseWrites()
	s.forward(2 * time.Hour)
	t.Logf("after two hours: old Ready %s, young Ready %s; due: %v", s.ready("old").Reason, s.ready("young").Reason, s.due)
	s.Expect([]string{s.ready("old").Reason, s.ready("young").Reason}).To(ContainElement(v1alpha1.ReasonSucceeded), "one of them owns it")
}

// A reboot that was asked of a duplicate is carried out when it takes over, whenever that is.
func TestR20ARequestOfADuplicateIsNotKept(t *testing.T) {
	s := newStory(t)
	s.lookSeldom()
	s.instance("old", incoming(true))
	s.settled("old", v1alpha1.ReasonSucceeded)
	s.nextSecond()
	s.instance("dup", func(r *v1alpha1.WhatsAppInstance) { incoming(true)(r); r.Spec.APITokenSecretRef.Name = "old-token" })
	s.forward(time.Minute)
	s.Expect(s.ready("dup").Reason).To(Equal(v1alpha1.ReasonDuplicateInstance))
	s.edit("dup", askForReboot)
	s.forward(3 * 24 * time.Hour)
	s.remove("old")
	s.due["dup"] = s.clock.Now() // as the watch of rivals does
	s.forward(time.Hour)
	t.Logf("restarts %d; dup Ready %s, handled %q, reboots %d", s.vendor.Restarts(instanceID), s.ready("dup").Reason, s.status("dup").LastHandledRebootAt, s.reboots())
	s.Expect(s.vendor.Restarts(instanceID)).To(Equal(1), "the next takes over without a restart if nothing differs")
}

// A setting that is not typed, "true" becomes "yes" while it settles.
func TestR9AnEqualValueIsNoChangeWhileItSettles(t *testing.T) {
	s := newStory(t)
	set := func(text string) func(*v1alpha1.WhatsAppInstance) {
		return manage(func(w *v1alpha1.WhatsAppSettings) { w.WebhookURL = new(text) })
	}
	s.instance("line", set("https://Shop.example"))
	s.Expect(s.until(time.Minute, func() bool { return len(s.sets()) == 1 })).To(BeTrue())
	s.forward(5 * time.Second)
	s.edit("line", set("https://shop.example/"))
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.forward(time.Hour)
	t.Logf("setSettings: %v", s.sets())
	s.Expect(s.vendor.Restarts(instanceID)).To(Equal(1))
}

// somebodyElseWrites makes another instance of the fleet be written, which has nothing to do with the others.
func (s *story) somebodyElseWrites() {
	const token = "t0ken-of-somebody-else-abc"
	s.secret("else", map[string]string{"apiTokenInstance": token})
	s.vendor.Add(emulator.Instance{ID: instanceID + 77, Token: token, Messenger: emulator.WhatsApp})
	r := &v1alpha1.WhatsAppInstance{}
	incoming(true)(r)
	r.Namespace, r.Name, r.Spec.IDInstance, r.Spec.APITokenSecretRef.Name = s.ns, "else", instanceID+77, "else"
	s.Expect(admin.Create(s.ctx, r)).To(Succeed())
	s.await(r)
	s.settled("else", v1alpha1.ReasonSucceeded)
}
