// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/keys"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
	"github.com/greenapi-operator/greenapi-operator/internal/schedule"
	"github.com/greenapi-operator/greenapi-operator/internal/states"
)

// observe reads what is due at the vendor. It changes nothing there.
func (r *Reconciler) observe(ctx context.Context, p *pass) error {
	m, due, before := p.memory, r.due(p), p.latestLook()
	if !due.Any() {
		return &waiting{after: m.schedule.Next(p.now)}
	}
	if err := r.enter(ctx, p, due); err != nil {
		return err
	}
	if m.schedule.Begun(p.now, due, p.generation()) {
		m.failedCalls.mended()
	}
	err := r.read(ctx, p, due)
	p.tried, m.lookedFor = true, p.openRequests()
	if err == nil && p.looked.State {
		err = r.follow(ctx, p)
	}
	if err != nil {
		return r.failed(ctx, p, err)
	}
	if !p.looked.State {
		return nil
	}
	r.readHistory(ctx, p, before)
	// Reading may take a minute, and an intent is as old as what it is decided from: a call leaves soon after it (R10).
	p.now = r.Clock.Now()
	m.refusedSince, m.accepted = time.Time{}, true
	m.schedule.Answered(p.now, p.looked, p.accountErr != nil)
	return nil
}

// enter asks the limits for the calls of this pass, and for a place at the origin. Answers that were handed over need neither.
func (r *Reconciler) enter(ctx context.Context, p *pass, due schedule.Looks) error {
	if p.answers != nil {
		return nil
	}
	if wait := r.admit(&p.memory.pollMemory, p.id, p.now, due); wait > 0 {
		return &waiting{after: wait}
	}
	if err := r.enterOrigin(ctx, p); err != nil {
		r.release(p.id, due)
		return err
	}
	p.memory.reserved = time.Time{}
	return nil
}

// admit asks the limits for calls (R3), and returns how long they have to wait.
func (r *Reconciler) admit(m *pollMemory, id keys.Instance, now time.Time, due schedule.Looks) time.Duration {
	if !m.reserved.IsZero() && m.reserved.After(now) {
		return m.reserved.Sub(now)
	}
	if wait := r.limiter.Take(now, id, r.readTimeout(m), r.methods(due)...); wait > 0 {
		return wait
	}
	if m.reserved.IsZero() {
		if m.reserved = r.limiter.Reserve(now, due.Count()); m.reserved.After(now) {
			r.release(id, due)
			return m.reserved.Sub(now)
		}
	}
	return 0
}

// release gives the calls back that are not made.
func (r *Reconciler) release(id keys.Instance, due schedule.Looks) {
	for _, method := range r.methods(due) {
		r.limiter.Release(id, method)
	}
}

func (r *Reconciler) methods(due schedule.Looks) []string {
	var methods []string
	if due.State {
		methods = append(methods, greenapi.MethodGetStateInstance)
	}
	if due.Settings {
		methods = append(methods, greenapi.MethodGetSettings)
	}
	if due.Account {
		methods = append(methods, r.Kind.AccountMethod)
	}
	if due.Statuses {
		methods = append(methods, greenapi.MethodGetIncomingStatuses)
	}
	return methods
}

// read makes the calls side by side (R4) and returns the error that says most.
func (r *Reconciler) read(ctx context.Context, p *pass, due schedule.Looks) error {
	var (
		toCall                         []func()
		account                        greenapi.Account
		stateErr, settingsErr, acctErr error
	)
	reading := &greenapi.Reading{Answers: p.answers}
	inTime, cancel := greenapi.WithTimeout(greenapi.WithReading(ctx, reading), r.readTimeout(&p.memory.pollMemory))
	defer cancel()
	call := func(wanted bool, method string, f func() error) {
		if !wanted {
			return
		}
		toCall = append(toCall, func() { r.readOnce(inTime, p.id, method, f) })
	}
	call(due.State, greenapi.MethodGetStateInstance, func() error { p.state, stateErr = p.vendor.State(inTime); return stateErr })
	call(due.Settings, greenapi.MethodGetSettings, func() error { p.settings, settingsErr = p.vendor.Settings(inTime); return settingsErr })
	call(due.Account, r.Kind.AccountMethod, func() error { account, acctErr = p.vendor.Account(inTime); return acctErr })
	call(due.Statuses, greenapi.MethodGetIncomingStatuses, func() error { r.readStatuses(inTime, p); return p.statusesErr })
	begun := r.Clock.Now()
	var took time.Duration
	r.announcing(ctx, p, func() {
		sideBySide(toCall)
		// How long a status takes to be written says nothing about the vendor.
		took = r.Clock.Since(begun)
		r.timed(p, begun)
	})
	for _, method := range r.methods(due) {
		if method != greenapi.MethodGetIncomingStatuses {
			*p.memory.digests.of(method) = reading.Digest(method)
		}
	}

	if due.State && stateErr == nil {
		p.looked.State = true
		p.memory.read(p.now)
	}
	if due.Settings {
		settingsErr = r.noteSettings(p, settingsErr)
	}
	if timedOut(stateErr, settingsErr, p.settingsErr, acctErr, p.statusesErr) {
		p.memory.timeouts++
	}
	if due.Account {
		p.noteAccount(&account, acctErr)
	}
	if err := gravest(stateErr, settingsErr); err != nil {
		return err
	}
	if due.Core().Any() && acctErr == nil {
		r.answered(&p.memory.pollMemory, took)
	}
	return nil
}

// readOnce makes one call that reads, whose place the limits have given already.
func (r *Reconciler) readOnce(ctx context.Context, id keys.Instance, method string, call func() error) {
	defer func() { r.limiter.Done(r.Clock.Now(), id, method) }()
	begun := r.Clock.Now()
	r.logCall(ctx, method, begun, call())
}

// noteSettings notes a reading of the settings, or why there is none. A limit of this method alone is no failure of the pass.
func (r *Reconciler) noteSettings(p *pass, err error) error {
	m := p.memory
	if err == nil {
		err = r.checkReadable(p)
	}
	if p.looked.Settings = err == nil; p.looked.Settings {
		m.settingsFailedSince, m.settingsLimited = time.Time{}, nil
	} else if m.settingsFailedSince.IsZero() {
		m.settingsFailedSince = p.now
	}
	if wait := methodLimit(err); wait > 0 {
		m.settingsLimited = err
		m.schedule.Limit(schedule.Looks{Settings: true}, p.now.Add(wait))
		if p.looked.State {
			p.settingsErr = err
			return nil
		}
	}
	return err
}

// noteAccount notes a reading of the account, or why there is none.
func (p *pass) noteAccount(account *greenapi.Account, err error) {
	if wait := methodLimit(err); wait > 0 {
		p.memory.accountLimited = err
		p.memory.schedule.Limit(schedule.Looks{Account: true}, p.now.Add(wait))
	}
	if status, ok := errors.AsType[*greenapi.StatusError](err); ok && status.Cause == greenapi.CauseNotAuthorized {
		// The vendor shows no account while none is authorized: no failure, and nothing to show.
		account, err = &greenapi.Account{State: p.state}, nil
	}
	if p.accountErr = err; err == nil {
		p.looked.Account, p.account, p.memory.accountLimited = true, account, nil
		p.memory.noteLogout(account.LogoutProcess, p.now)
	}
}

// checkReadable refuses a reading that shows nothing, or a managed setting in a type from which nothing can be concluded (R5).
func (r *Reconciler) checkReadable(p *pass) error {
	if err := p.settings.CheckShown(); err != nil {
		return err
	}
	p.observed = instance.Observed(p.desired, p.settings)
	if name := plan.Unreadable(p.desired, p.observed); name != "" {
		return &greenapi.UnreadableError{Method: greenapi.MethodGetSettings, What: fmt.Sprintf("%s has an unexpected type", name)}
	}
	return nil
}

// gravest returns the error that says most: one that is not about the rate, else any.
func gravest(errs ...error) error {
	var found error
	for _, err := range errs {
		if err == nil {
			continue
		}
		var status *greenapi.StatusError
		limited := errors.As(err, &status) && status.Cause == greenapi.CauseRateLimited
		if found == nil || !limited {
			found = err
		}
		if !limited {
			return found
		}
	}
	return found
}

// follow reads what a look calls for besides.
func (r *Reconciler) follow(ctx context.Context, p *pass) error {
	more := p.memory.schedule.Permitted(p.now, p.further())
	if !more.Any() {
		return nil
	}
	if wait := r.limiter.Take(p.now, p.id, r.readTimeout(&p.memory.pollMemory), r.methods(more)...); wait > 0 {
		p.memory.schedule.Postpone(p.now, wait)
		return nil
	}
	return r.read(ctx, p, more)
}

// further is what is read besides where the state has changed: the account always, the settings once a waiting write can go or the
// instance was authorized anew, since settings are known to change then (green-api/issues #1077).
func (p *pass) further() (more schedule.Looks) {
	changed := p.state != p.stored.StateInstance
	// A write waits for the end of a logout, which the account alone shows.
	logout := p.looked.Settings && !p.memory.logoutSince.IsZero()
	more.Account = (changed || logout) && !p.looked.Account && p.accountErr == nil
	recovered := stalledFor(&p.stored, p.generation(), v1alpha1.ReasonStuckStarting) && p.state != states.Starting
	// What a write waits for may be another thing in another state: where nobody is at work it waits for no window and no fleet.
	waits := changed && p.memory.parked
	more.Settings = !p.looked.Settings &&
		(changed && p.state == states.Authorized || waits || changed && p.wasCreating() || p.memory.awaitStart && !states.Of(p.state).Restarting || recovered)
	return more
}
