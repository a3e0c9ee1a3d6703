// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// Field managers of the tools that keep resources as Git has them.
var (
	fluxManagers = []string{"kustomize-controller", "helm-controller"}
	argoManagers = []string{"argocd-controller", "argocd-application-controller"}
)

// argoTracking is the annotation by which Argo CD knows what belongs to an Application: APP:GROUP/KIND:NAMESPACE/NAME.
const argoTracking = "argocd.argoproj.io/tracking-id"

// argoLabel is the label by which Argo CD knows it where application.resourceTrackingMethod is label.
const argoLabel = "app.kubernetes.io/instance"

// undoing says who will undo a change of a field, "" if nobody is known to. Both tools leave alone what Git does not have,
// so it matters whether theirs is the value that is there now. path is that of the field: spec.paused, or an annotation.
func undoing(ctx context.Context, cluster client.Reader, instance v1alpha1.Instance, path ...string) string {
	for _, entry := range instance.GetManagedFields() {
		if slices.Contains(fluxManagers, entry.Manager) && entry.Subresource == "" && entry.FieldsV1 != nil && owns(entry.FieldsV1.GetRawBytes(), path) {
			return fmt.Sprintf("Flux (%s) sets %s from Git, and undoes this at its next reconcile", entry.Manager, path[len(path)-1])
		}
	}
	application, _, tracked := strings.Cut(instance.GetAnnotations()[argoTracking], ":")
	if !tracked {
		// The other way of Argo CD to know what is its own; the label alone is many tools'.
		application = instance.GetLabels()[argoLabel]
	}
	if !setByArgo(instance, path) && (!tracked || !inGitOfArgo(instance, path)) {
		return ""
	}
	subject := fmt.Sprintf("Argo CD (Application %s) sets %s from Git, and ", cmp.Or(application, "unknown"), path[len(path)-1])
	switch heals, known := selfHeals(ctx, cluster, application); {
	case !known:
		return subject + "undoes this at once if the Application has selfHeal, else at its next sync"
	case heals:
		return subject + "undoes this at once, since the Application has selfHeal"
	default:
		return subject + "undoes this at its next sync"
	}
}

// owns reports whether a set of fields holds a path.
func owns(fields []byte, path []string) bool {
	var tree map[string]json.RawMessage
	if json.Unmarshal(fields, &tree) != nil {
		return false
	}
	below, ok := tree["f:"+path[0]]
	return ok && (len(path) == 1 || owns(below, path[1:]))
}

// setByArgo reports whether a field is Argo CD's by its field manager.
func setByArgo(instance v1alpha1.Instance, path []string) bool {
	return slices.ContainsFunc(instance.GetManagedFields(), func(entry metav1.ManagedFieldsEntry) bool {
		return slices.Contains(argoManagers, entry.Manager) && entry.Subresource == "" && entry.FieldsV1 != nil && owns(entry.FieldsV1.GetRawBytes(), path)
	})
}

// inGitOfArgo reports whether what was applied last on the client's side has a field.
func inGitOfArgo(instance v1alpha1.Instance, path []string) bool {
	var applied map[string]any
	if json.Unmarshal([]byte(instance.GetAnnotations()[corev1.LastAppliedConfigAnnotation]), &applied) != nil {
		return false
	}
	_, found, err := unstructured.NestedFieldNoCopy(applied, path...)
	return found && err == nil
}

// selfHeals reports whether an Application corrects what is changed in the cluster. It is not known where it cannot be
// read, or where several have that name. Argo CD writes NAMESPACE_NAME for one outside its own namespace.
func selfHeals(ctx context.Context, cluster client.Reader, name string) (heals, known bool) {
	namespace := ""
	if before, after, ok := strings.Cut(name, "_"); ok {
		namespace, name = before, after
	}
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(schema.GroupVersionKind{Group: "argoproj.io", Version: "v1alpha1", Kind: "ApplicationList"})
	if cluster.List(ctx, list, client.InNamespace(namespace), client.MatchingFields{"metadata.name": name}) != nil || len(list.Items) != 1 {
		return false, false
	}
	heals, _, _ = unstructured.NestedBool(list.Items[0].Object, "spec", "syncPolicy", "automated", "selfHeal")
	return heals, true
}
