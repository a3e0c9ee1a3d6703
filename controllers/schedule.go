// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"math/rand/v2"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
	"github.com/greenapi-operator/greenapi-operator/internal/states"
)

// The look after a suspension comes within these times after its end.
const afterSuspensionLeast, afterSuspensionMost = 5 * time.Second, 30 * time.Second

// due says which methods are to be read now (R1).
func (r *Reconciler) due(p *pass) looks {
	if !p.memory.planned {
		r.planFirst(p)
	}
	due := p.permitted(r.coreDue(p))
	due.statuses = p.instance.Statuses() != nil && !p.memory.statusesDue.After(p.now)
	return due
}

// permitted leaves out the methods that the vendor does not want to be called for a while.
func (p *pass) permitted(wanted looks) looks {
	m := p.memory
	if m.settingsLimit.limits(p.now) {
		wanted.settings, p.settingsErr = false, m.settingsLimit.err
	}
	if m.accountLimit.limits(p.now) {
		wanted.account, p.accountErr = false, m.accountLimit.err
	}
	return wanted
}

// full reports whether looks are at everything that may be read now.
func (p *pass) full(l looks) bool {
	return l.state && l.settings && (l.account || p.memory.accountLimit.limits(p.now))
}

// coreDue says which of the methods are to be read now that a decision depends on.
func (r *Reconciler) coreDue(p *pass) looks {
	m := p.memory
	granted, waits := r.slotState(p)
	if m.generation != p.generation() || p.newRequest() || p.rebootRequested() && !waits && m.rebootCalls.rest(p.now) == 0 {
		return everything
	}
	if p.now.Before(m.retryAt) {
		return looks{}
	}
	reached := func(at time.Time) bool { return !at.IsZero() && !at.After(p.now) }
	if granted {
		// Its turn to be written has come.
		return everything
	}
	if m.failing && (reached(m.retryAt) || reached(m.stateDue)) {
		return everything
	}
	if reached(m.fullDue) {
		return everything
	}
	due := looks{settings: reached(m.settingsDue), account: reached(m.accountDue)}
	due.state = due.any() || reached(m.stateDue)
	return due
}

// planFirst plans the first looks of this process at a resource. One that is in order has its state read at once and
// its settings within one interval, so that a restart of the operator does not read everything of everybody at once.
func (r *Reconciler) planFirst(p *pass) {
	m, generation := p.memory, p.generation()
	m.planned, m.stateDue = true, p.now
	if !inOrder(&p.stored, generation) || !plan.Seen(instance.History(&p.stored), p.desired) {
		m.readAll()
		return
	}
	m.generation, m.accountDue = generation, r.afterSuspension(p)
	if interval := r.settingsInterval(p.core()); interval > 0 {
		m.fullDue = p.now.Add(rand.N(interval))
	}
}

// planNext sets the times of the next looks.
func (r *Reconciler) planNext(p *pass) {
	m, d := p.memory, p.decision
	waits := p.end != nil || p.reboot.LookAgain > 0 || p.state == states.Starting && p.looked.state || d != nil && d.LookAgain > 0
	if p.looked.state {
		m.stateDue = r.after(p, r.stateInterval(p.core()), r.Options.StateInterval, waits)
	}
	if p.looked.settings {
		m.settingsDue = time.Time{}
	}
	if p.instance.Statuses() == nil {
		m.statusesDue = time.Time{}
	} else if p.looked.statuses {
		m.statusesDue = p.now.Add(jitter(p.instance.Statuses().IntervalOrDefault()))
	}
	if p.full(p.looked) {
		m.fullDue = r.after(p, r.settingsInterval(p.core()), r.Options.SettingsInterval, waits)
	}
	if p.looked.account {
		m.accountDue = r.afterSuspension(p)
	}
	if look := p.reboot.LookAgain; look > 0 {
		m.stateDue = earliest(m.stateDue, p.now.Add(look))
	}
	if d != nil {
		p.planPending()
	}
}

// planPending plans the look that a decision asks for: of the state alone while a write waits for the instance to start.
func (p *pass) planPending() {
	m, d := p.memory, p.decision
	m.awaitStart = d.Synced == v1alpha1.ReasonInstanceStarting && !d.History.Record.Active()
	look := d.LookAgain
	if p.tokenHold != nil && p.tokenGrace > 0 {
		look = p.tokenGrace
	}
	if look <= 0 {
		return
	}
	if at := p.now.Add(look); m.awaitStart {
		m.stateDue = earliest(m.stateDue, at)
	} else {
		m.settingsDue = earliest(m.settingsDue, at)
	}
}

// afterSuspension is when state and account are looked at once after a suspension's end (R8): a few seconds later, so that
// the vendor has ended it, and not with everybody else at once. It is never if no end lies in the future.
func (r *Reconciler) afterSuspension(p *pass) time.Time {
	until := p.stored.SuspendedUntil
	if until == nil || !until.After(p.now) {
		return time.Time{}
	}
	return until.Add(afterSuspensionLeast + rand.N(afterSuspensionMost-afterSuspensionLeast))
}

// after is when an interval from now is over, with jitter; zero for an interval of 0. A resource that waits for
// something is looked at in the operator's own interval then.
func (r *Reconciler) after(p *pass, interval, whileWaiting time.Duration, waits bool) time.Time {
	if interval == 0 {
		if !waits {
			return time.Time{}
		}
		interval = whileWaiting
	}
	return p.now.Add(jitter(interval))
}

// next says when to look again. Polls of what is in order yield to pending work.
func (r *Reconciler) next(p *pass) reconcile.Result {
	now := r.Clock.Now()
	wait := untilNext(p.memory, now)
	switch end := p.end.(type) {
	case *paused:
		return reconcile.Result{}
	case *waiting:
		wait = end.after
	case *retrying:
		wait = end.after
	case *stalled:
		if p.vendor == nil {
			wait = jitter(r.waitingSettingsInterval(p.core()))
			if end.noPolling {
				wait = 0
			}
		}
	}
	result := reconcile.Result{RequeueAfter: wait, Priority: &normalPriority}
	if inOrder(&p.stored, p.generation()) {
		result.Priority = &pollPriority
	}
	return result
}

// untilNext is the time until the next look is due; 0 if none is.
func untilNext(m *memory, now time.Time) time.Duration {
	at := earliest(earliest(earliest(m.stateDue, m.settingsDue), earliest(m.accountDue, m.fullDue)), m.statusesDue)
	if m.failing {
		at = earliest(at, m.retryAt)
	}
	if at.IsZero() {
		return 0
	}
	if at.Before(m.retryAt) {
		at = m.retryAt
	}
	return max(at.Sub(now), time.Millisecond)
}

// earliest returns the earlier of two times; a zero time is never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
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
