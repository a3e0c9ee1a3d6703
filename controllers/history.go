// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/keys"
	"github.com/greenapi-operator/greenapi-operator/internal/schedule"
)

const (
	// historyEvery says with which look at everything the history of states is read: with each of them a line would cost more than
	// 1.3 calls a minute (R37).
	historyEvery = 3
	// historyRest is for how long it is not read where it cannot be.
	historyRest = time.Hour
	// After so many time-outs in a row at one origin no history is read there for that long: each takes a worker from those who look.
	slowHistories    = 3
	slowHistoryPause = 10 * time.Minute
)

// slowness is what is remembered of origins whose histories time out. Its zero value remembers nothing.
type slowness struct {
	mu       sync.Mutex
	byOrigin map[string]slow
}

// slow is how many time-outs in a row there were, and when the latest was.
type slow struct {
	timeouts int
	latest   time.Time
}

// note notes how a call ended.
func (s *slowness) note(origin string, now time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !timedOut(err) {
		delete(s.byOrigin, origin)
		return
	}
	if s.byOrigin == nil {
		s.byOrigin = map[string]slow{}
	}
	s.byOrigin[origin] = slow{s.byOrigin[origin].timeouts + 1, now}
}

// pauses reports whether no history is to be read at an origin now.
func (s *slowness) pauses(origin string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.byOrigin[origin]
	past := now.Sub(known.latest)
	return known.timeouts >= slowHistories && past >= 0 && past < slowHistoryPause
}

// history is what is remembered of the vendor's history of states (R37).
type history struct {
	// looks are those at everything since it was read.
	looks int
	// failedAt is when it could not be read, zero if it could.
	failedAt time.Time
	// since is the time up to which its rows were told, or lie before anything that this process has seen; zero before the first look.
	since time.Time
}

// wanted reports whether the history is to be read along with a look, which is full if it is at everything.
func (h *history) wanted(now time.Time, full, atOnce bool) bool {
	rested := now.Sub(h.failedAt)
	if !h.failedAt.IsZero() && rested >= 0 && rested < historyRest {
		return false
	}
	return atOnce || full && h.looks+1 >= historyEvery
}

// called notes that it was called, and whether that is to be tried again soon.
func (h *history) called(now time.Time, err error) {
	h.looks, h.failedAt = 0, time.Time{}
	if err != nil && !passes(err) {
		h.failedAt = now
	}
}

// passes reports whether a failure says nothing about the next call.
func passes(err error) bool {
	if transport, ok := errors.AsType[*greenapi.TransportError](err); ok {
		return !transport.TimedOut
	}
	status, ok := errors.AsType[*greenapi.StatusError](err)
	return ok && (status.Cause == greenapi.CauseRateLimited || status.Cause == greenapi.CauseUnavailable)
}

// told notes that what a pass found is stored and told of.
func (h *history) told(p *pass) {
	if p.past != nil {
		h.since, p.memory.digests.history = p.past.until, p.past.digest
	}
}

// latestLook is when the state was read before this pass, as far as that is known.
func (p *pass) latestLook() time.Time {
	if p.memory.lastRead.Load() == 0 && p.stored.StateChangedTime != nil {
		return p.stored.StateChangedTime.Time
	}
	return p.memory.readAt()
}

// readHistory reads the history where the state is another one than at the latest look, where somebody asked for a look, and with
// every third look at everything. Whatever comes of it, nothing else of the pass depends on it.
func (r *Reconciler) readHistory(ctx context.Context, p *pass, before time.Time) {
	method, m, now := r.Kind.HistoryMethod, p.memory, r.Clock.Now()
	if method == "" {
		return
	}
	h := &m.history
	changed := p.stored.StateChangedTime != nil && p.state != p.stored.StateInstance
	full := m.schedule.Full(now, p.looked)
	switch {
	case p.answers[method] != nil, h.wanted(now, full, changed || full && p.asked) && r.takeHistory(p.id, now):
		reading := &greenapi.Reading{Answers: p.answers}
		r.readOnce(ctx, p.id, method, func() error {
			rows, err := p.vendor.StateHistory(greenapi.WithReading(ctx, reading))
			h.called(now, err)
			r.slowness.note(p.id.Origin, r.Clock.Now(), err)
			if err == nil {
				seen := change{was: p.stored.StateInstance, is: p.state, before: before, now: r.Clock.Now()}
				p.past = seen.lookBack(rows, h.since)
				p.past.digest = reading.Digest(method)
			}
			return err
		})
	case full:
		h.looks++
	}
	if h.since.IsZero() || changed && p.past == nil {
		h.since = now
	}
}

// peekHistory reads the history where it is due along with a poll, and reports whether it tells nothing new. It is decoded only if
// it is not the one that was read before.
func (w *watched) peekHistory(ctx context.Context, vendor Vendor, due schedule.Looks) bool {
	method, m, now := w.Kind.HistoryMethod, w.memory, w.Clock.Now()
	full := m.schedule.Full(now, due)
	if method == "" || !m.history.wanted(now, full, false) || !w.takeHistory(w.id, now) {
		if full {
			m.history.looks++
		}
		return true
	}
	var answer *greenapi.Answer
	w.readOnce(ctx, w.id, method, func() error {
		answer = vendor.Peek(ctx, method)
		return answer.Err()
	})
	digest := answer.Digest()
	if digest != 0 && digest == m.digests.history {
		m.history.called(now, nil)
		w.slowness.note(w.id.Origin, now, nil)
		return true
	}
	given := map[string]*greenapi.Answer{method: answer}
	rows, err := vendor.StateHistory(greenapi.WithReading(ctx, &greenapi.Reading{Answers: given}))
	m.history.called(now, err)
	w.slowness.note(w.id.Origin, w.Clock.Now(), err)
	if err != nil {
		m.digests.history = 0
		return true
	}
	if !slices.ContainsFunc(rows, func(row greenapi.StateChange) bool { return row.At.After(m.history.since) }) {
		m.digests.history = digest
		return true
	}
	w.answers[method] = answer
	return false
}

// takeHistory takes the call from the limits. Nobody waits for it.
func (r *Reconciler) takeHistory(id keys.Instance, now time.Time) bool {
	method := r.Kind.HistoryMethod
	if r.slowness.pauses(id.Origin, now) {
		return false
	}
	if r.limiter.Take(now, id, r.Options.CallTimeout, method) > 0 {
		return false
	}
	if !r.limiter.Spare(now) {
		r.limiter.Release(id, method)
		return false
	}
	return true
}
