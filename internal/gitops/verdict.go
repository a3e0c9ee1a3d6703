// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package gitops

import (
	"fmt"
	"slices"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// Verdict is what the GitOps tools say of a resource.
type Verdict struct {
	// Argo is the word of Argo CD's health, by the health check of this project.
	Argo Health
	// Flux is the word of kstatus, by its library.
	Flux status.Status
}

// Judge asks both tools.
func Judge(healthScript string, obj *unstructured.Unstructured) (Verdict, error) {
	result, err := status.Compute(obj)
	if err != nil {
		return Verdict{}, fmt.Errorf("kstatus: %w", err)
	}
	health, err := CheckHealth(healthScript, obj)
	if err != nil {
		return Verdict{}, fmt.Errorf("health.lua: %w", err)
	}
	return Verdict{Argo: health, Flux: result.Status}, nil
}

// allowed are the words of Argo CD that may stand beside one of kstatus. Suspended is Argo CD's alone: to kstatus a
// pause is nothing, so it goes with any word but Failed, which a pause does not hide.
var allowed = map[status.Status][]string{
	status.CurrentStatus:     {Healthy, Suspended},
	status.InProgressStatus:  {Progressing, Suspended},
	status.FailedStatus:      {Degraded},
	status.TerminatingStatus: {Progressing},
}

// Fault says what is wrong with a verdict over a resource, "" if nothing is: the two tools must not contradict each other,
// and both have to say what the conditions say.
func (v Verdict) Fault(instance v1alpha1.Instance) string {
	if !slices.Contains(allowed[v.Flux], v.Argo.Status) {
		return fmt.Sprintf("kstatus says %s and Argo CD %s", v.Flux, v.Argo.Status)
	}
	of := instance.InstanceStatus()
	is := func(condition string) bool { return apimeta.IsStatusConditionTrue(of.Conditions, condition) }
	ready := apimeta.FindStatusCondition(of.Conditions, v1alpha1.ReadyCondition)
	compared := of.ObservedGeneration == instance.GetGeneration()
	want := Progressing
	switch {
	case instance.GetDeletionTimestamp() != nil || !compared:
	case is(v1alpha1.StalledCondition):
		want = Degraded
	case is(v1alpha1.PausedCondition):
		want = Suspended
	case is(v1alpha1.ReconcilingCondition):
	case ready != nil && ready.Status == metav1.ConditionTrue:
		want = Healthy
	}
	if v.Argo.Status != want {
		return fmt.Sprintf("Argo CD says %s, and by its conditions it is %s", v.Argo.Status, want)
	}
	if current := v.Flux == status.CurrentStatus; current != (want == Healthy) && want != Suspended {
		return fmt.Sprintf("kstatus says %s, and by its conditions it is %s", v.Flux, want)
	}
	return ""
}

// Unstructured returns a resource as a tool without this project's types gets it from the API server.
func Unstructured(instance v1alpha1.Instance, kind string) (*unstructured.Unstructured, error) {
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(instance)
	if err != nil {
		return nil, err
	}
	u := &unstructured.Unstructured{Object: object}
	u.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(kind))
	return u, nil
}
