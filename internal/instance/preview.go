// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package instance

import (
	"time"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/maintenance"
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
	// TokenUnknown says that the webhook token that the spec refers to is not known.
	TokenUnknown bool
}

// DecisionInput is the part of a decision's input that follows from the resource, its status and a reading.
func DecisionInput(resource v1alpha1.Instance, status *v1alpha1.InstanceStatus, seen Reading) plan.Input {
	stateSince := seen.Now
	if since := status.StateChangedTime; since != nil && status.StateInstance == seen.State {
		stateSince = since.Time
	}
	return plan.Input{
		Now: seen.Now, Generation: resource.GetGeneration(), Policy: resource.Core().Policy(),
		Desired: seen.Desired, Observed: seen.Observed, TokenUnknown: seen.TokenUnknown,
		State: seen.State, StateSince: stateSince,
		History: History(status), LastReboot: LastReboot(status), Window: window(resource, seen.Now),
	}
}

// window says when the maintenance windows of a resource let a restart begin (R30), or why that is not known.
func window(resource v1alpha1.Instance, now time.Time) plan.Window {
	spec := resource.Core().Maintenance
	if spec == nil {
		return plan.Window{}
	}
	calendar, err := maintenance.New(spec)
	if err != nil {
		return plan.Window{Problem: err.Error()}
	}
	w := plan.Window{Changes: spec.AppliesToSubject(v1alpha1.MaintenanceChanges), Corrections: spec.AppliesToSubject(v1alpha1.MaintenanceCorrections)}
	if opens := calendar.Next(now, Number(resource)); opens.After(now) {
		w.Opens = opens.In(calendar.Location())
	}
	return w
}

// ConcealPending takes the secrets out of the differences that a decision shows. The vendor may show anything anywhere,
// even a token for the host of a URL.
func ConcealPending(decision plan.Decision, conceal func(string) string) {
	for i, change := range decision.Pending {
		decision.Pending[i].Observed = conceal(change.Observed)
	}
}

// Preview is what an operator with default limits would decide about a resource with this reading, if it saw the same
// again a moment later, so that drift counts as seen twice. conceal takes secrets out of what the vendor shows.
func Preview(resource v1alpha1.Instance, seen Reading, conceal func(string) string) plan.Decision {
	status := resource.InstanceStatus()
	in := DecisionInput(resource, status, seen)
	in.Limits = plan.DefaultLimits()
	in.Requested = NewRequest(resource, v1alpha1.ReconcileRequestedAtAnnotation, status.LastHandledReconcileAt) != ""
	in.DriftSince = map[string]time.Time{}
	for _, setting := range seen.Desired.Settings {
		in.DriftSince[setting.Name] = seen.Now.Add(-2 * in.Limits.SettlePoll)
	}
	in.ApplyNow = NewRequest(resource, v1alpha1.ApplyRequestedAtAnnotation, status.LastHandledApplyAt) != ""
	decision := plan.Decide(in)
	ConcealPending(decision, conceal)
	return decision
}

// Observed picks the managed settings out of what the vendor shows.
func Observed(desired plan.Desired, settings greenapi.Settings) plan.Observed {
	picked := make(plan.Observed, len(desired.Settings))
	for _, s := range desired.Settings {
		if value, ok := settings[s.Name]; ok {
			picked[s.Name] = value
		}
	}
	return picked
}
