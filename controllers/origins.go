// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"maps"
	"sync"
	"time"
)

// placeKept is how long a place at an origin is kept for a resource whose pass does not come, and originKept how long an
// origin is remembered for which nobody is out.
const (
	placeKept  = 10 * time.Second
	originKept = 10 * time.Minute
)

// origins bounds how many workers of a kind are out for one origin, so that a host which accepts calls and never answers
// does not take all of them. How many that are is learned from how calls end: each origin may have a quarter of the workers,
// one more for each call that was answered in time, and at most all but an eighth; back to a quarter with a call that hung.
// Who finds no place is put off without a worker and without a call, and woken when there is one.
//
// Lines whose last call hung have a part of the places only, so that some lines that hang do not hold up the others behind
// the same host. All origins that do not answer have half of the workers together. And the last eighth of the workers is for
// origins for which nobody is out, however many there are that answer slowly.
type origins struct {
	mu sync.Mutex
	// workers of the kind; 0 is no bound.
	workers int
	byName  map[string]*origin
	// crowded are the origins at which somebody waits.
	crowded map[string]*origin
	// visits are those who wait or are out, granted those of them for whom a place is kept until their pass comes.
	visits  map[resourceKey]*visit
	granted map[resourceKey]*visit
	// out is how many are out for all origins, stuck how many of them for origins that do not answer.
	out, stuck int
	swept      time.Time
}

// origin is what is known of one origin.
type origin struct {
	// window is how many may be out. hangs: the latest call of a line that had been answered before hung.
	window int
	hangs  bool
	// out is for how many there is a place now, and suspects how many of them hung the last time.
	out, suspects int
	waiting       [ranks]*round
	// othersNext: the next free place is not for a suspect, if anybody else waits.
	othersNext bool
	seen       time.Time
}

// rank says who comes first where several wait.
type rank int

// Suspects hung the last time; they are few at once. Polls yield to whatever somebody waits for.
const (
	rankSuspect rank = iota
	rankPending
	rankPoll
	ranks
)

// visit is one resource that waits for a place or has one.
type visit struct {
	waiter
	at   *origin
	name string
	rank rank
	// placed: it has a place, since then.
	placed bool
	since  time.Time
}

// lesson is what a pass has learned of an origin.
type lesson int

const (
	notCalled lesson = iota
	answered
	hung
)

func newOrigins() *origins {
	return &origins{byName: map[string]*origin{}, crowded: map[string]*origin{}, visits: map[resourceKey]*visit{}, granted: map[resourceKey]*visit{}}
}

// bound says how many workers there are.
func (o *origins) bound(workers int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.workers = workers
}

// quarter is what each origin may have, most what one that answers may have, and half what all that do not answer may have
// together.
func (o *origins) quarter() int { return max(o.workers/4, 1) }
func (o *origins) most() int    { return max(o.workers-max(o.workers/8, 1), 1) }
func (o *origins) half() int    { return max(o.workers/2, 1) }

// ask asks for a place at an origin. If there is none the resource waits, in the queue of its rank and namespace, and is
// woken when it has one. hangs reports whether the origin does not answer.
func (o *origins) ask(w waiter, name string, r rank, now time.Time) (ok, hangs bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.workers == 0 {
		return true, false
	}
	v := o.visits[w.resource]
	if v != nil && (v.name != name || v.rank != r && !v.placed) {
		o.drop(v)
		v = nil
	}
	delete(o.granted, w.resource)
	o.sweep(now)
	if v == nil {
		v = o.join(w, name, r, now)
	}
	v.at.seen = now
	o.serve(now, v)
	return v.placed, v.at.hangs
}

func (o *origins) join(w waiter, name string, r rank, now time.Time) *visit {
	at := o.byName[name]
	if at == nil {
		at = &origin{window: o.quarter()}
		o.byName[name] = at
	}
	v := &visit{waiter: w, at: at, name: name, rank: r}
	o.visits[w.resource] = v
	if at.empty(rankPending) && at.empty(r) && o.room(at, r) {
		// The usual case, in which nobody need line up.
		o.place(v, now)
		return v
	}
	if at.waiting[r] == nil {
		at.waiting[r] = newRound()
	}
	at.waiting[r].join(&v.waiter)
	o.crowded[name] = at
	return v
}

// leave gives back what a resource has, and learns from how its calls ended.
func (o *origins) leave(resource resourceKey, how lesson, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	v := o.visits[resource]
	if v == nil {
		return
	}
	if v.placed {
		o.learn(v.at, v.rank, how)
		v.at.seen = now
	}
	o.drop(v)
	o.sweep(now)
	o.serve(now, nil)
}

// learn changes what is known of an origin by what a resource of a rank has learned there.
func (o *origins) learn(at *origin, r rank, how lesson) {
	switch {
	case how == answered:
		at.window = min(at.window+1, o.most())
		if at.hangs {
			at.hangs = false
			o.stuck -= at.out
		}
	case how == hung && r != rankSuspect:
		at.window = o.quarter()
		if !at.hangs {
			at.hangs = true
			o.stuck += at.out
		}
	}
}

// drop forgets a visit.
func (o *origins) drop(v *visit) {
	delete(o.visits, v.resource)
	delete(o.granted, v.resource)
	if !v.placed {
		v.at.waiting[v.rank].leave(&v.waiter)
		o.calm(v.name, v.at)
		return
	}
	o.count(v.at, -1)
	if v.rank == rankSuspect {
		v.at.suspects--
	}
}

// serve gives the free places to those who wait, and wakes them, except the one that asks. Of several origins none is
// preferred: the order of a map is another one each time.
func (o *origins) serve(now time.Time, asking *visit) {
	for name, at := range o.crowded {
		for r, ok := o.next(at); ok; r, ok = o.next(at) {
			v := o.visits[at.waiting[r].pop().resource]
			o.place(v, now)
			if v != asking {
				o.granted[v.resource] = v
				v.wake(v.resource.NamespacedName)
			}
		}
		o.calm(name, at)
	}
}

func (o *origins) place(v *visit, now time.Time) {
	v.placed, v.since = true, now
	o.count(v.at, 1)
	if v.rank == rankSuspect {
		v.at.suspects++
	}
	v.at.othersNext = v.rank == rankSuspect
}

// count adds to how many are out for an origin.
func (o *origins) count(at *origin, n int) {
	at.out += n
	o.out += n
	if at.hangs {
		o.stuck += n
	}
}

// next says who comes next at an origin: suspects and others in turn.
func (o *origins) next(at *origin) (rank, bool) {
	order := [...]rank{rankSuspect, rankPending, rankPoll}
	if at.othersNext {
		order = [...]rank{rankPending, rankPoll, rankSuspect}
	}
	for _, r := range order {
		if !at.empty(r) && o.room(at, r) {
			return r, true
		}
	}
	return 0, false
}

// room reports whether one more of a rank may be out for an origin.
func (o *origins) room(at *origin, r rank) bool {
	if at.out > 0 && o.out >= o.most() {
		// What is left is for origins for which nobody is out: two slow ones must not take all workers.
		return false
	}
	if at.out >= at.window || r == rankSuspect && at.suspects >= max(min(at.window/2, o.quarter()), 1) {
		return false
	}
	return !at.hangs || o.stuck < o.half()
}

func (o *origin) empty(r rank) bool { return o.waiting[r] == nil || o.waiting[r].empty() }

// calm notes that nobody waits at an origin any more, if that is so.
func (o *origins) calm(name string, at *origin) {
	for r := range ranks {
		if !at.empty(r) {
			return
		}
	}
	delete(o.crowded, name)
}

// sweep gives back the places of those whose pass did not come, and forgets the origins that nobody asks for any more.
func (o *origins) sweep(now time.Time) {
	for _, v := range o.granted {
		if now.Sub(v.since).Abs() >= placeKept {
			o.drop(v)
		}
	}
	if now.Sub(o.swept).Abs() >= originKept {
		o.swept = now
		maps.DeleteFunc(o.byName, func(name string, at *origin) bool {
			return at.out == 0 && o.crowded[name] == nil && now.Sub(at.seen).Abs() >= originKept
		})
	}
}
