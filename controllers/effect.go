// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"

	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
	"github.com/greenapi-operator/greenapi-operator/internal/schedule"
)

// effect is a call that changes something at the vendor. There is one way in which any of them is made: what may hold it is
// asked, the intent is stored, the call is made, and its outcome is noted (R10, R25).
type effect struct {
	// method is the vendor's.
	method string
	// reboot: it is a reboot, whose end shows in the state alone.
	reboot bool
	// attempt counts the calls of one series from 1; 0 is for a call that the line's fleet does not hold.
	attempt int32
	// calm: nothing says that it restarts the instance, so it takes no turn.
	calm bool
	// asked: a person asks, so that a wait after failures is cut short.
	asked bool
	// hold takes the call back until it may be made.
	hold func(plan.Hold)
	// intend stores the intent.
	intend func(ctx context.Context) error
	// call makes the call, and conclude notes what became of it.
	call     func(ctx context.Context, permit greenapi.Permit) error
	conclude func(ctx context.Context, err error)
}

// gate is something that may hold a call.
type gate func(ctx context.Context, p *pass, e effect) (plan.Hold, error)

// gates are those beside the ones of package plan, in the order in which they are asked. The last one reserves the call, so it is
// the last.
func (r *Reconciler) gates() []gate {
	return []gate{r.rebootGate, r.failureGate, r.allowanceGate, r.slotGate, r.stopGate, r.limitGate}
}

// rebootGate holds settings where a reboot was decided on, unless that waits after failed calls: they follow once the instance has
// started (R20).
func (r *Reconciler) rebootGate(_ context.Context, p *pass, e effect) (plan.Hold, error) {
	if e.reboot || p.reboot.Reason == "" || p.memory.failedCalls.rest(greenapi.MethodReboot, p.now) > 0 {
		return plan.Hold{}, nil
	}
	return plan.Hold{By: plan.HeldByReboot, For: r.Options.Limits.SettlePoll}, nil
}

// failureGate holds a call after failed ones of the same method.
func (*Reconciler) failureGate(_ context.Context, p *pass, e effect) (plan.Hold, error) {
	if e.asked {
		return plan.Hold{}, nil
	}
	return plan.HoldFor(plan.HeldByFailures, p.memory.failedCalls.rest(e.method, p.now)), nil
}

// allowanceGate holds a setSettings until the line's fleet has an allowance for it (R33, R34).
func (r *Reconciler) allowanceGate(ctx context.Context, p *pass, e effect) (plan.Hold, error) {
	if e.attempt == 0 {
		return plan.Hold{}, nil
	}
	return r.askFleet(ctx, p, e.attempt == 1)
}

// slotGate holds a call until the instance may restart (R28).
func (r *Reconciler) slotGate(ctx context.Context, p *pass, e effect) (plan.Hold, error) {
	if e.calm {
		return plan.Hold{}, nil
	}
	if ok, err := r.acquireSlot(ctx, p); !ok {
		return plan.Hold{By: plan.HeldByTurn, For: r.Options.SettingsInterval}, err
	}
	return plan.Hold{}, nil
}

// stopGate holds a call while the process ends.
func (*Reconciler) stopGate(ctx context.Context, _ *pass, _ effect) (plan.Hold, error) {
	select {
	case <-ctx.Done():
		return plan.Hold{By: plan.HeldByStop, For: schedule.CallSpacing}, nil
	default:
		return plan.Hold{}, nil
	}
}

// limitGate holds a call to the vendor's limit (R3).
func (r *Reconciler) limitGate(_ context.Context, p *pass, e effect) (plan.Hold, error) {
	return plan.HoldFor(plan.HeldBySpacing, r.limiter.Take(p.now, p.id, r.Options.CallTimeout, e.method)), nil
}

// carryOut makes a call that was decided on, or holds it.
func (r *Reconciler) carryOut(ctx context.Context, p *pass, e effect) error {
	for _, asks := range r.gates() {
		if hold, err := asks(ctx, p, e); hold.By != "" || err != nil {
			if p.memory.failedCalls.rest(e.method, p.now) > 0 {
				p.failing = append(p.failing, e.method)
			}
			e.hold(hold)
			return err
		}
	}
	defer func() { r.limiter.Done(r.Clock.Now(), p.id, e.method) }()
	// From here on nothing but the deadline stops this: a rollout must not leave an intent behind.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.Options.CallTimeout+saveTimeout)
	defer cancel()
	permit := greenapi.NewPermit(r.Options.Limits.CallWindow)
	if err := e.intend(ctx); err != nil {
		return err
	}
	if !e.calm {
		r.startRestart(p, e.reboot)
	}
	r.limiter.Reserve(p.now, 1)
	begun := r.Clock.Now()
	err := e.call(ctx, permit)
	r.logCall(ctx, e.method, begun, err)
	r.timed(p, begun)
	e.conclude(ctx, err)
	return nil
}
