// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/controllers"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// counting counts the writes of statuses.
func (s *story) counting() *atomic.Int64 {
	writes := &atomic.Int64{}
	s.wrapClient = func(c client.Client) client.Client {
		return failingStatus(c, func(*v1alpha1.InstanceStatus) error {
			writes.Add(1)
			return nil
		})
	}
	s.restart()
	return writes
}

// TestALineIsAdoptedWithOneWrite: what a first status would say, the schema's default says.
func TestALineIsAdoptedWithOneWrite(t *testing.T) {
	s := newStory(t)
	writes := s.counting()
	s.instance("line", nil)
	s.Expect(s.status("line").ObservedGeneration).To(gomega.BeEquivalentTo(-1))
	s.pass("line")
	s.Expect(s.ready("line").Status).To(gomega.Equal(metav1.ConditionTrue))
	s.Expect(s.status("line").ObservedGeneration).To(gomega.BeEquivalentTo(1))
	s.forward(time.Hour)
	s.Expect(writes.Load()).To(gomega.BeEquivalentTo(1))
}

// slowState is a vendor that tells the state once somebody has seen something else.
type slowState struct {
	controllers.Vendor
	seen chan struct{}
}

func (v slowState) State(ctx context.Context) (string, error) {
	<-v.seen
	return v.Vendor.State(ctx)
}

// TestASlowFirstLookIsAnnounced: who waits for a line whose first look takes long sees that somebody is at work, and the status
// of the look follows.
func TestASlowFirstLookIsAnnounced(t *testing.T) {
	s := newStory(t)
	s.options.CallTimeout = time.Minute
	writes := s.counting()
	s.instance("line", nil)
	seen, over := make(chan struct{}), make(chan struct{})
	s.wrapVendor = func(v controllers.Vendor) controllers.Vendor { return slowState{v, seen} }
	s.restart()
	go func() {
		defer close(over)
		s.pass("line")
	}()
	s.Eventually(func() []metav1.Condition { return s.status("line").Conditions }, patience).ShouldNot(gomega.BeEmpty())
	s.Expect(s.ready("line").Status).To(gomega.Equal(metav1.ConditionUnknown))
	s.Expect(s.ready("line").Reason).To(gomega.Equal(v1alpha1.ReasonProgressing))
	close(seen)
	<-over
	s.Expect(s.failures).To(gomega.BeEmpty(), "the second write knows of the first")
	s.Expect(s.ready("line").Status).To(gomega.Equal(metav1.ConditionTrue))
	s.Expect(writes.Load()).To(gomega.BeEquivalentTo(2))
}

// TestAFirstLookThatHasToWait says nothing while it comes soon, and within a minute that it waits.
func TestAFirstLookThatHasToWait(t *testing.T) {
	s := newStory(t)
	writes := s.counting()
	s.instance("line", nil)
	s.vendor.Fault(emulator.Fault{Status: 429, Times: -1})
	s.until(10*time.Minute, func() bool { return len(s.status("line").Conditions) > 0 })
	s.Expect(s.clock.Now().Sub(storyStart)).To(gomega.And(gomega.BeNumerically(">", 10*time.Second), gomega.BeNumerically("<", time.Minute)))
	s.Expect(writes.Load()).To(gomega.BeEquivalentTo(1))
	s.Expect(s.ready("line").Status).To(gomega.Equal(metav1.ConditionUnknown))
}

// TestAFirstLookThatHasToWaitLongIsAnnounced: who is told at once that the first look comes late says so within the minute after
// which the plugin takes a line without conditions for one that nobody looks after.
func TestAFirstLookThatHasToWaitLongIsAnnounced(t *testing.T) {
	t.Run("where the vendor says how long", func(t *testing.T) {
		s := newStory(t)
		s.instance("line", nil)
		s.vendor.Fault(emulator.Fault{Status: 429, Times: -1, Header: map[string]string{"Retry-After": "1800"}})
		s.forward(time.Minute)
		s.Expect(s.status("line").Conditions).NotTo(gomega.BeEmpty())
	})
	t.Run("where --api-qps does", func(t *testing.T) {
		s := newStory(t)
		s.options.QPS = 0.01
		s.restart()
		s.instance("line", nil)
		s.pass("line")
		s.newNeighbor()
		s.forward(time.Minute)
		s.Expect(s.status("neighbor").Conditions).NotTo(gomega.BeEmpty())
	})
}

// TestARebootIsAskedForWhileTheFirstLookWaits: a value that came after the resource is not there at first sight.
func TestARebootIsAskedForWhileTheFirstLookWaits(t *testing.T) {
	s := newStory(t)
	s.instance("line", nil)
	s.vendor.Fault(emulator.Fault{Status: 429, Times: 3})
	s.pass("line")
	s.edit("line", func(r *v1alpha1.WhatsAppInstance) {
		r.Annotations = map[string]string{v1alpha1.RebootRequestedAtAnnotation: "now"}
	})
	s.forward(10 * time.Minute)
	s.Expect(s.status("line").LastHandledRebootAt).To(gomega.Equal("now"))
	s.Expect(s.reboots()).To(gomega.Equal(1))
}

// TestASlowWriteOfTheFirstStatusIsNotTheVendors: how long the API server takes says nothing about the vendor's host.
func TestASlowWriteOfTheFirstStatusIsNotTheVendors(t *testing.T) {
	s := newStory(t)
	seen := make(chan struct{})
	first := true
	s.wrapClient = func(c client.Client) client.Client {
		return failingStatus(c, func(*v1alpha1.InstanceStatus) error {
			if first {
				first = false
				close(seen)
				// The look ends before the API server answers.
				s.Eventually(s.calls, patience).Should(gomega.HaveLen(3))
				s.Consistently(s.calls, 300*time.Millisecond).Should(gomega.HaveLen(3))
				s.clock.SetTime(s.clock.Now().Add(s.options.CallTimeout))
			}
			return nil
		})
	}
	s.wrapVendor = func(v controllers.Vendor) controllers.Vendor { return slowState{v, seen} }
	s.instance("line", nil)
	s.restart()
	s.pass("line")
	s.Expect(first).To(gomega.BeFalse())
	s.Expect(s.operators[0].Hung(types.NamespacedName{Namespace: s.ns, Name: "line"})).To(gomega.BeFalse())
}
