// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package conditions writes the conditions that partner accounts and claims have in common, as kstatus reads them.
package conditions

import (
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// Writer sets conditions of one generation of a resource.
type Writer struct {
	Conditions *[]metav1.Condition
	Generation int64
	// Now is the time of what changes.
	Now time.Time
}

// Set sets one condition.
func (w Writer) Set(condition string, status metav1.ConditionStatus, reason, message string) {
	apimeta.SetStatusCondition(w.Conditions, metav1.Condition{Type: condition, Status: status, Reason: reason, Message: message,
		ObservedGeneration: w.Generation, LastTransitionTime: metav1.NewTime(w.Now)})
}

// Ready sets Ready, and what of Reconciling and Stalled is given as abnormal, with its own reason and the same message; the other goes, and
// both do where abnormal is "". They are never there together (R26). One that stays keeps its time.
func (w Writer) Ready(status metav1.ConditionStatus, reason, message, abnormal, abnormalReason string) {
	w.Set(v1alpha1.ReadyCondition, status, reason, message)
	for _, condition := range []string{v1alpha1.ReconcilingCondition, v1alpha1.StalledCondition} {
		if condition == abnormal {
			w.Set(condition, metav1.ConditionTrue, abnormalReason, message)
			continue
		}
		apimeta.RemoveStatusCondition(w.Conditions, condition)
	}
}
