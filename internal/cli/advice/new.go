// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package advice

import (
	"slices"

	apimeta "k8s.io/apimachinery/pkg/api/meta"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

const (
	newHeadline = "Waiting: the instance may be new. The vendor refuses one for some minutes after it was made, so the operator asks again for ten minutes before it calls for you."
	newStep     = "Wait, if the instance was made just now: the operator asks again by itself"
)

// MayBeNew reports whether a refusal may be no more than the beginning of a new instance (R38): the vendor never accepted a token of the
// resource, and the operator asks again.
func MayBeNew(resource v1alpha1.Instance) bool {
	status := resource.InstanceStatus()
	ready := apimeta.FindStatusCondition(status.Conditions, v1alpha1.ReadyCondition)
	reconciling := apimeta.FindStatusCondition(status.Conditions, v1alpha1.ReconcilingCondition)
	return ready != nil && reconciling != nil && reconciling.Reason == v1alpha1.ReasonProgressingWithRetry &&
		slices.Contains([]string{v1alpha1.ReasonUnauthorized, v1alpha1.ReasonInstanceNotFound, v1alpha1.ReasonExpired}, ready.Reason) &&
		apimeta.FindStatusCondition(status.Conditions, v1alpha1.StalledCondition) == nil && !instance.AcceptedOnce(status)
}

// whenNotNew are the next steps where the instance is not new.
func whenNotNew(steps []string) []string {
	var list []string
	for _, step := range steps {
		list = append(list, "If it was made earlier: "+LowerFirst(step))
	}
	return list
}
