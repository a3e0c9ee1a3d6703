// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package origins bounds how many workers are out for one of the vendor's hosts (R41). It knows of keys and times only.
package origins

import (
	"maps"
	"sync"
	"time"

	"github.com/greenapi-operator/greenapi-operator/internal/fairqueue"
	"github.com/greenapi-operator/greenapi-operator/internal/keys"
)

// placeKept is how long a place at an origin is kept for a resource whose pass does not come, and originKept how long an
// origin is remembered for which nobody is out.
const (
	placeKept  = 10 * time.Second
	originKept = 10 * time.Minute
)

// Bound bounds how many workers of a kind are out for one origin, so that a host which accepts calls and never answers
// does not take all of them. How many that are is learned from how calls end: each origin may have a quarter of the workers,
// one more for each call that was answered in time, and at most all but an eighth; back to a quarter with a call that hung.
// Who finds no place is put off without a worker and without a call, and woken when there is one.
//
// Lines whose last call hung have a part of the places only, so that some lines that hang do not hold up the others behind
// the same host. All origins that do not answer have half of the workers together. And the last eighth of the workers is for
// origins for which nobody is out, however many there are that answer slowly.
type Bound struct {
	mu sync.Mutex
	// workers of the kind; 0 is no bound.
	workers int
	byName  map[string]*origin
	// crowded are the origins at which somebody waits.
	crowded map[string]*origin
	// visits are those who wait or are out, granted those of them for whom a place is kept until their pass comes.
	visits  map[keys.Resource]*visit
	granted map[keys.Resource]*visit
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
	waiting       [ranks]*fairqueue.Queue
	// othersNext: the next free place is not for a suspect, if anybody else waits.
	othersNext bool
	seen       time.Time
}

// Rank says who comes first where several wait.
type Rank int

// Suspects hung the last time; they are few at once. Polls yield to whatever somebody waits for.
const (
	Suspect Rank = iota
	Pending
	Poll
	ranks
)

// visit is one resource that waits for a place or has one.
type visit struct {
	fairqueue.Waiter
	at   *origin
	name string
	rank Rank
	// placed: it has a place, since then.
	placed bool
	since  time.Time
}

// Lesson is what a pass has learned of an origin.
type Lesson int

// The lessons.
const (
	NotCalled Lesson = iota
	Answered
	Hung
)

// New returns a bound of which nothing is used.
func New() *Bound {
	return &Bound{byName: map[string]*origin{}, crowded: map[string]*origin{}, visits: map[keys.Resource]*visit{}, granted: map[keys.Resource]*visit{}}
}

// SetWorkers says how many workers there are.
func (b *Bound) SetWorkers(workers int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.workers = workers
}

// Most is how many may be out for an origin that answers. Who polls more lines at once only has the others put off.
func (b *Bound) Most() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.most()
}

// quarter is what each origin may have, most what one that answers may have, and half what all that do not answer may have
// together.
func (b *Bound) quarter() int { return max(b.workers/4, 1) }
func (b *Bound) most() int    { return max(b.workers-max(b.workers/8, 1), 1) }
func (b *Bound) half() int    { return max(b.workers/2, 1) }

// Enter asks for a place at an origin. If there is none the resource waits, in the queue of its rank and namespace, and is
// woken when it has one. hangs reports whether the origin does not answer.
func (b *Bound) Enter(w fairqueue.Waiter, name string, r Rank, now time.Time) (ok, hangs bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.workers == 0 {
		return true, false
	}
	v := b.visits[w.Resource]
	if v != nil && (v.name != name || v.rank != r && !v.placed) {
		b.drop(v)
		v = nil
	}
	delete(b.granted, w.Resource)
	b.sweep(now)
	if v == nil {
		v = b.join(w, name, r, now)
	}
	v.at.seen = now
	b.serve(now, v)
	return v.placed, v.at.hangs
}

func (b *Bound) join(w fairqueue.Waiter, name string, r Rank, now time.Time) *visit {
	at := b.byName[name]
	if at == nil {
		at = &origin{window: b.quarter()}
		b.byName[name] = at
	}
	v := &visit{Waiter: w, at: at, name: name, rank: r}
	b.visits[w.Resource] = v
	if at.empty(Pending) && at.empty(r) && b.room(at, r) {
		// The usual case, in which nobody need line up.
		b.place(v, now)
		return v
	}
	if at.waiting[r] == nil {
		at.waiting[r] = fairqueue.New()
	}
	at.waiting[r].Join(&v.Waiter)
	b.crowded[name] = at
	return v
}

// Leave gives back what a resource has, and learns from how its calls ended.
func (b *Bound) Leave(resource keys.Resource, how Lesson, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	v := b.visits[resource]
	if v == nil {
		return
	}
	if v.placed {
		b.learn(v.at, v.rank, how)
		v.at.seen = now
	}
	b.drop(v)
	b.sweep(now)
	b.serve(now, nil)
}

// learn changes what is known of an origin by what a resource of a rank has learned there.
func (b *Bound) learn(at *origin, r Rank, how Lesson) {
	switch {
	case how == Answered:
		at.window = min(at.window+1, b.most())
		if at.hangs {
			at.hangs = false
			b.stuck -= at.out
		}
	case how == Hung && r != Suspect:
		at.window = b.quarter()
		if !at.hangs {
			at.hangs = true
			b.stuck += at.out
		}
	}
}

// drop forgets a visit.
func (b *Bound) drop(v *visit) {
	delete(b.visits, v.Resource)
	delete(b.granted, v.Resource)
	if !v.placed {
		v.at.waiting[v.rank].Leave(&v.Waiter)
		b.calm(v.name, v.at)
		return
	}
	b.count(v.at, -1)
	if v.rank == Suspect {
		v.at.suspects--
	}
}

// serve gives the free places to those who wait, and wakes them, except the one that asks. Of several origins none is
// preferred: the order of a map is another one each time.
func (b *Bound) serve(now time.Time, asking *visit) {
	for name, at := range b.crowded {
		for r, ok := b.next(at); ok; r, ok = b.next(at) {
			v := b.visits[at.waiting[r].Pop().Resource]
			b.place(v, now)
			if v != asking {
				b.granted[v.Resource] = v
				v.Wake(v.Resource.NamespacedName)
			}
		}
		b.calm(name, at)
	}
}

func (b *Bound) place(v *visit, now time.Time) {
	v.placed, v.since = true, now
	b.count(v.at, 1)
	if v.rank == Suspect {
		v.at.suspects++
	}
	v.at.othersNext = v.rank == Suspect
}

// count adds to how many are out for an origin.
func (b *Bound) count(at *origin, n int) {
	at.out += n
	b.out += n
	if at.hangs {
		b.stuck += n
	}
}

// next says who comes next at an origin: suspects and others in turn.
func (b *Bound) next(at *origin) (Rank, bool) {
	order := [...]Rank{Suspect, Pending, Poll}
	if at.othersNext {
		order = [...]Rank{Pending, Poll, Suspect}
	}
	for _, r := range order {
		if !at.empty(r) && b.room(at, r) {
			return r, true
		}
	}
	return 0, false
}

// room reports whether one more of a rank may be out for an origin.
func (b *Bound) room(at *origin, r Rank) bool {
	if at.out > 0 && b.out >= b.most() {
		// What is left is for origins for which nobody is out: two slow ones must not take all workers.
		return false
	}
	if at.out >= at.window || r == Suspect && at.suspects >= max(min(at.window/2, b.quarter()), 1) {
		return false
	}
	return !at.hangs || b.stuck < b.half()
}

func (o *origin) empty(r Rank) bool { return o.waiting[r] == nil || o.waiting[r].Empty() }

// calm notes that nobody waits at an origin any more, if that is so.
func (b *Bound) calm(name string, at *origin) {
	for r := range ranks {
		if !at.empty(r) {
			return
		}
	}
	delete(b.crowded, name)
}

// sweep gives back the places of those whose pass did not come, and forgets the origins that nobody asks for any more.
func (b *Bound) sweep(now time.Time) {
	for _, v := range b.granted {
		if now.Sub(v.since).Abs() >= placeKept {
			b.drop(v)
		}
	}
	if now.Sub(b.swept).Abs() >= originKept {
		b.swept = now
		maps.DeleteFunc(b.byName, func(name string, at *origin) bool {
			return at.out == 0 && b.crowded[name] == nil && now.Sub(at.seen).Abs() >= originKept
		})
	}
}

// Len is how many resources wait for a place or have one.
func (b *Bound) Len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.visits)
}
