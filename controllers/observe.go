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
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
	"github.com/greenapi-operator/greenapi-operator/internal/states"
)

// observe reads what is due at the vendor. It changes nothing there.
func (r *Reconciler) observe(ctx context.Context, p *pass) error {
	due := r.due(p)
	if !due.any() {
		return &waiting{after: untilNext(p.memory, p.now)}
	}
	if err := r.admit(ctx, p, due); err != nil {
		return err
	}
	if m := p.memory; p.full(due) {
		if m.generation != 0 && m.generation != p.generation() {
			m.settingsCalls.mended()
			m.rebootCalls.mended()
		}
		m.generation = p.generation()
	}
	err := r.read(ctx, p, due)
	if err == nil && p.looked.state {
		err = r.follow(ctx, p)
	}
	if err != nil {
		return r.failed(ctx, p, err)
	}
	m := p.memory
	if !p.looked.state {
		return nil
	}
	// Reading may take a minute, and an intent is as old as what it is decided from: a call leaves soon after it (R10).
	p.now = r.Clock.Now()
	m.failures, m.throttled, m.refusals, m.retryAt, m.refusedSince, m.accepted = 0, 0, 0, time.Time{}, time.Time{}, true
	if p.looked.account {
		m.accountFailures = 0
	}
	if p.accountErr != nil && !m.accountLimit.limits(p.now) {
		m.accountFailures++
		m.fullDue = p.now.Add(backoff(m.accountFailures, longestBackoff))
	}
	return nil
}

// admit asks the limits for the calls of this pass (R3).
func (r *Reconciler) admit(ctx context.Context, p *pass, due looks) error {
	m := p.memory
	if !m.reserved.IsZero() && m.reserved.After(p.now) {
		return &waiting{after: m.reserved.Sub(p.now)}
	}
	if wait := r.limiter.take(p.now, p.id, r.readTimeout(p.memory), r.methods(due)...); wait > 0 {
		return &waiting{after: wait}
	}
	if m.reserved.IsZero() {
		if m.reserved = r.limiter.reserve(p.now, due.count()); m.reserved.After(p.now) {
			r.release(p, due)
			return &waiting{after: m.reserved.Sub(p.now)}
		}
	}
	if err := r.enterOrigin(ctx, p); err != nil {
		r.release(p, due)
		return err
	}
	m.reserved = time.Time{}
	return nil
}

// release gives the calls back that are not made.
func (r *Reconciler) release(p *pass, due looks) {
	for _, method := range r.methods(due) {
		r.limiter.release(p.id, method)
	}
}

func (r *Reconciler) methods(due looks) []string {
	var methods []string
	if due.state {
		methods = append(methods, greenapi.MethodGetStateInstance)
	}
	if due.settings {
		methods = append(methods, greenapi.MethodGetSettings)
	}
	if due.account {
		methods = append(methods, r.Kind.AccountMethod)
	}
	if due.statuses {
		methods = append(methods, greenapi.MethodGetIncomingStatuses)
	}
	return methods
}

// read makes the calls side by side (R4) and returns the error that says most.
func (r *Reconciler) read(ctx context.Context, p *pass, due looks) error {
	var (
		toCall                         []func()
		account                        greenapi.Account
		stateErr, settingsErr, acctErr error
	)
	call := func(wanted bool, method string, f func() error) {
		if !wanted {
			return
		}
		toCall = append(toCall, func() {
			defer func() { r.limiter.done(r.Clock.Now(), p.id, method) }()
			begun := r.Clock.Now()
			r.logCall(ctx, method, begun, f())
		})
	}
	call(due.state, greenapi.MethodGetStateInstance, func() error { p.state, stateErr = p.vendor.State(ctx); return stateErr })
	call(due.settings, greenapi.MethodGetSettings, func() error { p.settings, settingsErr = p.vendor.Settings(ctx); return settingsErr })
	call(due.account, r.Kind.AccountMethod, func() error { account, acctErr = p.vendor.Account(ctx); return acctErr })
	call(due.statuses, greenapi.MethodGetIncomingStatuses, func() error { r.readStatuses(ctx, p); return p.statusesErr })
	begun := r.Clock.Now()
	ctx = greenapi.WithTimeout(ctx, r.readTimeout(p.memory))
	sideBySide(toCall)
	took := r.Clock.Now().Sub(begun)
	r.timed(p, begun)

	if due.state && stateErr == nil {
		p.looked.state = true
		p.memory.read(p.now)
	}
	if due.settings {
		settingsErr = r.noteSettings(p, settingsErr)
	}
	if timedOut(stateErr, settingsErr, p.settingsErr, acctErr, p.statusesErr) {
		p.memory.timeouts++
	}
	if due.account {
		p.noteAccount(&account, acctErr)
	}
	if err := gravest(stateErr, settingsErr); err != nil {
		return err
	}
	if due.core() != (looks{}) && acctErr == nil {
		r.answered(p.memory, took)
	}
	return nil
}

// noteSettings notes a reading of the settings, or why there is none. A limit of this method alone is no failure of the pass.
func (r *Reconciler) noteSettings(p *pass, err error) error {
	m := p.memory
	if err == nil {
		err = r.checkReadable(p)
	}
	if p.looked.settings = err == nil; p.looked.settings {
		m.settingsFailedSince = time.Time{}
	} else if m.settingsFailedSince.IsZero() {
		m.settingsFailedSince = p.now
	}
	if m.settingsLimit.note(err, p.now) && p.looked.state {
		p.settingsErr = err
		m.fullDue, m.settingsDue = m.settingsLimit.until, time.Time{}
		return nil
	}
	return err
}

// noteAccount notes a reading of the account, or why there is none.
func (p *pass) noteAccount(account *greenapi.Account, err error) {
	p.memory.accountLimit.note(err, p.now)
	if status, ok := errors.AsType[*greenapi.StatusError](err); ok && status.Cause == greenapi.CauseNotAuthorized {
		// The vendor shows no account while none is authorized: no failure, and nothing to show.
		account, err = &greenapi.Account{State: p.state}, nil
	}
	if p.accountErr = err; err == nil {
		p.looked.account, p.account = true, account
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

// follow reads more where the state has changed: the account always, the settings once a waiting write can go or the
// instance was authorized anew, since settings are known to change then (green-api/issues #1077).
func (r *Reconciler) follow(ctx context.Context, p *pass) error {
	more := looks{}
	changed := p.state != p.stored.StateInstance
	if changed && !p.looked.account && p.accountErr == nil {
		more.account = true
	}
	recovered := stalledFor(&p.stored, p.generation(), v1alpha1.ReasonStuckStarting) && p.state != states.Starting
	if !p.looked.settings && (changed && p.state == states.Authorized || p.memory.awaitStart && !states.Of(p.state).Restarting || recovered) {
		more.settings = true
	}
	if more = p.permitted(more); !more.any() {
		return nil
	}
	if wait := r.limiter.take(p.now, p.id, r.readTimeout(p.memory), r.methods(more)...); wait > 0 {
		p.memory.fullDue = p.now.Add(wait)
		return nil
	}
	return r.read(ctx, p, more)
}
