// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// What docs/upgrading.md says. A restore of resources, such as Velero's, brings them without their status, and a restore of
// etcd brings spec and status as they were.

// TestANewProcessWritesNothing: neither to the vendor nor to Kubernetes, where the one before had nothing left to do.
func TestANewProcessWritesNothing(t *testing.T) {
	for _, policy := range []v1alpha1.ReconcilePolicy{"", v1alpha1.PolicyOnSpecChange, v1alpha1.PolicyObserve} {
		t.Run("policy "+string(policy), func(t *testing.T) {
			s := newStory(t)
			s.lookSeldom()
			s.instance("line", incoming(true))
			s.settled("line", v1alpha1.ReasonSucceeded)
			s.edit("line", func(r *v1alpha1.WhatsAppInstance) { r.Spec.ReconcilePolicy = policy })
			s.forward(time.Hour)
			version := s.get("line").ResourceVersion
			for range 3 {
				s.restart()
				s.forward(4 * time.Hour)
			}
			s.Expect(s.sets()).To(HaveLen(1))
			s.Expect(s.get("line").ResourceVersion).To(Equal(version))
		})
	}
}

// restoreWithoutStatus removes a resource and creates it anew from what was saved of it, as a new process finds it.
func (s *story) restoreWithoutStatus(name string) {
	s.t.Helper()
	saved := s.get(name)
	s.remove(name)
	s.restart()
	fresh := &v1alpha1.WhatsAppInstance{Spec: saved.Spec}
	fresh.Namespace, fresh.Name, fresh.Annotations = saved.Namespace, saved.Name, saved.Annotations
	s.Expect(admin.Create(s.ctx, fresh)).To(Succeed())
	s.await(fresh)
}

// TestARestoreWithoutStatusIsAdopted: what was written before is found in effect, and what was requested before is not done
// again.
func TestARestoreWithoutStatusIsAdopted(t *testing.T) {
	s := newStory(t)
	s.lookSeldom()
	s.instance("line", incoming(true))
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.edit("line", func(r *v1alpha1.WhatsAppInstance) {
		r.Annotations = map[string]string{v1alpha1.RebootRequestedAtAnnotation: "once"}
	})
	s.forward(time.Hour)
	s.Expect(s.vendor.Restarts(instanceID)).To(Equal(2), "the change and the reboot")

	s.restoreWithoutStatus("line")
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.forward(24 * time.Hour)
	s.Expect(s.vendor.Restarts(instanceID)).To(Equal(2))
	s.Expect(s.status("line").LastHandledRebootAt).To(Equal("once"))
}

// TestARestoreWithoutStatusUnderOnSpecChangeWritesWhatDiffers: that the wish was in effect once stood in the status, so what
// was only reported as drift before is written now.
func TestARestoreWithoutStatusUnderOnSpecChangeWritesWhatDiffers(t *testing.T) {
	s := newStory(t)
	s.lookSeldom()
	s.instance("line", func(r *v1alpha1.WhatsAppInstance) {
		incoming(true)(r)
		r.Spec.ReconcilePolicy = v1alpha1.PolicyOnSpecChange
	})
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.vendor.Edit(instanceID, map[string]any{"incomingWebhook": "no"})
	s.forward(24 * time.Hour)
	s.Expect(s.sets()).To(HaveLen(1), "it is only reported")

	s.restoreWithoutStatus("line")
	s.forward(24 * time.Hour)
	s.Expect(s.sets()).To(HaveLen(2))
}

// TestARestoreOfEtcdIsAChangeOnlyWhereTheSpecDiffers: an old status with an old spec leads to one write where the vendor has
// what a later spec wanted, and to none otherwise.
func TestARestoreOfEtcdIsAChangeOnlyWhereTheSpecDiffers(t *testing.T) {
	for name, change := range map[string]struct {
		later  func(*v1alpha1.WhatsAppInstance)
		writes int
	}{
		"nothing was changed since":   {func(*v1alpha1.WhatsAppInstance) {}, 0},
		"settings were changed since": {incoming(false), 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.lookSeldom()
			s.instance("line", incoming(true))
			s.settled("line", v1alpha1.ReasonSucceeded)
			saved := s.get("line")
			s.edit("line", change.later)
			s.forward(24 * time.Hour)
			before := s.vendor.Restarts(instanceID)

			s.edit("line", func(r *v1alpha1.WhatsAppInstance) { r.Spec = saved.Spec })
			old := s.get("line")
			old.Status = saved.Status
			s.Expect(admin.Status().Update(s.ctx, old)).To(Succeed())
			s.await(old)
			s.restart()
			s.settled("line", v1alpha1.ReasonSucceeded)
			s.forward(24 * time.Hour)
			s.Expect(s.vendor.Restarts(instanceID) - before).To(Equal(change.writes))
			instance, _ := s.vendor.Get(instanceID)
			s.Expect(instance.Settings).To(HaveKeyWithValue("incomingWebhook", "yes"))
		})
	}
}
