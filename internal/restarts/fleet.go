// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package restarts

import (
	"sync"
	"time"

	"github.com/greenapi-operator/greenapi-operator/internal/fairqueue"
	"github.com/greenapi-operator/greenapi-operator/internal/keys"
)

// Fleets decide how many lines of a fleet may restart at once. They know nothing that is not in the status of the resources.
// Who is held waits in the queue of the fleet, in which namespaces take turns. It keeps no place at the vendor: a turn comes
// after it.
type Fleets struct {
	rules Rules

	mu     sync.Mutex
	fleets map[string]*fleet
	lines  map[keys.Resource]*Line
	// waiters are those who wait, by the fleet in which they do.
	waiters map[keys.Resource]*waiter
	// admitted are those who were let through and have not ended.
	admitted map[keys.Resource]*admission
}

type waiter struct {
	fairqueue.Waiter
	fleet string
	first bool
	// news: what it waits for is another thing than when it asked.
	news bool
}

// admission is one who was let through.
type admission struct {
	fleet string
	// first counts against the allowance. probe: it was let through the brake, or by a person.
	first, probe bool
	// until is how long it counts, zero while it has not begun.
	until time.Time
	// woken is when it was let through without asking, zero once it has asked: one that does not come keeps its place no longer
	// than a turn.
	woken time.Time
}

type fleet struct {
	lines    map[keys.Resource]*Line
	admitted map[keys.Resource]*admission
	queue    *fairqueue.Queue
	standing *Standing
	// halted is what those who wait were told.
	halted bool
}

// NewFleets returns fleets in which nothing has happened.
func NewFleets(rules Rules) *Fleets {
	return &Fleets{rules: rules, fleets: map[string]*fleet{}, lines: map[keys.Resource]*Line{}, waiters: map[keys.Resource]*waiter{}, admitted: map[keys.Resource]*admission{}}
}

// Ask is what somebody asks with who wants to restart a line.
type Ask struct {
	fairqueue.Waiter
	Fleet string
	// First: it is a first attempt. A further one of a series is held by the brake alone.
	First bool
	// Past: a person asked for it to go now.
	Past bool
}

// Answer says whether somebody may go on.
type Answer struct {
	OK bool
	// Ahead is about how many come before.
	Ahead int
	// Standing is why not.
	Standing Standing
	// Again is when to ask again if nobody was woken before, zero for any time.
	Again time.Time
}

// Ask returns whether a line may restart now, as far as its fleet is concerned. If not, it waits, and is woken when it may.
func (f *Fleets) Ask(ask Ask, now time.Time) Answer {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.rules.SlowStart == 0 {
		return Answer{OK: true}
	}
	in := f.of(ask.Fleet)
	defer f.tidy(ask.Fleet)
	halted := f.stand(in, now).Halted
	if known := f.admitted[ask.Resource]; known != nil {
		if known.fleet == ask.Fleet && !known.over(now) && (!halted || ask.Past || known.passesBrake()) {
			known.woken = time.Time{}
			return Answer{OK: true}
		}
		// The brake came in between, its time is over, or the line belongs to another fleet now.
		f.dismiss(ask.Resource)
	}
	if ask.Past || !ask.First && !halted {
		f.leaveQueue(ask.Resource)
		f.admit(ask.Resource, &admission{fleet: ask.Fleet, first: ask.First, probe: ask.Past})
		return Answer{OK: true}
	}
	in, known := f.join(ask)
	f.grant(in, now, ask.Resource)
	if f.admitted[ask.Resource] != nil {
		return Answer{OK: true}
	}
	answer := Answer{Ahead: in.queue.Ahead(&known.Waiter), Standing: *f.stand(in, now)}
	if at := in.news(&answer.Standing, now); !at.IsZero() {
		// Others later, in case that what there was is gone by then.
		answer.Again = at.Add(time.Duration(answer.Ahead) * askApart)
	}
	return answer
}

// join puts somebody into the queue of its fleet who is not there yet.
func (f *Fleets) join(ask Ask) (*fleet, *waiter) {
	known := f.waiters[ask.Resource]
	if known == nil || known.fleet != ask.Fleet {
		f.leaveQueue(ask.Resource)
		known = &waiter{Waiter: ask.Waiter, fleet: ask.Fleet, first: ask.First}
		f.waiters[ask.Resource] = known
		f.of(ask.Fleet).queue.Join(&known.Waiter)
	}
	known.news = false
	return f.of(ask.Fleet), known
}

// passesBrake reports whether somebody goes on whatever ended badly meanwhile: it has begun, is the probe, or goes by a person's word.
func (a *admission) passesBrake() bool { return a.probe || !a.until.IsZero() }

// end is when the time of a restart is over, whatever became of it, or that of somebody who was woken and does not come; zero if
// neither is so.
func (a *admission) end() time.Time {
	if a.until.IsZero() && !a.woken.IsZero() {
		return a.woken.Add(turnTimeout)
	}
	return a.until
}

// over reports whether its time is over.
func (a *admission) over(now time.Time) bool { return !a.end().IsZero() && !now.Before(a.end()) }

// askApart is how much later each further one asks for itself.
const askApart = 10 * time.Second

// Begin says that a call is made: until then the line counts as restarting.
func (f *Fleets) Begin(resource keys.Resource, until time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if known := f.admitted[resource]; known != nil {
		known.until = until
	}
}

// Note says what a status says of a line by now.
func (f *Fleets) Note(resource keys.Resource, line Line) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.note(resource, line)
}

func (f *Fleets) note(resource keys.Resource, line Line) {
	known := f.lines[resource]
	if known == nil && !line.holds() || known != nil && *known == line {
		return
	}
	f.drop(resource)
	if !line.holds() {
		return
	}
	in := f.of(line.Fleet)
	f.lines[resource], in.lines[resource], in.standing = &line, &line, nil
	if !line.Until.IsZero() && f.admitted[resource] == nil {
		// A process before this one made it.
		f.admit(resource, &admission{fleet: line.Fleet, first: line.First, until: line.Until})
	}
}

// Release says that a resource neither waits nor restarts its instance any more.
func (f *Fleets) Release(resource keys.Resource) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.leaveQueue(resource)
	f.dismiss(resource)
}

// StopWaiting says that a resource waits for nothing any more. A call that was made counts until its time is over.
func (f *Fleets) StopWaiting(resource keys.Resource) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.leaveQueue(resource)
	if known := f.admitted[resource]; known != nil && known.until.IsZero() {
		f.dismiss(resource)
	}
}

// Forget drops a resource that is gone.
func (f *Fleets) Forget(resource keys.Resource) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.leaveQueue(resource)
	f.dismiss(resource)
	f.drop(resource)
}

// Grant lets those follow who may, and wakes them.
func (f *Fleets) Grant(now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.waiters) == 0 {
		return
	}
	for _, in := range f.fleets {
		if !in.queue.Empty() {
			f.grant(in, now, keys.Resource{})
		}
	}
}

// Standing is what follows from the lines of a fleet now.
func (f *Fleets) Standing(name string, now time.Time) Standing {
	f.mu.Lock()
	defer f.mu.Unlock()
	in := f.fleets[name]
	if in == nil || f.rules.SlowStart == 0 {
		return Standing{Allowance: f.rules.SlowStart}
	}
	return *f.stand(in, now)
}

// Waiting is how many of each kind wait in fleets that are not halted, and how many fleets are halted in which somebody waits.
func (f *Fleets) Waiting(now time.Time) (waiting map[string]int, halted int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	waiting = map[string]int{}
	stopped := map[string]bool{}
	for name, in := range f.fleets {
		if !in.queue.Empty() && f.stand(in, now).Halted {
			stopped[name] = true
		}
	}
	for resource, known := range f.waiters {
		if !stopped[known.fleet] {
			waiting[resource.Kind]++
		}
	}
	return waiting, len(stopped)
}

// grant lets as many of a fleet follow as may, and wakes them, except the one that asks.
func (f *Fleets) grant(in *fleet, now time.Time, asking keys.Resource) {
	if halted := f.stand(in, now).Halted; halted != in.halted {
		in.halted = halted
		// What they show they wait for is another thing now.
		for resource, known := range f.waiters {
			if f.fleets[known.fleet] == in && resource != asking {
				known.news = true
				known.Wake(resource.NamespacedName)
			}
		}
	}
	for !in.queue.Empty() {
		standing := f.stand(in, now)
		if f.room(in, standing, now) <= 0 {
			return
		}
		resource := in.queue.Pop().Resource
		known := f.waiters[resource]
		delete(f.waiters, resource)
		a := &admission{fleet: known.fleet, first: known.first, probe: standing.Halted}
		f.admit(resource, a)
		if resource != asking {
			a.woken = now
			known.Wake(resource.NamespacedName)
		}
	}
}
