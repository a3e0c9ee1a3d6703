// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"strings"
	"time"

	. "github.com/onsi/gomega"
	eventsv1 "k8s.io/api/events/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/testenv"
)

const vendorURL = "https://7107.api.greenapi.com"

// craft makes a resource that nobody looks after, with a status that a test wants to see. at is a time after its birth.
func (d *desk) craft(name string, number int, change func(s *v1alpha1.InstanceStatus, at func(time.Duration) metav1.Time)) *v1alpha1.WhatsAppInstance {
	d.t.Helper()
	resource := d.line(name, number, func(i *v1alpha1.WhatsAppInstance) { i.Spec.APIURL = vendorURL })
	at := func(after time.Duration) metav1.Time { return metav1.NewTime(resource.CreationTimestamp.Add(after)) }
	s := &resource.Status
	s.ObservedGeneration, s.StateInstance, s.APIURL, s.Phone = resource.Generation, "authorized", vendorURL, "79001234567"
	s.StateChangedTime = new(at(10 * time.Second))
	set(s, at(10*time.Second), v1alpha1.CredentialsValidCondition, metav1.ConditionTrue, v1alpha1.ReasonTokenAccepted, "The vendor accepted the API token")
	set(s, at(10*time.Second), v1alpha1.AvailableCondition, metav1.ConditionTrue, v1alpha1.ReasonAuthorized, "The messenger's account is authorized")
	set(s, at(20*time.Second), v1alpha1.SyncedCondition, metav1.ConditionTrue, v1alpha1.ReasonUpToDate, "Every managed setting is in effect")
	set(s, at(20*time.Second), v1alpha1.ReadyCondition, metav1.ConditionTrue, v1alpha1.ReasonSucceeded, "The settings are as the spec wants them")
	if change != nil {
		change(s, at)
	}
	d.Expect(admin.Status().Update(d.ctx, resource)).To(Succeed())
	return resource
}

// set gives a status a condition.
func set(s *v1alpha1.InstanceStatus, at metav1.Time, condition string, status metav1.ConditionStatus, reason, message string) {
	apimeta.RemoveStatusCondition(&s.Conditions, condition)
	s.Conditions = append(s.Conditions, metav1.Condition{Type: condition, Status: status, Reason: reason, Message: message, ObservedGeneration: 1, LastTransitionTime: at})
}

// event tells of a resource, some time after its birth.
func (d *desk) event(about *v1alpha1.WhatsAppInstance, after time.Duration, reason, note string) {
	d.t.Helper()
	event := &eventsv1.Event{
		ObjectMeta: metav1.ObjectMeta{Namespace: d.ns, GenerateName: "event-"}, EventTime: metav1.NewMicroTime(about.CreationTimestamp.Add(after)),
		Reason: reason, Note: note, Type: "Normal", Action: "Observe", ReportingController: "greenapi-operator", ReportingInstance: "test",
	}
	event.Regarding.Kind, event.Regarding.APIVersion = "WhatsAppInstance", v1alpha1.GroupVersion.String()
	event.Regarding.Namespace, event.Regarding.Name, event.Regarding.UID = d.ns, about.Name, about.UID
	d.Expect(admin.Create(d.ctx, event)).To(Succeed())
}

// later is a clock that stands some time after the birth of a resource.
func later(about *v1alpha1.WhatsAppInstance, after time.Duration) *clocktesting.FakeClock {
	return clocktesting.NewFakeClock(about.CreationTimestamp.Add(after))
}

// named replaces the random name of the namespace by one of the same length.
func (d *desk) named(text string) string { return strings.ReplaceAll(text, d.ns, "desk-00000") }

// asUser makes the desk's person somebody with the given rights in the namespace, and with none elsewhere.
func (d *desk) asUser(name string, rules ...rbacv1.PolicyRule) {
	d.t.Helper()
	name += "-" + d.ns
	d.kubeconfig = testenv.KubeconfigOf(d.t, environment, name)
	if len(rules) == 0 {
		return
	}
	role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: d.ns, Name: name}, Rules: rules}
	binding := &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: d.ns, Name: name},
		RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: name}}}
	d.Expect(admin.Create(d.ctx, role)).To(Succeed())
	d.Expect(admin.Create(d.ctx, binding)).To(Succeed())
}

// viewer may look at instances, as the operator's role view lets people.
var viewer = rbacv1.PolicyRule{APIGroups: []string{v1alpha1.GroupVersion.Group}, Resources: []string{"*"}, Verbs: []string{"get", "list", "watch"}}
