// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/controllers"
)

// TestTheCacheKeepsWhatIsRead of a resource, and no more.
func TestTheCacheKeepsWhatIsRead(t *testing.T) {
	g := NewWithT(t)
	condition := metav1.Condition{Type: v1alpha1.ReadyCondition, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonSucceeded, Message: "All is well"}
	resource := &v1alpha1.MaxInstance{ObjectMeta: metav1.ObjectMeta{
		Name: "line", Labels: map[string]string{"shard": "a"},
		ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "kubectl"}},
		Annotations:   map[string]string{corev1.LastAppliedConfigAnnotation: "{}", v1alpha1.RebootRequestedAtAnnotation: "now"},
	}}
	resource.Spec.IDInstance = 7
	resource.Status.Conditions = []metav1.Condition{condition}
	want := resource.DeepCopy()
	want.ManagedFields = nil
	delete(want.Annotations, corev1.LastAppliedConfigAnnotation)
	kept, err := controllers.StripInstance(resource)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(kept).To(Equal(want))

	none, err := controllers.StripInstance(&v1alpha1.MaxInstance{})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(none).To(Equal(&v1alpha1.MaxInstance{}), "without annotations and conditions")
	other, err := controllers.StripInstance("a tombstone")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(other).To(Equal("a tombstone"))
}
