// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// gauge is the value of a series of the operator's metrics whose labels have the given values, -1 if there is none.
func (s *story) gauge(name string, labels map[string]string) float64 {
	s.t.Helper()
	families, err := s.metrics.Gather()
	s.Expect(err).NotTo(HaveOccurred())
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, series := range family.GetMetric() {
			fits := 0
			for _, label := range series.GetLabel() {
				if want, ok := labels[label.GetName()]; ok && want == label.GetValue() {
					fits++
				}
			}
			if fits == len(labels) {
				return series.GetGauge().GetValue()
			}
		}
	}
	return -1
}

func paused(on bool) func(*v1alpha1.WhatsAppInstance) {
	return func(r *v1alpha1.WhatsAppInstance) { r.Spec.Paused = on }
}

// TestMetricsLeavePausedAndStalledOnesOut: the age of the oldest reading is that of what is read as usual, and what alerts look
// at has no paused one in it.
func TestMetricsLeavePausedAndStalledOnesOut(t *testing.T) {
	s := newStory(t)
	kind := map[string]string{"kind": "WhatsAppInstance"}
	of := func(name, value string) map[string]string {
		return map[string]string{"kind": "WhatsAppInstance", name: value}
	}
	condition := func(name, status string) map[string]string {
		return map[string]string{"kind": "WhatsAppInstance", "condition": name, "status": status}
	}
	s.instance("line", incoming(true))
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.forward(time.Hour)
	s.Expect(s.gauge("greenapi_oldest_observation_seconds", kind)).To(BeNumerically("<", 120))
	s.Expect(s.gauge("greenapi_unpaused_instances", of("state", "authorized"))).To(Equal(1.0))
	s.Expect(s.gauge("greenapi_unpaused_instance_conditions", condition("Stalled", "True"))).To(Equal(0.0))
	s.Expect(s.gauge("greenapi_unpaused_instance_conditions", condition("Ready", "Unknown"))).To(Equal(0.0))

	s.edit("line", paused(true))
	s.forward(2 * time.Hour)
	s.Expect(s.gauge("greenapi_oldest_observation_seconds", kind)).To(Equal(-1.0), "paused")
	s.Expect(s.gauge("greenapi_instances", of("state", "authorized"))).To(Equal(1.0))
	s.Expect(s.gauge("greenapi_unpaused_instances", of("state", "authorized"))).To(Equal(0.0))

	s.edit("line", paused(false))
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.Expect(s.until(5*time.Minute, func() bool { return s.gauge("greenapi_oldest_observation_seconds", kind) >= 0 })).To(BeTrue())
	s.vendor.RotateToken(instanceID, "an0ther-token-of-the-story")
	s.Expect(s.until(time.Hour, func() bool { return s.condition("line", v1alpha1.StalledCondition).Reason != "" })).To(BeTrue())
	s.Eventually(func() float64 {
		return s.gauge("greenapi_unpaused_instance_conditions", condition("Stalled", "True"))
	}, patience).Should(Equal(1.0))
	s.Expect(s.gauge("greenapi_oldest_observation_seconds", kind)).To(Equal(-1.0), "stalled")

	s.edit("line", paused(true))
	s.pass("line")
	s.Eventually(func() float64 {
		return s.gauge("greenapi_unpaused_instance_conditions", condition("Stalled", "True"))
	}, patience).Should(Equal(0.0))
	s.Expect(s.gauge("greenapi_instance_conditions", condition("Stalled", "True"))).To(Equal(1.0))
}

// TestAStalledOneThatCannotBeReadIsNotAvailable: what was seen last says nothing once nobody looks any more.
func TestAStalledOneThatCannotBeReadIsNotAvailable(t *testing.T) {
	for name, breakIt := range map[string]func(*story){
		"the token is refused":     func(s *story) { s.vendor.RotateToken(instanceID, "an0ther-token-of-the-story") },
		"the instance was deleted": func(s *story) { s.vendor.Remove(instanceID) },
		"the Secret is malformed":  func(s *story) { s.secret("line-token", map[string]string{"apiTokenInstance": "no token at all"}) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.instance("line", incoming(true))
			s.settled("line", v1alpha1.ReasonSucceeded)
			instance, _ := s.vendor.Get(instanceID)
			s.Expect(s.condition("line", v1alpha1.AvailableCondition).Status).To(Equal(metav1.ConditionTrue))
			breakIt(s)
			s.Expect(s.until(time.Hour, func() bool { return s.condition("line", v1alpha1.StalledCondition).Reason != "" })).To(BeTrue())
			available := s.condition("line", v1alpha1.AvailableCondition)
			s.Expect(available.Status).To(Equal(metav1.ConditionUnknown))
			s.Expect(available.Reason).To(Equal(v1alpha1.ReasonNotObserved))
			s.forward(time.Hour)
			s.Expect(s.condition("line", v1alpha1.AvailableCondition)).To(Equal(available), "and stays so")

			if _, there := s.vendor.Get(instanceID); !there {
				s.vendor.Add(instance)
			}
			s.vendor.RotateToken(instanceID, instance.Token)
			s.secret("line-token", map[string]string{"apiTokenInstance": instance.Token})
			s.due["line"] = s.clock.Now()
			s.settled("line", v1alpha1.ReasonSucceeded)
			s.Expect(s.condition("line", v1alpha1.AvailableCondition).Status).To(Equal(metav1.ConditionTrue))
		})
	}
}
