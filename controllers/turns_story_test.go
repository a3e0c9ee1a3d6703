// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"slices"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// look makes a pass that may call the vendor, which allows one call of a method a second.
func (l *lines) look(name string) {
	l.t.Helper()
	l.clock.SetTime(l.clock.Now().Add(2 * time.Second))
	l.pass(name)
}

var askForReboot = ask(v1alpha1.RebootRequestedAtAnnotation)

// oneAtWork lets one of the lines restart, by a change, and another want to, and returns both. The bound is 1.
func (l *lines) oneAtWork() (working, waits string) {
	l.t.Helper()
	working, waits = l.names[0], l.names[1]
	l.edit(working, incoming(true))
	l.look(working)
	l.Expect(l.restarts(working)).To(Equal(1))
	l.edit(waits, incoming(true))
	l.look(waits)
	l.Expect(l.condition(waits, v1alpha1.SyncedCondition).Reason).To(Equal(v1alpha1.ReasonApplyPending))
	return working, waits
}

// restarts are how often the vendor restarted a line's instance.
func (l *lines) restarts(name string) int {
	return l.vendor.Restarts(instanceID + int64(slices.Index(l.names, name)))
}

// TestR28ARebootInFlightCountsAfterTheProcess: its state was stored before the call, so that the status alone does not show it.
func TestR28ARebootInFlightCountsAfterTheProcess(t *testing.T) {
	l := newLines(t, 2, intstr.FromInt32(1))
	for _, name := range l.names {
		l.edit(name, askForReboot)
	}
	l.look(l.names[0])
	l.Expect(l.restarts(l.names[0])).To(Equal(1))
	l.restart()
	l.look(l.names[1])
	l.Expect(l.restarts(l.names[1])).To(BeZero(), "the other one restarts")
	l.followThrough(1)
	l.Expect(l.until(10*time.Minute, func() bool { return l.restarts(l.names[1]) == 1 })).To(BeTrue())
}

// TestR28ASlotSurvivesDeletionAndCreation: what a new resource of the same name does not know yet is no reason to let another
// instance restart.
func TestR28ASlotSurvivesDeletionAndCreation(t *testing.T) {
	l := newLines(t, 2, intstr.FromInt32(1))
	working, waits := l.oneAtWork()
	l.remove(working)
	again := &v1alpha1.WhatsAppInstance{ObjectMeta: metav1.ObjectMeta{Namespace: l.ns, Name: working}}
	again.Spec.IDInstance, again.Spec.APITokenSecretRef.Name = instanceID, "later"
	l.Expect(admin.Create(l.ctx, again)).To(Succeed())
	l.await(again)
	l.look(working)
	l.forward(30 * time.Second)
	l.Expect(l.restarts(waits)).To(BeZero())
	l.Expect(l.until(15*time.Minute, func() bool { return l.restarts(waits) == 1 })).To(BeTrue())
}

// TestR28ASlotThatRunsOutIsNoticed: whoever waits does not find out at its next look at the settings only.
func TestR28ASlotThatRunsOutIsNoticed(t *testing.T) {
	l := newLines(t, 2, intstr.FromInt32(1))
	l.options.SettingsInterval = 5 * time.Hour
	l.restart()
	working, waits := l.oneAtWork()
	l.remove(working)
	l.Expect(l.until(9*time.Minute, func() bool { return l.restarts(waits) == 1 })).To(BeTrue())
	l.Expect(l.restarting()).To(Equal(1))
}

// TestR28ATurnOfWhoPausesGoesToTheNext at once.
func TestR28ATurnOfWhoPausesGoesToTheNext(t *testing.T) {
	l := newLines(t, 3, intstr.FromInt32(1))
	working, granted := l.oneAtWork()
	next := l.names[2]
	l.edit(next, incoming(true))
	l.look(next)
	l.vendor.Fault(emulator.Fault{ID: instanceID + 1, Method: "getSettings", Status: 502, Times: -1})
	l.settled(working, v1alpha1.ReasonSucceeded)
	l.forward(time.Minute)
	l.Expect(l.restarts(next)).To(BeZero(), "the turn is kept for the one that cannot use it yet")
	l.edit(granted, func(r *v1alpha1.WhatsAppInstance) { r.Spec.Paused = true })
	l.look(granted)
	l.Expect(l.until(10*time.Second, func() bool { return l.restarts(next) == 1 })).To(BeTrue())
	l.Expect(l.restarts(granted)).To(BeZero())
}

// TestR28ARefusedCallKeepsNoSlot: nothing restarts by a call that the vendor refused to hear.
func TestR28ARefusedCallKeepsNoSlot(t *testing.T) {
	l := newLines(t, 2, intstr.FromInt32(1))
	l.vendor.Fault(emulator.Fault{Method: "setSettings", Status: 401, Times: 1})
	refused, next := l.names[0], l.names[1]
	l.edit(refused, incoming(true))
	l.look(refused)
	l.Expect(l.restarts(refused)).To(BeZero())
	l.Expect(l.ready(refused).Reason).To(Equal(v1alpha1.ReasonUnauthorized))
	l.Expect(l.condition(refused, v1alpha1.CredentialsValidCondition).Status).To(Equal(metav1.ConditionTrue), "readings are accepted")
	l.edit(next, incoming(true))
	l.look(next)
	l.Expect(l.restarts(next)).To(Equal(1))
}

// TestR28ARestartThatMovesInCounts: a shard counts the restarts that another one began before it gave the resource away.
func TestR28ARestartThatMovesInCounts(t *testing.T) {
	l := newLines(t, 3, intstr.FromInt32(1))
	first := l.operators
	l.restart()
	second := l.operators
	l.edit(l.names[2], incoming(true))
	l.look(l.names[2])
	l.followUntil(1, func(_, done int) bool { return done == len(l.names) })

	l.operators = first
	l.edit(l.names[0], incoming(true))
	l.look(l.names[0])
	l.Expect(l.restarts(l.names[0])).To(Equal(1))
	l.operators = second
	l.await(l.get(l.names[0]))
	l.look(l.names[0])
	l.edit(l.names[1], incoming(true))
	l.look(l.names[1])
	l.Expect(l.restarts(l.names[1])).To(BeZero())
	l.followThrough(1)
	l.expectOneRestartEach()
}

// TestR28WaitingIsCheap: a reboot that waits needs the state alone, also where settings wait with it.
func TestR28WaitingIsCheap(t *testing.T) {
	l := newLines(t, 3, intstr.FromInt32(1))
	l.vendor.Update(instanceID, func(in *emulator.Instance) { in.Behavior.NeverKept = []string{emulator.Everything} })
	_, _ = l.oneAtWork()
	both := l.names[2]
	l.edit(both, func(r *v1alpha1.WhatsAppInstance) {
		incoming(true)(r)
		askForReboot(r)
	})
	l.look(both)
	before := len(l.vendor.Calls(instanceID+2, ""))
	l.forward(5 * time.Minute)
	l.Expect(l.restarts(both)).To(BeZero())
	l.Expect(len(l.vendor.Calls(instanceID+2, "")) - before).To(BeNumerically("<=", 8))
}
