// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// lines are instances of one namespace whose settings are all changed at once.
type lines struct {
	*story
	names []string
	// most is how many were seen to restart at once.
	most int
}

// newLines makes so many authorized lines that are in order, with a bound for restarts.
func newLines(t *testing.T, size int, bound intstr.IntOrString) *lines {
	t.Helper()
	l := &lines{story: newStory(t)}
	l.options.MaxConcurrentRestarts = bound
	l.restart()
	const token = "t0ken-of-lines-abcdefghij"
	l.secret("token", map[string]string{"apiTokenInstance": token})
	for i := range size {
		l.vendor.Add(emulator.Instance{ID: instanceID + int64(i), Token: token, Messenger: emulator.WhatsApp})
		resource := &v1alpha1.WhatsAppInstance{ObjectMeta: metav1.ObjectMeta{Namespace: l.ns, Name: fmt.Sprintf("line-%02d", i)}}
		resource.Spec.IDInstance, resource.Spec.APITokenSecretRef.Name = instanceID+int64(i), "token"
		l.names = append(l.names, resource.Name)
		l.Expect(admin.Create(l.ctx, resource)).To(Succeed())
		l.await(resource)
		l.pass(resource.Name)
	}
	return l
}

// changeAll changes all at once.
func (l *lines) changeAll() {
	for _, name := range l.names {
		l.edit(name, incoming(true))
	}
}

// restarting counts the instances that restart, by the word of the vendor and by the records of the resources.
func (l *lines) restarting() int { n, _ := l.progress(); return n }

// progress is how many restart, and how many are done.
func (l *lines) progress() (restarting, done int) {
	list := &v1alpha1.WhatsAppInstanceList{}
	l.Expect(l.live.List(l.ctx, list, client.InNamespace(l.ns))).To(Succeed())
	for i := range list.Items {
		resource := &list.Items[i]
		in, _ := l.vendor.Get(resource.Spec.IDInstance)
		if in.State == emulator.StateStarting || resource.Status.Apply.Active() {
			restarting++
		}
		if l.inOrder(resource) {
			done++
		}
	}
	l.most = max(l.most, restarting)
	return restarting, done
}

// followThrough lets time pass until all are done, and watches that never more than so many restart at once.
func (l *lines) followThrough(most int) {
	l.t.Helper()
	l.followUntil(most, func(_, done int) bool { return done == len(l.names) })
}

func (l *lines) followUntil(most int, holds func(restarting, done int) bool) {
	l.t.Helper()
	l.Expect(l.until(4*time.Hour, func() bool {
		restarting, done := l.progress()
		l.Expect(restarting).To(BeNumerically("<=", most))
		return holds(restarting, done)
	})).To(BeTrue(), "it comes to that in the end")
}

func (l *lines) inOrder(resource *v1alpha1.WhatsAppInstance) bool {
	for _, condition := range resource.Status.Conditions {
		if condition.Type == v1alpha1.ReadyCondition {
			return condition.Status == metav1.ConditionTrue && resource.Status.ObservedGeneration == resource.Generation
		}
	}
	return false
}

func (l *lines) expectOneRestartEach() {
	l.t.Helper()
	for _, name := range l.names {
		l.Expect(l.restarts(name)).To(Equal(1), "restarts of %s", name)
	}
	l.Expect(l.failures).To(BeEmpty())
}

func TestR28NoMoreRestartAtOnceThanAllowed(t *testing.T) {
	l := newLines(t, 10, intstr.FromInt32(3))
	l.lookSeldom()
	l.forward(time.Minute)
	l.changeAll()
	l.forward(5 * time.Second)
	l.Expect(l.restarting()).To(Equal(3))
	waits := map[string]int{}
	for _, name := range l.names {
		if synced := l.condition(name, v1alpha1.SyncedCondition); synced.Reason == v1alpha1.ReasonApplyPending {
			waits[synced.Message]++
			l.Expect(l.condition(name, v1alpha1.ReconcilingCondition).Status).To(Equal(metav1.ConditionTrue))
			l.Expect(l.condition(name, v1alpha1.StalledCondition).Status).To(BeEmpty())
		}
	}
	const wait = "These settings differ and wait for other instances to restart first (--max-concurrent-restarts); "
	l.Expect(waits).To(Equal(map[string]int{
		wait + "it is the next one: incomingWebhook":          1,
		wait + "one is ahead of it: incomingWebhook":          1,
		wait + "2 are ahead of it: incomingWebhook":           1,
		wait + "more than 2 are ahead of it: incomingWebhook": 2,
		wait + "5 are ahead of it: incomingWebhook":           1,
		wait + "more than 5 are ahead of it: incomingWebhook": 1,
	}))
	began := l.clock.Now()
	l.followThrough(3)
	l.Expect(l.clock.Since(began)).To(BeNumerically("<", 10*time.Minute), "who is next is woken, and does not find out at its next look")
	l.expectOneRestartEach()
}

// TestR28TheBoundOfRestartsSurvivesTheProcess: a new process counts what the old one began, whether it was killed before or
// after the vendor's answer.
func TestR28TheBoundOfRestartsSurvivesTheProcess(t *testing.T) {
	l := newLines(t, 8, intstr.FromInt32(2))
	l.changeAll()
	for range 4 {
		l.followUntil(2, func(restarting, _ int) bool { return restarting == 2 })
		l.restart()
	}
	l.followThrough(2)
	l.expectOneRestartEach()
}

// TestR28APercentageOfRestarts: it is of all resources, and ten at the least.
func TestR28APercentageOfRestarts(t *testing.T) {
	for bound, most := range map[string]int{"60%": 12, "25%": 10} {
		t.Run(bound, func(t *testing.T) {
			l := newLines(t, 20, intstr.FromString(bound))
			l.changeAll()
			l.followThrough(most)
			l.Expect(l.most).To(Equal(most))
			l.expectOneRestartEach()
		})
	}
}

// TestR28WhoIsNotAuthorizedNeitherWaitsNorCounts: nobody is interrupted there.
func TestR28WhoIsNotAuthorizedNeitherWaitsNorCounts(t *testing.T) {
	l := newLines(t, 6, intstr.FromInt32(1))
	for i := range 4 {
		l.vendor.SetState(instanceID+int64(i), "notAuthorized")
	}
	l.changeAll()
	l.forward(5 * time.Second)
	for i := range 4 {
		l.Expect(l.vendor.Restarts(instanceID + int64(i))).To(Equal(1))
	}
	l.Expect(l.vendor.Restarts(instanceID+4) + l.vendor.Restarts(instanceID+5)).To(Equal(1))
	l.followThrough(5)
	l.expectOneRestartEach()
}

// TestR28TurnsAreNotKeptByWhoDoesNotNeedThem: whoever was waiting and takes the change back, pauses or is deleted holds up
// nobody.
func TestR28TurnsAreNotKeptByWhoDoesNotNeedThem(t *testing.T) {
	l := newLines(t, 5, intstr.FromInt32(1))
	l.changeAll()
	l.forward(5 * time.Second)
	l.Expect(l.restarting()).To(Equal(1))
	waiting := slices.DeleteFunc(slices.Clone(l.names), func(name string) bool { return l.status(name).Apply.Active() })
	place := func(name string) int {
		return slices.IndexFunc([]string{"next one", "; one is", "; 2 are", "more than 2"}, func(text string) bool {
			return strings.Contains(l.condition(name, v1alpha1.SyncedCondition).Message, text)
		})
	}
	slices.SortFunc(waiting, func(a, b string) int { return place(a) - place(b) })
	l.edit(waiting[0], func(r *v1alpha1.WhatsAppInstance) { r.Spec.Settings = nil })
	l.edit(waiting[1], func(r *v1alpha1.WhatsAppInstance) { r.Spec.Paused = true })
	l.remove(waiting[2])
	restarts := func() (list []int) {
		for _, name := range waiting {
			list = append(list, l.restarts(name))
		}
		return list
	}
	l.Expect(l.until(3*time.Minute, func() bool { return restarts()[3] == 1 })).To(BeTrue(), "it is next, though three were before it")
	l.forward(time.Hour)
	l.Expect(restarts()).To(Equal([]int{0, 0, 0, 1}))
}

// TestR28RebootsWaitForTheirTurn: a fleet that is asked to reboot does not reboot at once.
func TestR28RebootsWaitForTheirTurn(t *testing.T) {
	l := newLines(t, 4, intstr.FromInt32(1))
	for _, name := range l.names {
		l.edit(name, askForReboot)
	}
	l.forward(5 * time.Second)
	l.Expect(l.restarting()).To(Equal(1))
	var waits []string
	for _, name := range l.names {
		if l.status(name).LastHandledRebootAt == "" {
			waits = append(waits, l.condition(name, v1alpha1.ReconcilingCondition).Message)
		}
	}
	const wait = "The reboot waits for other instances to restart first (--max-concurrent-restarts); "
	l.Expect(waits).To(ConsistOf(wait+"it is the next one", wait+"one is ahead of it", wait+"2 are ahead of it"))
	l.Expect(l.until(time.Hour, func() bool {
		l.Expect(l.restarting()).To(BeNumerically("<=", 1))
		for _, name := range l.names {
			if l.status(name).LastHandledRebootAt == "" {
				return false
			}
		}
		return true
	})).To(BeTrue())
	l.followThrough(1)
	l.expectOneRestartEach()
}
