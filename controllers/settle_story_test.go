// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"net/http/httptest"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// newStoryVendor is another place that serves the same instance.
func newStoryVendor(t *testing.T, s *story) string {
	t.Helper()
	server := httptest.NewServer(s.vendor)
	t.Cleanup(server.Close)
	return server.URL
}

// The clock is set back while the vendor cannot be reached: Ready must be Unknown ObservationStale after 3 minutes.
func TestR16StaleAfterTheClockWasSetBack(t *testing.T) {
	for _, by := range []time.Duration{0, -10 * time.Hour} {
		t.Run(by.String(), func(t *testing.T) {
			s := newStory(t)
			s.living = true
			s.restart()
			s.instance("line", incoming(true))
			s.settled("line", v1alpha1.ReasonSucceeded)
			s.forward(10 * time.Minute)
			s.vendor.Fault(emulator.Fault{Status: 502, Times: -1})
			s.skew += by
			s.forward(2 * time.Hour)
			t.Logf("2 hours into the outage Ready is %s %s", s.ready("line").Status, s.ready("line").Reason)
			s.Expect(s.ready("line").Reason).To(Equal(v1alpha1.ReasonObservationStale))
		})
	}
}

// R7: phone is kept while the instance starts; getStateInstance fails meanwhile.
func TestR7PhoneIsKeptWhileTheStateCannotBeRead(t *testing.T) {
	s := newStory(t)
	s.instance("line", incoming(true))
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.forward(time.Minute)
	phone := s.status("line").Phone
	s.Expect(phone).NotTo(BeEmpty())
	s.vendor.Update(instanceID, func(in *emulator.Instance) { in.Behavior.RestartTime = 5 * time.Minute })
	s.edit("line", incoming(false))
	s.Expect(s.until(time.Minute, func() bool { return len(s.sets()) == 2 })).To(BeTrue())
	s.forward(40 * time.Second)
	s.Expect(s.status("line").StateInstance).To(Equal("starting"))
	s.Expect(s.status("line").Phone).To(Equal(phone))
	s.vendor.Fault(emulator.Fault{Method: "getStateInstance", Status: 502, Times: 2})
	s.edit("line", func(r *v1alpha1.WhatsAppInstance) {
		r.Spec.StateInterval = &metav1.Duration{Duration: 50 * time.Second}
	})
	s.forward(time.Second)
	s.Expect(s.status("line").Phone).To(Equal(phone), "kept while it starts")
}

// ApiUrl changes in the middle of a settle (same instance, another address of it).
func TestR11AnotherAddressWhileItSettles(t *testing.T) {
	s := newStory(t)
	other := newStoryVendor(t, s)
	s.vendorKeepsLate(3 * time.Minute)
	s.instance("line", incoming(true))
	s.Expect(s.until(time.Minute, func() bool { return len(s.sets()) == 1 })).To(BeTrue())
	s.forward(10 * time.Second)
	s.edit("line", func(r *v1alpha1.WhatsAppInstance) { r.Spec.APIURL = other })
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.forward(time.Hour)
	s.Expect(s.vendor.Restarts(instanceID)).To(Equal(1))
}

// The status is emptied by a person in the middle of a settle.
func TestR10AnEmptiedStatusWhileItSettles(t *testing.T) {
	s := newStory(t)
	s.vendorKeepsLate(3 * time.Minute)
	s.instance("line", incoming(true))
	s.Expect(s.until(time.Minute, func() bool { return len(s.sets()) == 1 })).To(BeTrue())
	s.forward(10 * time.Second)
	r := s.get("line")
	r.Status = v1alpha1.InstanceStatus{}
	s.Expect(admin.Status().Update(s.ctx, r)).To(Succeed())
	s.await(r)
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.forward(time.Hour)
	s.Expect(s.vendor.Restarts(instanceID)).To(Equal(1))
}

// Enforce, Observe, Enforce during a settle.
func TestR16PoliciesChangeWhileItSettles(t *testing.T) {
	s := newStory(t)
	s.vendorKeepsLate(3 * time.Minute)
	s.instance("line", incoming(true))
	s.Expect(s.until(time.Minute, func() bool { return len(s.sets()) == 1 })).To(BeTrue())
	for _, policy := range []v1alpha1.ReconcilePolicy{v1alpha1.PolicyObserve, v1alpha1.PolicyOnSpecChange, v1alpha1.PolicyObserve, v1alpha1.PolicyEnforce} {
		s.forward(20 * time.Second)
		s.edit("line", func(r *v1alpha1.WhatsAppInstance) { r.Spec.ReconcilePolicy = policy })
	}
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.forward(time.Hour)
	s.Expect(s.vendor.Restarts(instanceID)).To(Equal(1))
}
