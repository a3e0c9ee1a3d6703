// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
	"github.com/greenapi-operator/greenapi-operator/internal/schedule"
	"github.com/greenapi-operator/greenapi-operator/internal/states"
)

// due says which methods are to be read now (R1).
func (r *Reconciler) due(p *pass) schedule.Looks {
	m := p.memory
	p.asked = p.asksForALook()
	granted, waits := r.slotState(p)
	wanted := schedule.Wanted{
		Version:  p.generation(),
		Asked:    p.asked || p.reboot.wanted() && !waits && m.failedCalls.rest(greenapi.MethodReboot, p.now) == 0,
		Granted:  granted,
		Statuses: p.instance.Statuses() != nil,
	}
	if !m.schedule.Planned() {
		// What waits for a window has its own time to be looked at.
		known := inOrder(&p.stored, p.generation()) && plan.Seen(instance.History(&p.stored), p.desired) && p.stored.NextWindowTime == nil
		m.schedule.Plan(p.now, wanted, known, r.intervals(p, false))
	}
	if p.asked {
		m.schedule.Lift()
	}
	due := m.schedule.Due(p.now, wanted)
	permitted := m.schedule.Permitted(p.now, schedule.Everything)
	if !permitted.Settings {
		p.settingsErr = m.settingsLimited
	}
	if !permitted.Account {
		p.accountErr = m.accountLimited
	}
	p.answers = p.polled.answersFor(p)
	for _, method := range r.methods(due) {
		if p.answers[method] == nil {
			// More is to be read than the poller did, so all of it is read.
			p.answers = nil
		}
	}
	return due
}

// intervals are those between the looks at a resource. One that waits for something is looked at in the operator's own
// intervals where its spec wants no looks.
func (r *Reconciler) intervals(p *pass, waits bool) schedule.Intervals {
	every := schedule.Intervals{State: r.stateInterval(p.core()), Settings: r.settingsInterval(p.core())}
	if waits {
		every.State, every.Settings = r.waitingStateInterval(p.core()), r.waitingSettingsInterval(p.core())
	}
	if statuses := p.instance.Statuses(); statuses != nil {
		every.Statuses = statuses.IntervalOrDefault()
	}
	if until := p.stored.SuspendedUntil; until != nil {
		every.SuspendedUntil = until.Time
	}
	return every
}

// planNext sets the times of the next looks.
func (r *Reconciler) planNext(p *pass) {
	m, d := p.memory, p.decision
	if d != nil {
		m.parked = d.Held.Long()
	}
	waits := p.waits() || d != nil && d.LookAgain > 0 && !m.parked
	if p.looked.State {
		m.waits = waits
	}
	m.schedule.Looked(p.now, p.looked, r.intervals(p, waits))
	m.schedule.Soon(p.now, p.reboot.LookAgain, false)
	m.schedule.Soon(p.now, p.rotation.lookAgain, false)
	if d == nil {
		return
	}
	// While a write waits for the instance to start, the state alone says when it has.
	m.awaitStart = d.Synced == v1alpha1.ReasonInstanceStarting && !d.History.Record.Active()
	look := d.LookAgain
	if p.tokenHold != nil && p.tokenGrace > 0 {
		look = p.tokenGrace
	}
	if m.parked {
		m.schedule.Park(p.now, look)
		return
	}
	m.schedule.Park(p.now, 0)
	m.schedule.Soon(p.now, look, !m.awaitStart)
}

// waits reports whether the pass is to be followed by another one soon, whatever was decided about settings.
func (p *pass) waits() bool {
	return p.end != nil || p.reboot.LookAgain > 0 || p.rotation.lookAgain > 0 || p.state == states.Starting && p.looked.State
}

// next says when to look again. Polls of what is in order yield to pending work.
func (r *Reconciler) next(p *pass) reconcile.Result {
	wait := p.memory.schedule.Next(r.Clock.Now())
	switch end := p.end.(type) {
	case *paused, *unclaimed:
		// Who waits for a claim is woken by it.
		return reconcile.Result{}
	case *waiting:
		wait = end.after
	case *creating:
		wait = end.after
	case *retrying:
		wait = end.after
	case *stalled:
		if p.vendor == nil {
			wait = schedule.Jitter(r.waitingSettingsInterval(p.core()))
			if end.noPolling {
				wait = 0
			}
		}
	}
	if r.watch(p) {
		return reconcile.Result{}
	}
	result := reconcile.Result{RequeueAfter: wait, Priority: &normalPriority}
	if inOrder(&p.stored, p.generation()) {
		result.Priority = &pollPriority
	}
	return result
}

func (r *Reconciler) stateInterval(core *v1alpha1.InstanceSpec) time.Duration {
	return intervalOr(core.StateInterval, r.Options.StateInterval)
}

func (r *Reconciler) settingsInterval(core *v1alpha1.InstanceSpec) time.Duration {
	return intervalOr(core.SettingsInterval, r.Options.SettingsInterval)
}

// waitingStateInterval is the state interval of a resource that waits for something: an interval of 0 does not hold
// then.
func (r *Reconciler) waitingStateInterval(core *v1alpha1.InstanceSpec) time.Duration {
	if interval := r.stateInterval(core); interval > 0 {
		return interval
	}
	return r.Options.StateInterval
}

func (r *Reconciler) waitingSettingsInterval(core *v1alpha1.InstanceSpec) time.Duration {
	if interval := r.settingsInterval(core); interval > 0 {
		return interval
	}
	return r.Options.SettingsInterval
}

func intervalOr(wanted *metav1.Duration, otherwise time.Duration) time.Duration {
	if wanted == nil {
		return otherwise
	}
	return wanted.Duration
}
