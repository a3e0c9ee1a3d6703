// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/controllers"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// The wrong one's Secret is taken away.
func TestR18TheWrongKindThatLosesItsSecretOwnsNothing(t *testing.T) {
	s := newStory(t)
	s.create("wrong", emulator.MAX, &v1alpha1.WhatsAppInstance{})
	s.forward(2 * time.Minute)
	s.nextSecond()
	in, _ := s.vendor.Get(instanceID)
	s.secret("right2", map[string]string{"apiTokenInstance": in.Token})
	s.create("right", emulator.MAX, &v1alpha1.MaxInstance{Spec: v1alpha1.MaxInstanceSpec{
		InstanceSpec: v1alpha1.InstanceSpec{APITokenSecretRef: v1alpha1.SecretKeyReference{Name: "right2"}},
	}})
	s.settled("right", v1alpha1.ReasonSucceeded)
	s.forward(30 * time.Minute)
	s.emptySecret("wrong-token")
	s.forward(2 * time.Hour)
	s.wake()
	s.forward(10 * time.Minute)
	t.Logf("right Ready %s; wrong Ready %s", s.ready("right").Reason, s.ready("wrong").Reason)
	s.Expect(s.ready("right").Reason).To(Equal(v1alpha1.ReasonSucceeded), "MessengerMismatch does not own")
}

// 466 on setSettings alone: nobody looks at the instance for an hour, and the status does not say so.
func TestR1AQuotaOfWritesStopsNoLook(t *testing.T) {
	s := newStory(t)
	s.instance("line", nil)
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.vendor.Fault(emulator.Fault{Method: "setSettings", Status: 466, Times: -1})
	s.edit("line", incoming(true))
	s.forward(time.Minute)
	s.vendor.SetState(instanceID, "blocked")
	before := len(s.calls())
	s.forward(50 * time.Minute)
	t.Logf("calls in 50 minutes: %d; state %q, Available %s, Ready %s %s", len(s.calls())-before, s.status("line").StateInstance,
		s.condition("line", v1alpha1.AvailableCondition).Status, s.ready("line").Status, s.ready("line").Reason)
	s.Expect(s.status("line").StateInstance).To(Equal("blocked"), "R1: the state is read every stateInterval")
}

// between is a vendor in which something happens between the intent and the call.
type between struct {
	controllers.Vendor
	do func()
}

func (b between) SetSettings(ctx context.Context, values map[string]any, permit greenapi.Permit) (bool, error) {
	b.do()
	return b.Vendor.SetSettings(ctx, values, permit)
}

// The spec is edited between the intent and the call.
func TestR10EditsBetweenIntentAndCall(t *testing.T) {
	for name, what := range map[string]func(*story){
		"spec":   func(s *story) { s.edit("line", incoming(false)) },
		"paused": func(s *story) { s.edit("line", func(r *v1alpha1.WhatsAppInstance) { r.Spec.Paused = true }) },
		"again": func(s *story) {
			s.edit("line", func(r *v1alpha1.WhatsAppInstance) { r.Spec.ReconcilePolicy = v1alpha1.PolicyObserve })
		},
		"status": func(s *story) {
			r := s.get("line")
			r.Status.Apply = nil
			s.Expect(admin.Status().Update(s.ctx, r)).To(Succeed())
			s.await(r)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			once := true
			s.wrapVendor = func(v controllers.Vendor) controllers.Vendor {
				return between{v, func() {
					if once {
						once = false
						what(s)
					}
				}}
			}
			s.restart()
			s.vendorKeepsLate(90 * time.Second)
			s.instance("line", incoming(true))
			s.forward(3 * time.Minute)
			s.edit("line", func(r *v1alpha1.WhatsAppInstance) {
				r.Spec.Paused = false
				r.Spec.ReconcilePolicy = v1alpha1.PolicyEnforce
			})
			s.forward(2 * time.Hour)
			s.Expect(s.ready("line").Reason).To(Equal(v1alpha1.ReasonSucceeded))
			want := 1
			if name == "spec" {
				want = 2
			}
			s.Expect(s.vendor.Restarts(instanceID)).To(Equal(want), "%v", s.sets())
		})
	}
}

// A reboot that was asked for while the Secret was missing is carried out days later.
func TestR20ARequestIsNotKeptUntilTheSecretIsBack(t *testing.T) {
	s := newStory(t)
	s.lookSeldom()
	s.instance("line", incoming(true))
	s.settled("line", v1alpha1.ReasonSucceeded)
	in, _ := s.vendor.Get(instanceID)
	s.emptySecret("line-token")
	s.forward(10 * time.Minute)
	s.Expect(s.condition("line", v1alpha1.StalledCondition).Reason).To(Equal(v1alpha1.ReasonSecretKeyMissing))
	s.edit("line", askForReboot)
	s.forward(3 * 24 * time.Hour)
	s.Expect(s.reboots()).To(BeZero())
	s.secret("line-token", map[string]string{"nothing": "here", "apiTokenInstance": in.Token})
	s.due["line"] = s.clock.Now()
	s.forward(time.Hour)
	t.Logf("reboots %d", s.reboots())
	s.Expect(s.reboots()).To(BeZero(), "asked for three days ago")
}

// Who waits in the queue loses the account, is written without a turn, and gets one that it does not need.
func TestR28WhoBecameQuietKeepsNoTurn(t *testing.T) {
	l := newLines(t, 3, intstr.FromInt32(1))
	working, quietOne := l.oneAtWork()
	next := l.names[2]
	l.edit(next, incoming(true))
	l.look(next)
	l.vendor.SetState(instanceID+1, "notAuthorized")
	l.vendor.Update(instanceID+1, func(in *emulator.Instance) { in.Behavior.ApplyDelay = 5 * time.Minute })
	l.due[quietOne] = l.clock.Now()
	l.edit(quietOne, func(r *v1alpha1.WhatsAppInstance) {
		r.Spec.StateInterval = &metav1.Duration{Duration: 30 * time.Second}
	})
	l.look(quietOne)
	l.Expect(l.restarts(quietOne)).To(Equal(1))
	l.settled(working, v1alpha1.ReasonSucceeded)
	began := l.clock.Now()
	l.Expect(l.until(15*time.Minute, func() bool { return l.restarts(next) == 1 })).To(BeTrue())
	t.Logf("the next one waited for %s after the only one at work was done", l.clock.Since(began))
	l.Expect(l.clock.Since(began)).To(BeNumerically("<", 10*time.Second))
}

func (s *story) emptySecret(name string) {
	s.t.Helper()
	secret := &corev1.Secret{}
	s.Expect(admin.Get(s.ctx, types.NamespacedName{Namespace: s.ns, Name: name}, secret)).To(Succeed())
	secret.Data = nil
	s.Expect(admin.Update(s.ctx, secret)).To(Succeed())
	s.awaitSecret(name, secret.ResourceVersion)
}
