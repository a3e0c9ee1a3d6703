// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"math/rand/v2"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

const (
	// saveTimeout is how long the status of a pass may take to be stored.
	saveTimeout = 5 * time.Second
	// saveAttempts bounds how often a status is put onto a fresh copy in one pass. After that the process remembers the
	// outcome of a call, and the next pass finds out the rest again.
	saveAttempts = 5
	// The look after a suspension comes within these times after its end.
	afterSuspensionLeast, afterSuspensionMost = 5 * time.Second, 30 * time.Second
)

// report stores what the pass found, tells of it, and says when to look again. It is the only writer of status.
func (r *Reconciler) report(ctx context.Context, p *pass) (reconcile.Result, error) {
	r.remember(p)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTimeout)
	defer cancel()
	status := r.compose(p)
	switch err := r.store(ctx, p, status); {
	case apierrors.IsNotFound(err):
		return reconcile.Result{}, nil
	case err != nil:
		p.memory.readAll()
		return reconcile.Result{}, err
	}
	r.publish(p)
	r.planNext(p)
	return r.next(p), nil
}

// store writes the status if it says anything new. If somebody edited the resource during the pass, it is put onto a
// fresh copy: what was found holds for the generation that was looked at.
func (r *Reconciler) store(ctx context.Context, p *pass, status v1alpha1.InstanceStatus) error {
	if equality.Semantic.DeepEqual(status, p.stored) {
		return nil
	}
	err := r.save(ctx, p, status)
	for range saveAttempts {
		if !apierrors.IsConflict(err) {
			return err
		}
		fresh := r.Kind.New()
		if err := r.Live.Get(ctx, p.key, fresh); err != nil {
			return err
		}
		if fresh.GetUID() != p.instance.GetUID() || !equality.Semantic.DeepEqual(*fresh.InstanceStatus(), p.stored) {
			return err
		}
		p.instance = fresh
		err = r.save(ctx, p, status)
	}
	return err
}

// save writes the status with the resourceVersion of the pass as a precondition.
func (r *Reconciler) save(ctx context.Context, p *pass, status v1alpha1.InstanceStatus) error {
	object, ok := p.instance.DeepCopyObject().(v1alpha1.Instance)
	if !ok {
		panic("controllers: a copy of a resource is of another type")
	}
	*object.InstanceStatus() = status
	if err := r.Client.Status().Update(ctx, object); err != nil {
		return err
	}
	p.instance, p.stored = object, *object.InstanceStatus().DeepCopy()
	p.memory.version = object.GetResourceVersion()
	return nil
}

// remember notes in memory how the pass ended, for the next one.
func (r *Reconciler) remember(p *pass) {
	m := p.memory
	switch p.end.(type) {
	case *retrying, *stalled:
		m.failing = true
		if p.vendor == nil {
			// It failed before anything was read: once that is mended, everything is read at once.
			m.readAll()
		}
	}
	switch {
	case p.looked.state:
		m.failedSince = time.Time{}
	case m.failing && m.failedSince.IsZero():
		m.failedSince = p.now
	}
	if p.end == nil && p.decision != nil {
		m.failing = false
	}
}

// planNext sets the times of the next looks.
func (r *Reconciler) planNext(p *pass) {
	m, d := p.memory, p.decision
	waits := p.end != nil || p.reboot.LookAgain > 0 || p.state == stateStarting && p.looked.state || d != nil && d.LookAgain > 0
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
	if p.looked.core() == everything {
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
			if end.onlyEvents {
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
