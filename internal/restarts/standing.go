// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package restarts

import (
	"cmp"
	"slices"
	"time"

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
	// Why says how it ended badly, and Lasted for how long it seemed to have ended well before.
	Why    string
	Lasted time.Duration
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
	// until is how long this holds without any news, and proven when a restart has lasted long enough to count, zero where none has to.
	until, proven time.Time
}

// named is how many failures are named.
const named = 3

// room is how many more may restart. While a fleet is halted that is one at the most, and only while none restarts.
func (f *Fleets) room(in *fleet, standing *Standing, now time.Time) int {
	used := 0
	for resource, a := range in.admitted {
		if a.over(now) {
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
	s := &Standing{Allowance: f.rules.SlowStart, until: now.Add(wellFor)}
	proof := in.proof(now)
	var well, badly, started time.Time
	for _, line := range in.lines {
		badly, started = later(badly, line.Badly), later(started, line.Started)
		if proven := line.Well.Add(proof); !proven.After(now) {
			well = later(well, line.Well)
		} else if !line.Well.IsZero() {
			s.until = sooner(s.until, proven)
			s.proven = s.until
		}
	}
	streak := 0
	for resource, line := range in.lines {
		if over := line.Well.Add(wellFor); line.Well.After(badly) && !line.Well.Add(proof).After(now) && over.After(now) {
			s.Allowance++
			s.until = sooner(s.until, over)
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

// news is when somebody who waits may go by the time alone, zero if that is not known: a probe is due, the time of somebody is over, or
// a restart has lasted long enough to count.
func (in *fleet) news(s *Standing, now time.Time) time.Time {
	at := in.firstOver()
	if s.Halted && s.Probe.After(now) {
		at = s.Probe
	}
	if !s.proven.IsZero() && (at.IsZero() || s.proven.Before(at)) {
		at = s.proven
	}
	return at
}

// firstOver is when the first time of those who were let through is over, zero if none has one.
func (in *fleet) firstOver() (at time.Time) {
	for _, a := range in.admitted {
		if end := a.end(); !end.IsZero() && (at.IsZero() || end.Before(at)) {
			at = end
		}
	}
	return at
}

// proof is for how long a restart has to have ended well before that counts. It is 0, unless one that seemed to have ended well turned
// bad: then others may yet, and it is twice as long as that took, until one that began later has lasted so long.
func (in *fleet) proof(now time.Time) (proof time.Duration) {
	for _, bad := range in.lines {
		if wanted := 2 * bad.Lasted; wanted > proof && !in.lasts(bad.Badly, wanted, now) {
			proof = wanted
		}
	}
	return proof
}

// lasts reports whether a restart that began after some time ended well and has lasted.
func (in *fleet) lasts(since time.Time, wanted time.Duration, now time.Time) bool {
	for _, line := range in.lines {
		if line.Started.After(since) && line.Well.After(line.Started) && now.Sub(line.Well) >= wanted {
			return true
		}
	}
	return false
}

func sooner(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
