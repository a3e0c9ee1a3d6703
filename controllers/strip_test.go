// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"strings"
	"testing"
	"unsafe"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/controllers"
	"github.com/greenapi-operator/greenapi-operator/internal/sharding"
)

// TestTheCacheKeepsWhatIsRead of a resource, and no more.
func TestTheCacheKeepsWhatIsRead(t *testing.T) {
	g := NewWithT(t)
	condition := metav1.Condition{Type: v1alpha1.ReadyCondition, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonSucceeded, Message: "All is well"}
	resource := &v1alpha1.MaxInstance{ObjectMeta: metav1.ObjectMeta{
		Namespace: "shop", Name: "line", UID: "one", ResourceVersion: "7", Generation: 3,
		CreationTimestamp: metav1.Unix(1, 0), DeletionTimestamp: new(metav1.Unix(2, 0)),
		Annotations: map[string]string{v1alpha1.RebootRequestedAtAnnotation: "now", v1alpha1.ReconcileRequestedAtAnnotation: ""},
	}}
	resource.Spec.IDInstance = 7
	resource.Status.Conditions = append(make([]metav1.Condition, 0, 8), condition)
	want := resource.DeepCopy()
	long := strings.Repeat("x", 100_000)
	resource.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kubectl"}}
	resource.Annotations[corev1.LastAppliedConfigAnnotation], resource.Annotations["of.example/note"] = "{}", long
	resource.Labels = map[string]string{"shard": "a"}
	resource.Finalizers, resource.GenerateName = []string{"of.example/tool"}, "line-"
	resource.OwnerReferences = []metav1.OwnerReference{{Name: "owner"}}
	kept, err := controllers.StripInstance(sharding.Ring{})(resource)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(kept).To(Equal(want))
	g.Expect(cap(resource.Status.Conditions)).To(Equal(1), "and no room for more conditions")

	other := resource.DeepCopy()
	other.Status.Conditions[0].Message = strings.Clone(condition.Message)
	other.Status.Conditions[0].Reason = strings.Clone(condition.Reason)
	other.Kind = strings.Clone("MaxInstance")
	resource.Kind = strings.Clone("MaxInstance")
	other.Namespace, other.Status.StateInstance, resource.Status.StateInstance = strings.Clone("shop"), strings.Clone("authorized"), strings.Clone("authorized")
	for _, one := range []any{other, resource} {
		_, err := controllers.StripInstance(sharding.Ring{})(one)
		g.Expect(err).NotTo(HaveOccurred())
	}
	for what, texts := range map[string][2]string{
		"kind":      {other.Kind, resource.Kind},
		"namespace": {other.Namespace, resource.Namespace},
		"state":     {other.Status.StateInstance, resource.Status.StateInstance},
		"reason":    {other.Status.Conditions[0].Reason, resource.Status.Conditions[0].Reason},
		"message":   {other.Status.Conditions[0].Message, resource.Status.Conditions[0].Message},
	} {
		g.Expect(unsafe.StringData(texts[0])).To(BeIdenticalTo(unsafe.StringData(texts[1])), "the %s is kept once", what)
	}

	shard := sharding.Ring{Name: "greenapi", Shard: "a"}
	labels := map[string]string{shard.ShardLabel(): "a", shard.DrainLabel(): ""}
	sharded := &v1alpha1.MaxInstance{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"of.example/team": "x", shard.ShardLabel(): "a", shard.DrainLabel(): ""}}}
	kept, err = controllers.StripInstance(shard)(sharded)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(kept).To(Equal(&v1alpha1.MaxInstance{ObjectMeta: metav1.ObjectMeta{Labels: labels}}), "what a ring reads is kept in a ring")

	requests := &v1alpha1.MaxInstance{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{v1alpha1.ReconcileRequestedAtAnnotation: long}}}
	_, err = controllers.StripInstance(sharding.Ring{})(requests)
	g.Expect(err).NotTo(HaveOccurred())
	once := requests.Annotations[v1alpha1.ReconcileRequestedAtAnnotation]
	g.Expect(once).To(HavePrefix("sha256:"), "a request that is too long is kept by its digest, as the status echoes it")
	_, err = controllers.StripInstance(sharding.Ring{})(requests)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(requests.Annotations).To(HaveKeyWithValue(v1alpha1.ReconcileRequestedAtAnnotation, once))

	applied := &v1alpha1.MaxInstance{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{corev1.LastAppliedConfigAnnotation: "{}"}}}
	kept, err = controllers.StripInstance(sharding.Ring{})(applied)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(kept).To(Equal(&v1alpha1.MaxInstance{}), "no empty map of annotations")

	none, err := controllers.StripInstance(sharding.Ring{})(&v1alpha1.MaxInstance{})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(none).To(Equal(&v1alpha1.MaxInstance{}), "without annotations and conditions")
	tombstone, err := controllers.StripInstance(sharding.Ring{})("a tombstone")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(tombstone).To(Equal("a tombstone"))
}
