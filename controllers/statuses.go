// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
)

// readStatuses reads the statuses of contacts. Whatever comes of it, nothing else of the pass depends on it.
func (r *Reconciler) readStatuses(ctx context.Context, p *pass) {
	summary, err := p.vendor.IncomingStatuses(ctx, p.instance.Statuses().WindowOrDefault())
	p.looked.Statuses = true
	if err != nil {
		p.statusesErr = err
		return
	}
	p.statuses = &summary
}

// composeStatuses shows the summary and whether it could be read; what spec does not ask for leaves the status.
func (w statusWriter) composeStatuses(p *pass) {
	if p.instance.Statuses() == nil {
		w.IncomingStatuses = nil
		w.remove(v1alpha1.IncomingStatusesReadCondition)
		return
	}
	const condition = v1alpha1.IncomingStatusesReadCondition
	if w.find(condition) == nil {
		w.set(condition, metav1.ConditionUnknown, v1alpha1.ReasonNotObserved, "The statuses were not read yet")
	}
	if p.statuses != nil {
		w.IncomingStatuses = statusesSummary(p.statuses)
		w.set(condition, metav1.ConditionTrue, v1alpha1.ReasonSucceeded, "The statuses of contacts were read")
	}
	status, ok := errors.AsType[*greenapi.StatusError](p.statusesErr)
	switch {
	case p.statusesErr == nil:
	case ok && status.Cause == greenapi.CauseForbidden:
		w.IncomingStatuses = nil
		w.set(condition, metav1.ConditionFalse, v1alpha1.ReasonBetaNotEnabled,
			"The vendor has not opened this beta for the account. Ask its support to, or remove spec.incomingStatuses")
	case w.IncomingStatuses == nil && (!ok || status.Cause != greenapi.CauseRateLimited):
		w.set(condition, metav1.ConditionUnknown, v1alpha1.ReasonNotObserved, "The statuses could not be read: "+p.statusesErr.Error())
	}
}

func statusesSummary(summary *greenapi.StatusSummary) *v1alpha1.IncomingStatusesSummary {
	shown := &v1alpha1.IncomingStatusesSummary{Total: summary.Total}
	for _, kind := range slices.Sorted(maps.Keys(summary.ByType)) {
		shown.ByType = append(shown.ByType, v1alpha1.StatusTypeCount{Type: kind, Count: summary.ByType[kind]})
	}
	if summary.Latest != nil {
		at := metav1.NewTime(*summary.Latest).Rfc3339Copy()
		shown.LatestTime = &at
	}
	return shown
}
