// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/fairqueue"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/keys"
	"github.com/greenapi-operator/greenapi-operator/internal/origins"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
	"github.com/greenapi-operator/greenapi-operator/internal/schedule"
	"github.com/greenapi-operator/greenapi-operator/internal/states"
)

// digests tell the latest answers of an instance from others; 0 is not known.
type digests struct{ state, settings, account, history uint64 }

// of returns the digest of a method's answer.
func (d *digests) of(method string) *uint64 {
	switch method {
	case greenapi.MethodGetStateInstance:
		return &d.state
	case greenapi.MethodGetSettings:
		return &d.settings
	case greenapi.MethodGetStateInstanceHistory:
		return &d.history
	default:
		return &d.account
	}
}

// watched is a resource whose status is right and of which no decision waits for a reading. As long as the vendor's answers are what
// they were, no object is fetched for it, and nothing is decoded or compared. What a digest says is only that nothing needs
// to be looked at: anything else is handed to a pass. It has the memory of the resource to itself until it is taken back.
type watched struct {
	*Reconciler

	key    types.NamespacedName
	id     keys.Instance
	origin greenapi.Origin
	token  string
	memory *pollMemory
	wanted schedule.Wanted
	every  schedule.Intervals
	// seen is what the wall clock showed at the latest poll.
	seen time.Time
	// answers are what is handed over, by method.
	answers map[string]*greenapi.Answer
}

// watch has the poller look at the resource of a pass from now on, if nothing else has to be done. It reports whether it does.
func (r *Reconciler) watch(p *pass) bool {
	m := p.memory
	_, waits := p.end.(*waiting)
	switch {
	case p.end != nil && !waits, p.putOff, p.vendor == nil, m.waits, p.asksForALook(), p.reboot.asked != "", p.rotating(), p.instance.Statuses() != nil,
		!p.restsOn(), !m.schedule.Quiet(p.generation()):
		return false
	}
	if granted, _ := r.slotState(p); granted {
		// What it waited for has come, and this pass had to wait before it could use it.
		return false
	}
	if status := p.stored.DeepCopy(); clampFutureTimes(status, r.Clock.Now(), func(*v1alpha1.ApplyRecord) bool { return false }) {
		// The clock was set back. Passes go on until the status is right again.
		return false
	}
	after := m.schedule.Next(r.Clock.Now())
	if after == 0 {
		// It is looked at never.
		return false
	}
	m.rest()
	r.poller.Watch(p.key, &watched{
		Reconciler: r, key: p.key, id: p.id, origin: p.origin, token: p.secrets[0], memory: &m.pollMemory,
		wanted: schedule.Wanted{Version: p.generation()}, every: r.intervals(p, false), seen: p.now.Round(0),
	}, after)
	return true
}

// restsOn reports whether the status follows from the vendor's answers alone: nothing is under way but a decision that waits for a time
// or to be woken, and nothing is decided as time goes by, as what was given up for a while is, or the reboot of a yellow card once the
// day's number is not reached any more, or whether settings that cannot be read are stale.
func (p *pass) restsOn() bool {
	s := &p.stored
	reboots := s.StateInstance == states.YellowCard && plan.RulesOf(p.instance.Reboots()).YellowCard
	reconciling := apimeta.FindStatusCondition(s.Conditions, v1alpha1.ReconcilingCondition) != nil && !p.memory.parked
	return s.ObservedGeneration == p.generation() && !reconciling &&
		!s.Apply.Active() && len(s.Abandoned) == 0 && !reboots && p.memory.settingsFailedSince.IsZero()
}

// takeBack ends the polling of a resource, and returns what was polled, nil if nothing was.
func (r *Reconciler) takeBack(key types.NamespacedName) *watched {
	line, _ := r.poller.Take(key).(*watched)
	if line != nil {
		// A poll that was put off waits at its origin no longer: the place would be kept for nobody.
		r.pollOrigins.Leave(r.resource(key), origins.NotCalled, r.Clock.Now())
	}
	return line
}

// answersFor are the answers that were handed over, nil if there are none or the pass would ask for something else, another
// address or with another token, or if somebody asks, which they may be older than.
func (w *watched) answersFor(p *pass) map[string]*greenapi.Answer {
	if w == nil || p.asked || w.wanted.Version != p.generation() || w.id != p.id || w.origin != p.origin || w.token != p.secrets[0] {
		return nil
	}
	return w.answers
}

// Poll reads what is due, and hands over what is not what it was.
func (w *watched) Poll(ctx context.Context) (again time.Duration) {
	m, now := w.memory, w.Clock.Now()
	wall := now.Round(0)
	if wall.Before(w.seen) {
		// The clock was set back, so that the status may have times in the future, which a pass sets right.
		return 0
	}
	w.seen = wall
	if m.schedule.Parked(now) {
		// What a decision waited for has come.
		return 0
	}
	due := m.schedule.Due(now, w.wanted)
	if !due.Any() {
		return m.schedule.Next(now)
	}
	// A client that is kept for each would take more memory than it takes time to make one.
	vendor, err := w.connect()
	if err != nil {
		return 0
	}
	if wait := w.admit(m, w.id, now, due); wait > 0 {
		return wait
	}
	rank := origins.Poll
	if m.hung {
		rank = origins.Suspect
	}
	place := w.resource(w.key)
	ok, hangs := w.pollOrigins.Enter(fairqueue.Waiter{Resource: place, Instance: w.id, Wake: w.poller.Wake}, w.origin.String(), rank, now)
	if !ok {
		w.release(w.id, due)
		if hangs || now.Sub(m.readAt()) > 2*w.every.State {
			// What was seen last grows old, which is a pass's to say.
			return 0
		}
		return schedule.Jitter(putOffLook)
	}
	m.reserved = time.Time{}
	took := w.peek(ctx, vendor, due)
	known := ctx.Err() == nil && w.unchanged() && w.peekHistory(ctx, vendor, due)
	w.pollOrigins.Leave(place, w.endOfCalls(m, took), w.Clock.Now())
	if ctx.Err() != nil {
		// It is taken, or the process ends: whatever came of it says nothing.
		w.answers = nil
		return schedule.CallSpacing
	}
	if !known {
		return 0
	}
	w.answers = nil
	m.read(now)
	w.answered(m, took)
	m.schedule.Answered(now, due, false)
	m.schedule.Looked(now, due, w.every)
	return m.schedule.Next(w.Clock.Now())
}

// unchanged reports whether every answer is what the latest one of its method was.
func (w *watched) unchanged() bool {
	for method, answer := range w.answers {
		if digest := answer.Digest(); digest == 0 || digest != *w.memory.digests.of(method) {
			return false
		}
	}
	return true
}

// connect returns the vendor's API for calls of which nothing is shown: what is handed over, a pass decodes with an API of its own.
func (w *watched) connect() (Vendor, error) {
	target := w.Kind.Target(w.origin, w.id.ID)
	target.Token = w.token
	return w.Connect(target)
}

// peek makes the calls side by side (R4), and returns how long they took.
func (w *watched) peek(ctx context.Context, vendor Vendor, due schedule.Looks) time.Duration {
	begun := w.Clock.Now()
	ctx, cancel := greenapi.WithTimeout(ctx, w.readTimeout(w.memory))
	defer cancel()
	methods := w.methods(due)
	answers, toCall := make([]*greenapi.Answer, len(methods)), make([]func(), len(methods))
	for i, method := range methods {
		toCall[i] = func() {
			w.readOnce(ctx, w.id, method, func() error {
				answers[i] = vendor.Peek(ctx, method)
				return answers[i].Err()
			})
		}
	}
	sideBySide(toCall)
	w.answers = make(map[string]*greenapi.Answer, len(methods))
	for i, method := range methods {
		w.answers[method] = answers[i]
	}
	return w.Clock.Since(begun)
}
