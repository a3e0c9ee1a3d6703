// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

const (
	historyMethod = "getStateInstanceHistory"
	flapped       = "Warning StateFlapped"
)

// histories is how often the vendor's history was read.
func (s *story) histories() int { return len(s.vendor.Calls(instanceID, historyMethod)) }

// flaps is what the metric counts.
func (s *story) flaps() float64 {
	return s.counter("greenapi_state_flaps_total", "WhatsAppInstance")
}

// counter is the value of a counter of the operator's metrics whose labels have the given values.
func (s *story) counter(name string, labels ...string) float64 {
	s.t.Helper()
	families, err := s.metrics.Gather()
	s.Expect(err).NotTo(HaveOccurred())
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			var values []string
			for _, label := range metric.GetLabel() {
				values = append(values, label.GetValue())
			}
			if family.GetName() == name && strings.Join(values, " ") == strings.Join(labels, " ") {
				return metric.GetCounter().GetValue()
			}
		}
	}
	return -1
}

// TestR37AChangeHasTheVendorsTime, if the look that sees it finds it in the history.
func TestR37AChangeHasTheVendorsTime(t *testing.T) {
	s := newStory(t)
	s.instance("line", nil)
	s.settled("line", v1alpha1.ReasonSucceeded)
	seen := s.status("line").StateChangedTime.Time
	s.Expect(s.histories()).To(BeZero(), "there is nothing to look back at")
	s.forward(2*time.Minute + 10*time.Second)
	s.clock.SetTime(s.clock.Now().Add(5 * time.Second))
	s.vendor.SetState(instanceID, emulator.StateNotAuthorized)
	changed := s.clock.Now()
	s.forward(2 * time.Minute)
	s.Expect(s.status("line").StateInstance).To(Equal(emulator.StateNotAuthorized))
	s.Expect(s.status("line").StateChangedTime.Time).To(BeTemporally("==", changed.Truncate(time.Second)))
	s.Expect(s.status("line").StateChangedTime.Time).To(BeTemporally(">", seen))
	s.Expect(s.histories()).To(Equal(1))
	s.Expect(s.vendor.Calls(instanceID, historyMethod)[0].Query).To(Equal("count=10"))
	s.Expect(s.events.count(flapped)).To(BeZero())

	// A restart leaves no row, so the look says when it was.
	s.vendor.SetStateFor(instanceID, emulator.StateStarting, 90*time.Second, emulator.StateNotAuthorized)
	began := s.clock.Now()
	s.Expect(s.until(2*time.Minute, func() bool { return s.status("line").StateInstance == emulator.StateStarting })).To(BeTrue())
	s.Expect(s.status("line").StateChangedTime.Time).To(BeTemporally("==", s.clock.Now().Truncate(time.Second)))
	s.Expect(s.clock.Now()).To(BeTemporally(">", began))
	s.Expect(s.flaps()).To(BeZero())
}

// TestR37WhatCameAndWentUnseenIsTold: once, with the times, without a write to the resource.
func TestR37WhatCameAndWentUnseenIsTold(t *testing.T) {
	s := newStory(t)
	s.instance("line", nil)
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.forward(2 * time.Minute)
	version := s.get("line").ResourceVersion
	s.clock.SetTime(s.clock.Now().Add(time.Second))
	s.vendor.SetStateFor(instanceID, emulator.StateNotAuthorized, 3*time.Second, emulator.StateAuthorized)
	came := s.clock.Now().UTC()
	s.clock.SetTime(s.clock.Now().Add(3 * time.Second))
	s.forward(40 * time.Minute)
	s.Expect(s.events.count(flapped)).To(Equal(1))
	s.Expect(s.events.text()).To(ContainSubstring(fmt.Sprintf("notAuthorized from %s to %s",
		came.Format(time.RFC3339), came.Add(3*time.Second).Format(time.RFC3339))))
	s.Expect(s.flaps()).To(BeEquivalentTo(1))
	s.Expect(s.get("line").ResourceVersion).To(Equal(version), "nothing is written to Kubernetes")

	s.forward(3 * time.Hour)
	s.restart()
	s.forward(3 * time.Hour)
	s.Expect(s.events.count(flapped)).To(Equal(1), "nothing is told twice, nor by the next process")

	// Who asks for a look need not wait for it.
	s.vendor.SetStateFor(instanceID, emulator.StateBlocked, time.Second, emulator.StateAuthorized)
	s.clock.SetTime(s.clock.Now().Add(2 * time.Second))
	s.edit("line", func(r *v1alpha1.WhatsAppInstance) {
		r.Annotations = map[string]string{v1alpha1.ReconcileRequestedAtAnnotation: "now"}
	})
	s.forward(3 * time.Second)
	s.Expect(s.events.count(flapped)).To(Equal(2))
	s.Expect(s.flaps()).To(BeEquivalentTo(1), "by the process of now")
}

// TestR37TheHistoryFitsIntoTheBudget: no more than 1.3 calls a minute, and no pass and no write because of it.
func TestR37TheHistoryFitsIntoTheBudget(t *testing.T) {
	s := newStory(t)
	s.instance("line", incoming(true))
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.forward(time.Hour)
	s.vendor.ResetCalls()
	const hours = 40
	s.forward(hours * time.Hour)
	s.Expect(s.histories()).To(And(BeNumerically(">=", hours*3/2), BeNumerically("<=", hours*5/2)), "about every half hour")
	s.t.Logf("%.3f calls a minute, %d histories", float64(len(s.calls()))/(hours*60), s.histories())
	s.Expect(float64(len(s.calls()))/(hours*60)).To(And(BeNumerically(">", 1.2), BeNumerically("<=", 1.3)), "calls per minute")
}

// TestR37AHistoryThatCannotBeReadChangesNothing: it is tried once an hour, and nobody hears of it.
func TestR37AHistoryThatCannotBeReadChangesNothing(t *testing.T) {
	for name, fault := range map[string]emulator.Fault{
		"not there":  {Status: 404},
		"forbidden":  {Status: 403},
		"refused":    {Status: 401},
		"unreadable": {Body: `{"rows": "none"}`, Status: 200},
		"hangs":      {Hang: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.options.CallTimeout = 300 * time.Millisecond
			s.restart()
			s.instance("line", incoming(true))
			s.settled("line", v1alpha1.ReasonSucceeded)
			fault.Method, fault.Times = historyMethod, -1
			s.vendor.Fault(fault)
			s.forward(20 * time.Minute)
			version, told := s.get("line").ResourceVersion, len(s.events.reasons)
			s.vendor.ResetCalls()
			s.forward(6 * time.Hour)
			s.Expect(s.histories()).To(And(BeNumerically(">=", 4), BeNumerically("<=", 7)))
			s.Expect(s.get("line").ResourceVersion).To(Equal(version))
			s.Expect(s.events.reasons).To(HaveLen(told))
			s.Expect(len(s.calls())-s.histories()).To(BeNumerically(">=", 6*60*1.15), "everything else is read as ever")

			s.vendor.SetState(instanceID, emulator.StateNotAuthorized)
			s.forward(2 * time.Minute)
			s.Expect(s.status("line").StateInstance).To(Equal(emulator.StateNotAuthorized))
			s.Expect(s.status("line").StateChangedTime.Time).To(BeTemporally("~", s.clock.Now(), 2*time.Minute))
			s.Expect(s.failures).To(BeEmpty())
		})
	}
}

// TestR37OnlyWhatsAppHasAHistory.
func TestR37OnlyWhatsAppHasAHistory(t *testing.T) {
	s := newStory(t)
	s.create("line", emulator.Telegram, &v1alpha1.TelegramInstance{})
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.forward(time.Hour)
	s.vendor.SetState(instanceID, emulator.StateNotAuthorized)
	s.forward(5 * time.Minute)
	s.Expect(s.status("line").StateInstance).To(Equal(emulator.StateNotAuthorized))
	s.Expect(s.calls()).NotTo(ContainElement(greenapi.MethodGetStateInstanceHistory))
	s.Expect(s.counter("greenapi_state_flaps_total", "TelegramInstance")).To(BeEquivalentTo(-1))
}

// TestR30WaitingCostsWhatBeingInOrderDoes: over days, a line that waits for its window is asked as often as one that is in order.
func TestR30WaitingCostsWhatBeingInOrderDoes(t *testing.T) {
	const hours = 40
	var inOrder, waiting float64
	perMinute := func(s *story) float64 {
		s.forward(time.Hour)
		s.vendor.ResetCalls()
		s.forward(hours * time.Hour)
		return float64(len(s.calls())) / (hours * 60)
	}
	t.Run("both", func(t *testing.T) {
		t.Run("in order", func(t *testing.T) {
			s := newStory(t)
			s.instance("line", incoming(true))
			s.settled("line", v1alpha1.ReasonSucceeded)
			inOrder = perMinute(s)
		})
		t.Run("waiting", func(t *testing.T) {
			s := newStory(t)
			s.instance("line", func(r *v1alpha1.WhatsAppInstance) {
				// It opens in four days.
				r.Spec.Maintenance = &v1alpha1.Maintenance{TimeZone: "UTC", Windows: []v1alpha1.MaintenanceWindow{
					{Days: []v1alpha1.Weekday{"Tue"}, Start: "03:00", Duration: metav1.Duration{Duration: time.Hour}}}}
				incoming(true)(r)
			})
			s.forward(time.Minute)
			waiting = perMinute(s)
			s.Expect(s.condition("line", v1alpha1.SyncedCondition).Reason).To(Equal(v1alpha1.ReasonOutsideWindow))
		})
	})
	t.Logf("%.3f calls a minute in order, %.3f waiting", inOrder, waiting)
	NewWithT(t).Expect(waiting / inOrder).To(And(BeNumerically(">", 0.9), BeNumerically("<=", 1.05)))
}
