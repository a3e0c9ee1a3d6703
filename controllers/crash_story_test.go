// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"context"
	"errors"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/controllers"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// killed is what a story panics with where the process would die.
type killed struct{}

// mortal is a vendor's API during whose setSettings the process dies.
type mortal struct {
	controllers.Vendor
	before, after bool
}

func (m mortal) SetSettings(ctx context.Context, values map[string]any, permit greenapi.Permit) (bool, error) {
	if m.before {
		panic(killed{})
	}
	saved, err := m.Vendor.SetSettings(ctx, values, permit)
	if m.after {
		panic(killed{})
	}
	return saved, err
}

// die makes passes until the process dies, and starts a new one.
func (s *story) die(name string, m mortal) {
	s.t.Helper()
	s.wrapVendor = func(vendor controllers.Vendor) controllers.Vendor { m.Vendor = vendor; return m }
	died := false
	for range 50 {
		func() {
			defer func() {
				switch r := recover().(type) {
				case nil:
				case killed:
					died = true
				default:
					panic(r)
				}
			}()
			s.pass(name)
		}()
		if died {
			break
		}
		s.clock.SetTime(s.clock.Now().Add(20 * time.Second))
	}
	s.Expect(died).To(BeTrue())
	s.wrapVendor = nil
	s.due[name] = s.clock.Now()
	s.restart()
}

func TestR10AProcessThatDiesCausesNoSecondRestart(t *testing.T) {
	for name, m := range map[string]mortal{"before the call": {before: true}, "after the call": {after: true}} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.lookSeldom()
			s.instance("line", incoming(true))
			s.die("line", m)
			s.Expect(s.get("line").Status.Apply.Outcome).To(Equal(v1alpha1.OutcomePending))
			s.settled("line", v1alpha1.ReasonSucceeded)
			s.forward(24 * time.Hour)
			s.Expect(s.vendor.Restarts(instanceID)).To(Equal(1))
			s.Expect(s.get("line").Status.Restarts.Total).To(BeEquivalentTo(1), "R26: a Pending that is confirmed counts")
		})
	}
	t.Run("again and again", func(t *testing.T) {
		s := newStory(t)
		s.lookSeldom()
		s.instance("line", incoming(true))
		s.vendor.Update(instanceID, func(in *emulator.Instance) { in.Behavior.ApplyDelay = 3 * time.Minute })
		s.die("line", mortal{after: true})
		for range 20 {
			s.forward(7 * time.Second)
			s.restart()
		}
		s.settled("line", v1alpha1.ReasonSucceeded)
		s.forward(time.Hour)
		s.Expect(s.vendor.Restarts(instanceID)).To(Equal(1))
	})
}

func TestR10WithoutAStoredIntentThereIsNoCall(t *testing.T) {
	for name, failure := range map[string]error{
		"conflict": apierrors.NewConflict(schema.GroupResource{}, "line", errors.New("somebody else")),
		"outage":   apierrors.NewInternalError(errors.New("etcd is away")),
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			fail := false
			s.wrapClient = func(c client.Client) client.Client {
				return failingStatus(c, func(status *v1alpha1.InstanceStatus) error {
					if fail && status.Apply != nil {
						return failure
					}
					return nil
				})
			}
			s.restart()
			s.instance("line", incoming(true))
			fail = true
			s.forward(10 * time.Minute)
			s.Expect(s.sets()).To(BeEmpty())
			fail = false
			s.wake()
			s.settled("line", v1alpha1.ReasonSucceeded)
			s.Expect(s.sets()).To(HaveLen(1))
		})
	}
}

// TestR10AnOutcomeThatCannotBeStoredIsNotForgotten: the API server is away right after the call.
func TestR10AnOutcomeThatCannotBeStoredIsNotForgotten(t *testing.T) {
	s := newStory(t)
	fail := true
	s.wrapClient = func(c client.Client) client.Client {
		return failingStatus(c, func(status *v1alpha1.InstanceStatus) error {
			if fail && status.Apply != nil && status.Apply.Outcome != v1alpha1.OutcomePending {
				return apierrors.NewInternalError(errors.New("etcd is away"))
			}
			return nil
		})
	}
	s.restart()
	s.instance("line", incoming(true))
	s.forward(2 * time.Minute)
	s.Expect(s.get("line").Status.Apply.Outcome).To(Equal(v1alpha1.OutcomePending))
	fail = false
	s.wake()
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.Expect(s.vendor.Restarts(instanceID)).To(Equal(1))
	s.Expect(s.get("line").Status.Restarts.Total).To(BeEquivalentTo(1))
}

// failingStatus is a client whose writes of status fail when a function says so.
func failingStatus(c client.Client, fails func(*v1alpha1.InstanceStatus) error) client.Client {
	watcher, ok := c.(client.WithWatch)
	if !ok {
		watcher = withoutWatch{c}
	}
	return interceptor.NewClient(watcher, interceptor.Funcs{
		SubResourceUpdate: func(ctx context.Context, inner client.Client, sub string, object client.Object, opts ...client.SubResourceUpdateOption) error {
			if instance, ok := object.(v1alpha1.Instance); ok {
				if err := fails(instance.InstanceStatus()); err != nil {
					return err
				}
			}
			return inner.SubResource(sub).Update(ctx, object, opts...)
		},
	})
}

// losingAnswers is a client whose writes of a status are stored, while the answer to them is lost now and then.
func losingAnswers(c client.Client, lost func(*v1alpha1.InstanceStatus) bool) client.Client {
	return interceptor.NewClient(withoutWatch{c}, interceptor.Funcs{
		SubResourceUpdate: func(ctx context.Context, inner client.Client, sub string, object client.Object, opts ...client.SubResourceUpdateOption) error {
			instance, ok := object.(v1alpha1.Instance)
			lose := ok && lost(instance.InstanceStatus())
			err := inner.SubResource(sub).Update(ctx, object, opts...)
			if err == nil && lose {
				return context.DeadlineExceeded
			}
			return err
		},
	})
}

func TestR11AnAnswerThatIsLost(t *testing.T) {
	t.Run("after the effect", func(t *testing.T) {
		s := newStory(t)
		s.lookSeldom()
		s.instance("line", incoming(true))
		s.vendor.Fault(emulator.Fault{Method: "setSettings", Drop: true, AfterEffect: true})
		s.settled("line", v1alpha1.ReasonSucceeded)
		s.forward(24 * time.Hour)
		s.Expect(s.vendor.Restarts(instanceID)).To(Equal(1))
	})
	t.Run("before the effect", func(t *testing.T) {
		s := newStory(t)
		s.lookSeldom()
		s.instance("line", incoming(true))
		s.vendor.Fault(emulator.Fault{Method: "setSettings", Drop: true})
		s.settled("line", v1alpha1.ReasonSucceeded)
		s.forward(24 * time.Hour)
		s.Expect(s.sets()).To(HaveLen(2), "repeated once, after the settle time")
		s.Expect(s.vendor.Restarts(instanceID)).To(Equal(1))
	})
	t.Run("a second time in a row", func(t *testing.T) {
		s := newStory(t)
		s.lookSeldom()
		s.instance("line", incoming(true))
		s.vendor.Fault(emulator.Fault{Method: "setSettings", Drop: true, Times: -1})
		s.forward(24 * time.Hour)
		s.Expect(s.sets()).To(HaveLen(3), "three attempts in all")
		s.Expect(s.condition("line", v1alpha1.StalledCondition).Reason).To(Equal(v1alpha1.ReasonSettingsNotPersisted))
	})
}

func TestR11ACallThatTookNoEffectIsNoAttempt(t *testing.T) {
	s := newStory(t)
	s.lookSeldom()
	s.instance("line", incoming(true))
	s.vendor.Fault(emulator.Fault{Method: "setSettings", Status: 429, Times: 5})
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.Expect(s.sets()).To(HaveLen(6))
	s.Expect(s.vendor.Restarts(instanceID)).To(Equal(1))
	s.Expect(s.get("line").Status.Apply.Attempt).To(BeEquivalentTo(1))
}

// TestR10AResourceThatIsCreatedAnewWhileAWriteSettles: deleting and creating is no reason for a second restart.
func TestR10AResourceThatIsCreatedAnewWhileAWriteSettles(t *testing.T) {
	s := newStory(t)
	s.lookSeldom()
	s.instance("line", incoming(true))
	s.vendor.Update(instanceID, func(in *emulator.Instance) { in.Behavior.ApplyDelay = 3 * time.Minute })
	s.pass("line")
	s.Expect(s.sets()).To(HaveLen(1))
	s.remove("line")
	s.instance("line", incoming(true))
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.forward(time.Hour)
	s.Expect(s.vendor.Restarts(instanceID)).To(Equal(1))
}

// TestTwoReplicasWithTheSameView: both decided to write; the precondition lets one of them.
func TestR10TwoReplicasWithTheSameView(t *testing.T) {
	s := newStory(t)
	s.lookSeldom()
	s.instance("line", incoming(true))
	first := s.operators
	s.restart()
	second := s.operators
	for range 10 {
		for _, s.operators = range [][]*controllers.Reconciler{first, second} {
			s.pass("line")
		}
		s.clock.SetTime(s.clock.Now().Add(5 * time.Second))
	}
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.forward(time.Hour)
	s.Expect(s.vendor.Restarts(instanceID)).To(Equal(1))
}

// withoutWatch makes a client one that can watch, for the interceptor's sake: the operator never watches by it.
type withoutWatch struct{ client.Client }

// Watch is never called.
func (withoutWatch) Watch(context.Context, client.ObjectList, ...client.ListOption) (watch.Interface, error) {
	return nil, errors.ErrUnsupported
}
