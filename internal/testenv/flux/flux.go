// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package flux does to a test's control plane what Flux does, with Flux's own library. It is a package of its own since that library
// makes every program larger that has it.
package flux

import (
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/polling"
	"github.com/fluxcd/pkg/ssa"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// owner is the field manager of Flux's kustomize-controller.
const owner = "kustomize-controller"

// Apply does what kustomize-controller does with the manifests of a Kustomization at each reconcile. The clean-up beforehand is the
// one that its version 1.9 asks for, with its default flags.
func Apply(t *testing.T, admin client.Client, manifests ...*unstructured.Unstructured) {
	t.Helper()
	manager := ssa.NewResourceManager(admin, polling.NewStatusPoller(admin, admin.RESTMapper(), polling.Options{}), ssa.Owner{Field: owner, Group: "kustomize.toolkit.fluxcd.io"})
	options := ssa.DefaultApplyOptions()
	options.Cleanup = ssa.ApplyCleanupOptions{
		Annotations: []string{corev1.LastAppliedConfigAnnotation},
		FieldManagers: []ssa.FieldManager{
			{Name: "before-first-apply", OperationType: metav1.ManagedFieldsOperationUpdate},
			{Name: "kubectl", OperationType: metav1.ManagedFieldsOperationUpdate},
			{Name: "kubectl", OperationType: metav1.ManagedFieldsOperationApply},
			{Name: owner, OperationType: metav1.ManagedFieldsOperationUpdate},
		},
		Exclusions: map[string]string{"kustomize.toolkit.fluxcd.io/ssa": "Merge"},
	}
	copies := make([]*unstructured.Unstructured, 0, len(manifests))
	for _, manifest := range manifests {
		copies = append(copies, manifest.DeepCopy())
	}
	if _, err := manager.ApplyAllStaged(t.Context(), copies, options); err != nil {
		t.Fatal(err)
	}
}
