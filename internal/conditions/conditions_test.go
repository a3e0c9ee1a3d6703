// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package conditions

import (
	"testing"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// TestR26ReconcilingAndStalledAreNeverThereTogether, and what stays as it is keeps its time.
func TestR26ReconcilingAndStalledAreNeverThereTogether(t *testing.T) {
	var list []metav1.Condition
	begun := time.Date(2026, 11, 3, 9, 0, 0, 0, time.UTC)
	write := func(hours int, abnormal string) {
		w := Writer{Conditions: &list, Generation: int64(hours), Now: begun.Add(time.Duration(hours) * time.Hour)}
		w.Ready(metav1.ConditionFalse, "Waits", "It waits", abnormal, "Because")
	}
	for hours, abnormal := range []string{v1alpha1.ReconcilingCondition, v1alpha1.StalledCondition, v1alpha1.StalledCondition, ""} {
		write(hours, abnormal)
		for _, condition := range []string{v1alpha1.ReconcilingCondition, v1alpha1.StalledCondition} {
			found := apimeta.FindStatusCondition(list, condition)
			if (found != nil) != (condition == abnormal) {
				t.Errorf("with %q: %s is %v", abnormal, condition, found)
			}
			if found != nil && (found.Reason != "Because" || found.ObservedGeneration != int64(hours)) {
				t.Errorf("with %q: %v", abnormal, found)
			}
		}
		if hours == 2 {
			if stalled := apimeta.FindStatusCondition(list, v1alpha1.StalledCondition); !stalled.LastTransitionTime.Time.Equal(begun.Add(time.Hour)) {
				t.Errorf("what stays got a new time: %v", stalled)
			}
		}
	}
	if ready := apimeta.FindStatusCondition(list, v1alpha1.ReadyCondition); ready == nil || !ready.LastTransitionTime.Time.Equal(begun) {
		t.Errorf("Ready is %v", ready)
	}
}
