// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"maps"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// turnTimeout is how long a turn is kept for a resource whose pass does not come, callTimeout how long for one that stores
// its intent: as long as that may take, and more.
const (
	turnTimeout = 2 * time.Minute
	callTimeout = time.Minute
)

// countEvery is how old the number of resources may be that a percentage is of.
const countEvery = 10 * time.Second

// rollout bounds how many instances restart at once because of this operator. Who finds no room waits in the queue of its
// namespace; the namespaces take turns, so that one with thousands of instances does not hold up another's single one.
// It knows nothing that is not in the status of the resources, from which a new process fills it.
type rollout struct {
	mu sync.Mutex
	// filled: what the process before this one began is known.
	filled bool
	slots  map[instanceKey]*slot
	// waiters are those who wait, and those whose turn has come and who have not used it yet.
	waiters map[resourceKey]*waiter
	round   *round
	// swept is when slots were last looked through for those whose time is over.
	swept time.Time
	// total is how many resources there were when they were counted.
	total   int
	counted time.Time
}

// resourceKey names a resource of any kind.
type resourceKey struct {
	kind string
	types.NamespacedName
}

// slot is one instance that may be restarting.
type slot struct {
	since, until time.Time
	// called: the call was made, or is about to be. Until then the slot is only kept for somebody.
	called bool
	// reboot: it is for a reboot, whose end shows in the state alone.
	reboot bool
}

func newRollout() *rollout {
	return &rollout{slots: map[instanceKey]*slot{}, waiters: map[resourceKey]*waiter{}, round: newRound()}
}

// size returns how many resources there are, counted anew when that is some seconds old.
func (o *rollout) size(now time.Time, count func() (int, error)) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if age := now.Sub(o.counted); age >= 0 && age < countEvery {
		return o.total, nil
	}
	total, err := count()
	if err != nil {
		return 0, err
	}
	o.total, o.counted = total, now
	return total, nil
}

// fill makes known what is restarting already, once.
func (o *rollout) fill(restarting func(add func(instanceKey, slot)) error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.filled {
		return nil
	}
	err := restarting(o.count)
	o.filled = err == nil
	return err
}

// ask asks for a slot of limit many. It returns true if the instance may restart now, else about how many are ahead; the
// resource then waits, and is woken when its turn has come.
func (o *rollout) ask(w waiter, limit int, now time.Time) (ahead int, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.use(w.id, now) {
		return 0, true
	}
	delete(o.slots, w.id)
	known := o.waiters[w.resource]
	if known == nil || known.id != w.id || known.granted {
		known = o.enqueue(w)
	}
	o.grant(limit, now, w.resource)
	if known.granted {
		return 0, o.use(w.id, now)
	}
	return o.round.ahead(known), false
}

// use reports whether a slot is kept for an instance. It stays for as long as it takes to store an intent, so that nobody
// else gets it meanwhile; but only if the turn is not over, so that one whose intent is never stored does not keep it.
func (o *rollout) use(id instanceKey, now time.Time) bool {
	s := o.slots[id]
	if s == nil || !now.Before(s.until) || !s.called && !now.Before(s.since.Add(turnTimeout)) {
		return false
	}
	if until := now.Add(callTimeout); !s.called && s.until.Before(until) {
		s.until = until
	}
	return true
}

// begin says that the call is made: from now until then the instance counts as restarting.
func (o *rollout) begin(w waiter, reboot bool, now, until time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.waiters, w.resource)
	o.slots[w.id] = &slot{since: now, until: until, called: true, reboot: reboot}
}

// look finds what is kept for an instance, nil if nothing is, and whether the resource waits.
func (o *rollout) look(resource resourceKey, id instanceKey) (kept *slot, waits bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if s := o.slots[id]; s != nil {
		kept = new(*s)
	}
	return kept, o.waiters[resource] != nil
}

// add counts an instance that restarts though nobody here made it: its resource was another shard's until now.
func (o *rollout) add(id instanceKey, s slot) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.count(id, s)
}

func (o *rollout) count(id instanceKey, s slot) {
	if o.slots[id] == nil {
		o.slots[id] = &s
	}
}

// end says that a resource neither waits nor restarts its instance any more.
func (o *rollout) end(resource resourceKey, id instanceKey) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.leave(resource)
	delete(o.slots, id)
}

// forget drops a resource that does not wait any more. A call that was made counts until its time is over.
func (o *rollout) forget(resource resourceKey, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.leave(resource)
	o.sweep(now)
}

// serve lets those follow who wait, if there is room.
func (o *rollout) serve(now time.Time, limit func() int) {
	o.mu.Lock()
	empty := o.round.empty()
	o.mu.Unlock()
	if empty {
		return
	}
	room := limit()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.grant(room, now, resourceKey{})
}

func (o *rollout) leave(resource resourceKey) {
	w := o.waiters[resource]
	if w == nil {
		return
	}
	delete(o.waiters, resource)
	if !w.granted {
		o.round.leave(w)
	}
	if s := o.slots[w.id]; s != nil && !s.called {
		delete(o.slots, w.id)
	}
}

func (o *rollout) enqueue(w waiter) *waiter {
	o.leave(w.resource)
	o.round.join(&w)
	o.waiters[w.resource] = &w
	return &w
}

// grant gives what is free to those whose turn it is, and wakes them, except the one that asks.
func (o *rollout) grant(limit int, now time.Time, asking resourceKey) {
	o.sweep(now)
	for len(o.slots) < limit && !o.round.empty() {
		w := o.round.pop()
		w.granted = true
		if o.slots[w.id] != nil {
			// Another resource's for the same instance: this one finds it when it asks.
			continue
		}
		o.slots[w.id] = &slot{since: now, until: now.Add(turnTimeout)}
		if w.resource != asking {
			w.wake(w.resource.NamespacedName)
		}
	}
}

// sweep gives back the slots whose time is over.
func (o *rollout) sweep(now time.Time) {
	if now.Sub(o.swept).Abs() >= time.Second {
		o.swept = now
		maps.DeleteFunc(o.slots, func(_ instanceKey, s *slot) bool { return !now.Before(s.until) })
	}
}
