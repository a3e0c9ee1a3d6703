// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"time"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
)

// Reading is what a decision about settings needs to know besides the resource itself.
type Reading struct {
	Now time.Time
	// State is the vendor's word for the state.
	State string
	// Desired is what the spec wants, the webhook token included if it is known.
	Desired plan.Desired
	// Observed is what the vendor shows of it.
	Observed plan.Observed
	// Hold says that the webhook token that the spec refers to is not known.
	Hold bool
}

// decisionInput is the part of a decision's input that follows from the resource, its status and a reading.
func decisionInput(instance v1alpha1.Instance, status *v1alpha1.InstanceStatus, seen Reading) plan.Input {
	stateSince := seen.Now
	if since := status.StateChangedTime; since != nil && status.StateInstance == seen.State {
		stateSince = since.Time
	}
	return plan.Input{
		Now: seen.Now, Generation: instance.GetGeneration(), Policy: instance.Core().Policy(),
		Desired: seen.Desired, Observed: seen.Observed, Hold: seen.Hold,
		State: seen.State, StateSince: stateSince,
		History: storedHistory(status), LastReboot: lastReboot(status),
	}
}

// concealPending takes the secrets out of the differences that a decision shows. The vendor may show anything anywhere,
// even a token for the host of a URL.
func concealPending(decision plan.Decision, conceal func(string) string) {
	for i, change := range decision.Pending {
		decision.Pending[i].Observed = conceal(change.Observed)
	}
}

// Preview is what an operator with default limits would decide about a resource with this reading, if it saw the same
// again a moment later, so that drift counts as seen twice. conceal takes secrets out of what the vendor shows. It changes neither the resource nor anything else.
func Preview(instance v1alpha1.Instance, seen Reading, conceal func(string) string) plan.Decision {
	status := instance.InstanceStatus()
	in := decisionInput(instance, status, seen)
	in.Limits = plan.DefaultLimits()
	in.Requested = newRequest(instance, v1alpha1.ReconcileRequestedAtAnnotation, status.LastHandledReconcileAt) != ""
	in.DriftSince = map[string]time.Time{}
	for _, setting := range seen.Desired.Settings {
		in.DriftSince[setting.Name] = seen.Now.Add(-2 * in.Limits.SettlePoll)
	}
	decision := plan.Decide(in)
	concealPending(decision, conceal)
	return decision
}
