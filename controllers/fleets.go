// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"time"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
	"github.com/greenapi-operator/greenapi-operator/internal/restarts"
	"github.com/greenapi-operator/greenapi-operator/internal/schedule"
	"github.com/greenapi-operator/greenapi-operator/internal/states"
)

// askFleet asks whether the line may restart as far as its fleet is concerned. If not, the resource is woken when it may.
func (r *Reconciler) askFleet(ctx context.Context, p *pass, first bool) (plan.Hold, error) {
	resource := r.resource(p.key)
	if !states.Of(p.state).Interrupts {
		r.fleets.Release(resource)
		return plan.Hold{}, nil
	}
	if err := r.fill(ctx, p.now); err != nil {
		return plan.Hold{}, err
	}
	now := r.Clock.Now()
	answer := r.fleets.Ask(restarts.Ask{Waiter: r.waiter(p), Fleet: r.fleetOf(p.instance), First: first, Past: p.apply.wanted()}, now)
	p.turn.fleet = &answer
	if answer.OK {
		return plan.Hold{}, nil
	}
	r.restarts.Forget(resource, now)
	if log, enabled := logAt(ctx, logDecisions); enabled {
		log.Info("Waiting for the fleet", "halted", answer.Standing.Halted, "ahead", answer.Ahead)
	}
	hold := plan.Hold{By: plan.HeldByAllowance, For: schedule.Jitter(fleetLook)}
	if answer.Standing.Halted {
		hold.By = plan.HeldByBrake
	}
	if !answer.Again.IsZero() {
		hold.For = min(max(answer.Again.Sub(now), schedule.CallSpacing), hold.For)
	}
	return hold, nil
}

// fleetLook is how often a line that its fleet holds asks again, if nobody wakes it.
const fleetLook = time.Hour

// fleetOf names the fleet of a resource.
func (r *Reconciler) fleetOf(resource v1alpha1.Instance) string {
	if value, ok := resource.GetLabels()[r.Options.FleetLabel]; ok && r.Options.FleetLabel != "" {
		return r.Options.FleetLabel + "=" + value
	}
	return resource.GetNamespace()
}

// lineOf is what the status of a resource says of its restarts, as its fleet counts them. How one ended is noted only of a line that
// was authorized (composeEnding); that it is under way, and when it began, counts of every line that it interrupts, as when it asks.
func (r *Reconciler) lineOf(resource v1alpha1.Instance) restarts.Line {
	status, line := resource.InstanceStatus(), restarts.Line{Fleet: r.fleetOf(resource)}
	if record := status.Apply; record != nil && states.Of(record.StateBefore).Interrupts {
		line.Started = record.StartedTime.Time
		if record.Active() {
			line.Until, line.First = line.Started.Add(r.restartTime()), record.Attempt <= 1
		}
	}
	if past := status.Rollout; past != nil {
		if past.LastSucceededTime != nil {
			line.Well = past.LastSucceededTime.Time
		}
		if past.LastFailedTime != nil {
			line.Badly, line.Why = past.LastFailedTime.Time, past.LastFailure
			if record := status.Apply; record != nil && record.Outcome == v1alpha1.OutcomeConfirmed && record.FinishedTime != nil {
				line.Lasted = max(line.Badly.Sub(record.FinishedTime.Truncate(time.Second)), 0)
			}
		}
	}
	return line
}
