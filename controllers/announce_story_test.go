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

// TestAFirstLookThatHasToWait says nothing for a minute, and then that it waits.
func TestAFirstLookThatHasToWait(t *testing.T) {
	s := newStory(t)
	writes := s.counting()
	s.instance("line", nil)
	s.vendor.Fault(emulator.Fault{Status: 429, Times: -1})
	s.until(10*time.Minute, func() bool { return len(s.status("line").Conditions) > 0 })
	s.Expect(s.clock.Now().Sub(storyStart)).To(gomega.And(gomega.BeNumerically(">=", time.Minute), gomega.BeNumerically("<=", 3*time.Minute)))
	s.Expect(writes.Load()).To(gomega.BeEquivalentTo(1))
	s.Expect(s.ready("line").Status).To(gomega.Equal(metav1.ConditionUnknown))
}
