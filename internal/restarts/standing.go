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
