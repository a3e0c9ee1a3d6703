// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package restarts bounds how many instances restart at once because of this operator (R28). It knows of keys and times only.
package restarts

import (
	"maps"
	"sync"
	"time"

	"github.com/greenapi-operator/greenapi-operator/internal/fairqueue"
	"github.com/greenapi-operator/greenapi-operator/internal/keys"
)

// turnTimeout is how long a turn is kept for a resource whose pass does not come, callTimeout how long for one that stores
// its intent: as long as that may take, and more.
const (
	turnTimeout = 2 * time.Minute
	callTimeout = time.Minute
)

// countEvery is how old the number of resources may be that a percentage is of.
const countEvery = 10 * time.Second

// Budget bounds how many instances restart at once because of this operator. Who finds no room waits in the queue of its
// namespace; the namespaces take turns, so that one with thousands of instances does not hold up another's single one.
// It knows nothing that is not in the status of the resources, from which a new process fills it.
type Budget struct {
	mu sync.Mutex
	// filled: what the process before this one began is known.
	filled bool
	slots  map[keys.Instance]*Slot
	// waiters are those who wait, and those whose turn has come and who have not used it yet.
	waiters map[keys.Resource]*fairqueue.Waiter
	queue   *fairqueue.Queue
	// swept is when slots were last looked through for those whose time is over.
	swept time.Time
	// total is how many resources there were when they were counted.
	total   int
	counted time.Time
}

// Slot is one instance that may be restarting.
type Slot struct {
	// Since is when it was given, Until when its time is over, whatever happens.
	Since, Until time.Time
	// Started: the call was made, or is about to be. Until then the slot is only kept for somebody.
	Started bool
	// Reboot: it is for a reboot, whose end shows in the state alone.
	Reboot bool
}

// NewBudget returns a budget of which nothing is used.
func NewBudget() *Budget {
	return &Budget{slots: map[keys.Instance]*Slot{}, waiters: map[keys.Resource]*fairqueue.Waiter{}, queue: fairqueue.New()}
}

// Size returns how many resources there are, counted anew when that is some seconds old.
func (b *Budget) Size(now time.Time, count func() (int, error)) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if age := now.Sub(b.counted); age >= 0 && age < countEvery {
		return b.total, nil
	}
	total, err := count()
	if err != nil {
		return 0, err
	}
	b.total, b.counted = total, now
	return total, nil
}

// Fill makes known what is restarting already, once.
func (b *Budget) Fill(restarting func(add func(keys.Instance, Slot)) error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.filled {
		return nil
	}
	err := restarting(b.count)
	b.filled = err == nil
	return err
}

// Acquire asks for a slot of limit many. It returns true if the instance may restart now, else about how many are ahead; the
// resource then waits, and is woken when its turn has come.
func (b *Budget) Acquire(w fairqueue.Waiter, limit int, now time.Time) (ahead int, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.use(w.Instance, now) {
		return 0, true
	}
	delete(b.slots, w.Instance)
	known := b.waiters[w.Resource]
	if known == nil || known.Instance != w.Instance || !known.Waits() {
		known = b.enqueue(w)
	}
	b.grant(limit, now, w.Resource)
	if !known.Waits() {
		return 0, b.use(w.Instance, now)
	}
	return b.queue.Ahead(known), false
}

// use reports whether a slot is kept for an instance. It stays for as long as it takes to store an intent, so that nobody
// else gets it meanwhile; but only if the turn is not over, so that one whose intent is never stored does not keep it.
func (b *Budget) use(id keys.Instance, now time.Time) bool {
	s := b.slots[id]
	if s == nil || !now.Before(s.Until) || !s.Started && !now.Before(s.Since.Add(turnTimeout)) {
		return false
	}
	if until := now.Add(callTimeout); !s.Started && s.Until.Before(until) {
		s.Until = until
	}
	return true
}

// Start says that the call is made: from now until then the instance counts as restarting.
func (b *Budget) Start(w fairqueue.Waiter, reboot bool, now, until time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.waiters, w.Resource)
	b.slots[w.Instance] = &Slot{Since: now, Until: until, Started: true, Reboot: reboot}
}

// Look finds what is kept for an instance, nil if nothing is, and whether the resource waits.
func (b *Budget) Look(resource keys.Resource, id keys.Instance) (kept *Slot, waits bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.slots[id]; s != nil {
		kept = new(*s)
	}
	return kept, b.waiters[resource] != nil
}

// Add counts an instance that restarts though nobody here made it: its resource was another shard's until now.
func (b *Budget) Add(id keys.Instance, s Slot) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.count(id, s)
}

func (b *Budget) count(id keys.Instance, s Slot) {
	if b.slots[id] == nil {
		b.slots[id] = &s
	}
}

// Release says that a resource neither waits nor restarts its instance any more.
func (b *Budget) Release(resource keys.Resource, id keys.Instance) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.leave(resource)
	delete(b.slots, id)
}

// Forget drops a resource that does not wait any more. A call that was made counts until its time is over.
func (b *Budget) Forget(resource keys.Resource, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.leave(resource)
	b.sweep(now)
}

// GrantFree lets those follow who wait, if there is room.
func (b *Budget) GrantFree(now time.Time, limit func() int) {
	b.mu.Lock()
	empty := b.queue.Empty()
	b.mu.Unlock()
	if empty {
		return
	}
	room := limit()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.grant(room, now, keys.Resource{})
}

func (b *Budget) leave(resource keys.Resource) {
	w := b.waiters[resource]
	if w == nil {
		return
	}
	delete(b.waiters, resource)
	if w.Waits() {
		b.queue.Leave(w)
	}
	if s := b.slots[w.Instance]; s != nil && !s.Started {
		delete(b.slots, w.Instance)
	}
}

func (b *Budget) enqueue(w fairqueue.Waiter) *fairqueue.Waiter {
	b.leave(w.Resource)
	b.queue.Join(&w)
	b.waiters[w.Resource] = &w
	return &w
}

// grant gives what is free to those whose turn it is, and wakes them, except the one that asks.
func (b *Budget) grant(limit int, now time.Time, asking keys.Resource) {
	b.sweep(now)
	for len(b.slots) < limit && !b.queue.Empty() {
		w := b.queue.Pop()
		if b.slots[w.Instance] != nil {
			// Another resource's for the same instance: this one finds it when it asks.
			continue
		}
		b.slots[w.Instance] = &Slot{Since: now, Until: now.Add(turnTimeout)}
		if w.Resource != asking {
			w.Wake(w.Resource.NamespacedName)
		}
	}
}

// sweep gives back the slots whose time is over.
func (b *Budget) sweep(now time.Time) {
	if now.Sub(b.swept).Abs() >= time.Second {
		b.swept = now
		maps.DeleteFunc(b.slots, func(_ keys.Instance, s *Slot) bool { return !now.Before(s.Until) })
	}
}

// Waiting is how many resources of each kind wait for their turn.
func (b *Budget) Waiting() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	waiting := map[string]int{}
	for resource, w := range b.waiters {
		if w.Waits() {
			waiting[resource.Kind]++
		}
	}
	return waiting
}

// Len is how many slots are taken, and how many resources wait or have a turn that they have not used.
func (b *Budget) Len() (slots, waiters int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.slots), len(b.waiters)
}
