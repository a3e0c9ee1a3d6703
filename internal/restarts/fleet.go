// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package restarts

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/greenapi-operator/greenapi-operator/internal/fairqueue"
	"github.com/greenapi-operator/greenapi-operator/internal/keys"
)

// Rules say how a change goes out in a fleet. Where SlowStart is 0 nothing is held.
type Rules struct {
	// SlowStart is how many lines may restart at once for a first attempt before any ended well (R33).
	SlowStart int
	// BrakeAfter is how many restarts in a row may end badly before no more begin, 0 for any number (R34).
	BrakeAfter int
	// ProbeAfter is how long the brake holds before one line is let through.
	ProbeAfter time.Duration
}

// wellFor is how long a restart that ended well adds to the allowance.
const wellFor = time.Hour

// Line is what the status of a resource says of the restarts of its instance while somebody was logged in. A zero time is never.
type Line struct {
	// Fleet is which one it belongs to.
	Fleet string
	// Started is when the latest began, Well and Badly when the latest ended so.
	Started, Well, Badly time.Time
	// Why says how it ended badly.
	Why string
	// Until is how long the latest counts as under way, zero if it is not. First: it is a first attempt.
	Until time.Time
	First bool
}

// holds reports whether there is anything to know about the line.
func (l *Line) holds() bool { return !l.Started.IsZero() || !l.Well.IsZero() || !l.Badly.IsZero() }

// Failure is a restart that ended badly.
type Failure struct {
	Resource keys.Resource
	At       time.Time
	Why      string
}

// Standing is what follows from the lines of a fleet.
type Standing struct {
	// Allowance is how many lines may restart at once for a first attempt. Halted: the latest ended badly.
	Allowance int
	Halted    bool
	// Probe is when one line is let through while it is halted.
	Probe time.Time
	// Failures are the latest that ended badly in a row, the latest first, and no more than are named.
	Failures []Failure
	// until is how long this holds without any news.
	until time.Time
}

// named is how many failures are named.
const named = 3

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
	if known := f.admitted[ask.Resource]; known != nil {
		if known.fleet == ask.Fleet && (known.probe || ask.Past || !known.until.IsZero() || !f.stand(in, now).Halted) {
			return Answer{OK: true}
		}
		// The brake came in between, or the line belongs to another fleet now.
		f.dismiss(ask.Resource)
	}
	halted := f.stand(in, now).Halted
	if ask.Past || !ask.First && !halted {
		f.leaveQueue(ask.Resource)
		f.admit(ask.Resource, &admission{fleet: ask.Fleet, first: ask.First, probe: ask.Past})
		return Answer{OK: true}
	}
	known := f.waiters[ask.Resource]
	if known == nil || known.fleet != ask.Fleet {
		f.leaveQueue(ask.Resource)
		in = f.of(ask.Fleet)
		known = &waiter{Waiter: ask.Waiter, fleet: ask.Fleet, first: ask.First}
		f.waiters[ask.Resource] = known
		in.queue.Join(&known.Waiter)
	}
	known.news = false
	f.grant(in, now, ask.Resource)
	if f.admitted[ask.Resource] != nil {
		return Answer{OK: true}
	}
	answer := Answer{Ahead: in.queue.Ahead(&known.Waiter), Standing: *f.stand(in, now)}
	// The first one asks when a probe is due, or the time of somebody is over; the others later, in case that it is gone by then.
	switch over := in.firstOver(); {
	case answer.Standing.Halted:
		answer.Again = answer.Standing.Probe.Add(time.Duration(answer.Ahead) * askApart)
	case !over.IsZero():
		answer.Again = over.Add(time.Duration(answer.Ahead) * askApart)
	}
	return answer
}

// askApart is how much later each further one asks for itself.
const askApart = 10 * time.Second

// firstOver is when the first time of those who restart is over, zero if none does.
func (in *fleet) firstOver() (at time.Time) {
	for _, a := range in.admitted {
		if !a.until.IsZero() && (at.IsZero() || a.until.Before(at)) {
			at = a.until
		}
	}
	return at
}

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

// Place is where a resource stands in its fleet.
type Place string

// The places. Told is who waits and was woken because it waits for another thing by now.
const (
	Nowhere    Place = ""
	Waiting    Place = "Waiting"
	Told       Place = "Told"
	Admitted   Place = "Admitted"
	Restarting Place = "Restarting"
)

// Look finds where a resource stands.
func (f *Fleets) Look(resource keys.Resource) Place {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch known := f.admitted[resource]; {
	case known != nil && known.until.IsZero():
		return Admitted
	case known != nil:
		return Restarting
	case f.waiters[resource] != nil && f.waiters[resource].news:
		return Told
	case f.waiters[resource] != nil:
		return Waiting
	default:
		return Nowhere
	}
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

func (f *Fleets) of(name string) *fleet {
	in := f.fleets[name]
	if in == nil {
		in = &fleet{lines: map[keys.Resource]*Line{}, admitted: map[keys.Resource]*admission{}, queue: fairqueue.New()}
		f.fleets[name] = in
	}
	return in
}

// tidy forgets a fleet in which there is nothing.
func (f *Fleets) tidy(name string) {
	if in := f.fleets[name]; in != nil && len(in.lines)+len(in.admitted) == 0 && in.queue.Empty() {
		delete(f.fleets, name)
	}
}

func (f *Fleets) drop(resource keys.Resource) {
	line := f.lines[resource]
	if line == nil {
		return
	}
	delete(f.lines, resource)
	in := f.fleets[line.Fleet]
	delete(in.lines, resource)
	in.standing = nil
	f.tidy(line.Fleet)
}

func (f *Fleets) leaveQueue(resource keys.Resource) {
	known := f.waiters[resource]
	if known == nil {
		return
	}
	delete(f.waiters, resource)
	f.fleets[known.fleet].queue.Leave(&known.Waiter)
	f.tidy(known.fleet)
}

func (f *Fleets) admit(resource keys.Resource, a *admission) {
	f.admitted[resource], f.of(a.fleet).admitted[resource] = a, a
}

func (f *Fleets) dismiss(resource keys.Resource) {
	known := f.admitted[resource]
	if known == nil {
		return
	}
	delete(f.admitted, resource)
	delete(f.fleets[known.fleet].admitted, resource)
	f.tidy(known.fleet)
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
		f.admit(resource, &admission{fleet: known.fleet, first: known.first, probe: standing.Halted})
		if resource != asking {
			known.Wake(resource.NamespacedName)
		}
	}
}

// room is how many more may restart. While a fleet is halted that is one at the most, and only while none restarts.
func (f *Fleets) room(in *fleet, standing *Standing, now time.Time) int {
	used := 0
	for resource, a := range in.admitted {
		if !a.until.IsZero() && !now.Before(a.until) {
			// Its time is over, whatever became of it.
			delete(in.admitted, resource)
			delete(f.admitted, resource)
			continue
		}
		if a.first || standing.Halted && (a.probe || !a.until.IsZero()) {
			used++
		}
	}
	switch {
	case !standing.Halted:
		return standing.Allowance - used
	case used == 0 && !now.Before(standing.Probe):
		return 1
	default:
		return 0
	}
}

// stand finds out what follows from the lines of a fleet, unless it is known still.
func (f *Fleets) stand(in *fleet, now time.Time) *Standing {
	if s := in.standing; s != nil && now.Before(s.until) {
		return s
	}
	var well, badly, started time.Time
	for _, line := range in.lines {
		well, badly, started = later(well, line.Well), later(badly, line.Badly), later(started, line.Started)
	}
	s := &Standing{Allowance: f.rules.SlowStart, until: now.Add(wellFor)}
	streak := 0
	for resource, line := range in.lines {
		if over := line.Well.Add(wellFor); line.Well.After(badly) && over.After(now) {
			s.Allowance++
			if over.Before(s.until) {
				s.until = over
			}
		}
		if !line.Badly.IsZero() && !line.Badly.Before(well) {
			streak++
			s.Failures = append(s.Failures, Failure{Resource: resource, At: line.Badly, Why: line.Why})
		}
	}
	slices.SortFunc(s.Failures, func(a, b Failure) int {
		return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.Resource.String(), b.Resource.String()))
	})
	s.Failures = s.Failures[:min(len(s.Failures), named):min(len(s.Failures), named)]
	if f.rules.BrakeAfter > 0 && streak >= f.rules.BrakeAfter {
		s.Allowance, s.Halted, s.Probe = 0, true, later(badly, started).Add(f.rules.ProbeAfter)
	}
	in.standing = s
	return s
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
