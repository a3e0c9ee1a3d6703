// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package schedule says when what is read of an instance, when a failed call is made again, and how far apart calls are (R1, R3). It
// knows of keys and times only.
package schedule

import (
	"math/rand/v2"
	"time"
)

// Looks are the things that can be read of an instance.
type Looks struct{ State, Settings, Account, Statuses bool }

// Everything is all that a decision may depend on.
var Everything = Looks{State: true, Settings: true, Account: true}

// Any reports whether anything is read.
func (l Looks) Any() bool { return l != Looks{} }

// Core leaves out what no decision depends on.
func (l Looks) Core() Looks {
	l.Statuses = false
	return l
}

// Count is how many calls it takes.
func (l Looks) Count() int {
	n := 0
	for _, look := range []bool{l.State, l.Settings, l.Account, l.Statuses} {
		if look {
			n++
		}
	}
	return n
}

// Wanted is what asks for a look besides the time.
type Wanted struct {
	// Version is that of what is wished. Everything is read if it is another than at the latest full look.
	Version int64
	// Asked: somebody asked for a look now, whatever failed before.
	Asked bool
	// Granted: what a write waited for has come.
	Granted bool
	// Statuses: the statuses of contacts are read as well.
	Statuses bool
}

// Intervals lie between two looks; 0 is never.
type Intervals struct {
	// State and Settings are of the state alone and of everything, Statuses of the statuses of contacts.
	State, Settings, Statuses time.Duration
	// SuspendedUntil is when a suspension ends, zero for none.
	SuspendedUntil time.Time
}

// Schedule is when what is read of one instance. Its zero value has planned nothing. It is not safe for concurrent use.
type Schedule struct {
	// Reads is what is remembered of failed readings.
	Reads Backoff

	// When the state is due, state and settings (while something is pending), state and account (right after a
	// suspension), everything, and the statuses of contacts. A zero time is never.
	state, settings, account, full, statuses time.Time
	// parked is when a decision that waits for nothing else is made anew, from everything.
	parked time.Time
	// noSettings and noAccount are until when the vendor does not want these methods to be called.
	noSettings, noAccount time.Time
	// version is the one of the latest full look, 0 before it.
	version int64
	planned bool
	// all: everything is to be read at once.
	all     bool
	failing bool
	// accountFailures are those of the account in a row.
	accountFailures int
	// latest is the latest time that was told: a clock that goes back is known by it.
	latest time.Time
}

// Planned reports whether the first looks are planned.
func (s *Schedule) Planned() bool { return s.planned }

// Failing reports whether the latest look failed.
func (s *Schedule) Failing() bool { return s.failing }

// Plan plans the first looks of this process at an instance. Of one that is in order by the word of its status the state is read
// at once, and everything some time within the interval of the settings, so that a new process does not read everything of
// everybody at once.
func (s *Schedule) Plan(now time.Time, w Wanted, inOrder bool, every Intervals) {
	s.planned, s.state = true, now
	if !inOrder {
		s.ReadAll()
		return
	}
	s.version, s.account = w.Version, afterSuspension(now, every.SuspendedUntil)
	if every.Settings > 0 {
		s.full = now.Add(rand.N(every.Settings))
	}
}

// Quiet reports whether nothing but the intervals asks for a look: nothing failed, nothing is pending, and everything was read
// for this version of what is wished.
func (s *Schedule) Quiet(version int64) bool {
	return s.version == version && !s.all && !s.failing && s.settings.IsZero() && s.account.IsZero()
}

// ReadAll makes the next look one at everything that may be called, at once.
func (s *Schedule) ReadAll() { s.all = true }

// Due says what is to be read now.
func (s *Schedule) Due(now time.Time, w Wanted) Looks {
	s.follow(now)
	if s.edited(w.Version) {
		s.Lift()
	}
	due := s.Permitted(now, s.core(now, w))
	due.Statuses = w.Statuses && !s.statuses.After(now)
	return due
}

// edited reports whether a look at everything was made with another version of what is wished.
func (s *Schedule) edited(version int64) bool { return s.version != 0 && s.version != version }

// core is what of Everything is to be read now.
func (s *Schedule) core(now time.Time, w Wanted) Looks {
	reached := func(at time.Time) bool { return !at.IsZero() && !at.After(now) }
	switch {
	case w.Asked || s.all || s.version != w.Version:
		return Everything
	case now.Before(s.Reads.retryAt):
		return Looks{}
	case w.Granted, s.failing && (reached(s.Reads.retryAt) || reached(s.state)), reached(s.full), reached(s.parked):
		return Everything
	}
	due := Looks{Settings: reached(s.settings), Account: reached(s.account)}
	due.State = due.Any() || reached(s.state)
	return due
}

// Permitted leaves out the methods that the vendor does not want to be called for a while.
func (s *Schedule) Permitted(now time.Time, l Looks) Looks {
	l.Settings = l.Settings && !now.Before(s.noSettings)
	l.Account = l.Account && !now.Before(s.noAccount)
	return l
}

// Full reports whether looks are at all that a decision depends on: the account may be missing where it may not be called now.
func (s *Schedule) Full(now time.Time, l Looks) bool {
	return l.State && l.Settings && (l.Account || now.Before(s.noAccount))
}

// Begun notes with which version a look is made, if that is at everything that may be called. It reports whether an earlier one was made
// with another version.
func (s *Schedule) Begun(now time.Time, l Looks, version int64) (edited bool) {
	if l.Core() != s.Permitted(now, Everything) {
		return false
	}
	edited = s.edited(version)
	s.version, s.all = version, false
	return edited
}

// Limit has the settings, or the account, not be called for a while: the vendor asked for it. Everything is looked at when the
// settings may be again.
func (s *Schedule) Limit(of Looks, until time.Time) {
	if of.Settings {
		s.noSettings, s.full, s.settings = until, until, time.Time{}
	}
	if of.Account {
		s.noAccount = until
	}
}

// Lift has the settings and the account be called again, whatever the vendor asked for: somebody asks, or wishes for something else.
func (s *Schedule) Lift() { s.noSettings, s.noAccount = time.Time{}, time.Time{} }

// Answered notes that the vendor answers. The account is asked for again soon where it alone could not be read.
func (s *Schedule) Answered(now time.Time, read Looks, accountFailed bool) {
	s.Reads = Backoff{}
	if read.Account {
		s.accountFailures = 0
	}
	if accountFailed && !now.Before(s.noAccount) {
		s.accountFailures++
		s.full = now.Add(Doubling(s.accountFailures, longestBackoff))
	}
}

// Postpone has everything be read after a while.
func (s *Schedule) Postpone(now time.Time, wait time.Duration) { s.full = now.Add(wait) }

// Failed makes the next look one at everything, once the backoff allows it.
func (s *Schedule) Failed() { s.failing = true }

// Recovered ends that.
func (s *Schedule) Recovered() { s.failing = false }

// Looked plans the next looks after these.
func (s *Schedule) Looked(now time.Time, read Looks, every Intervals) {
	if read.State {
		s.state = after(now, every.State)
	}
	if read.Settings {
		s.settings = time.Time{}
	}
	if every.Statuses == 0 {
		s.statuses = time.Time{}
	} else if read.Statuses {
		s.statuses = after(now, every.Statuses)
	}
	if s.Full(now, read) {
		s.full = after(now, every.Settings)
	}
	if read.Account {
		s.account = afterSuspension(now, every.SuspendedUntil)
	}
}

// Soon has a decision be looked after: the state after a while, with the settings if they are pending. What is due earlier
// stays so, and so does everything where the wait is 0.
func (s *Schedule) Soon(now time.Time, wait time.Duration, settings bool) {
	switch {
	case wait <= 0:
	case settings:
		s.settings = earliest(s.settings, now.Add(wait))
	default:
		s.state = earliest(s.state, now.Add(wait))
	}
}

// Park has everything be looked at after a while, however often it is looked at meanwhile: a decision waits for nothing but that
// time. It is never where the wait is 0.
func (s *Schedule) Park(now time.Time, wait time.Duration) {
	s.parked = time.Time{}
	if wait > 0 {
		s.parked = now.Add(wait)
	}
}

// Parked reports whether the time has come for which a decision was parked.
func (s *Schedule) Parked(now time.Time) bool {
	s.follow(now)
	return !s.parked.IsZero() && !s.parked.After(now)
}

// Next is how long to wait for the next look, at least a millisecond; 0 if none is due ever.
func (s *Schedule) Next(now time.Time) time.Duration {
	s.follow(now)
	at := earliest(earliest(earliest(s.state, s.settings), earliest(s.account, s.full)), earliest(s.statuses, s.parked))
	if s.failing {
		at = earliest(at, s.Reads.retryAt)
	}
	if at.IsZero() {
		return 0
	}
	if at.Before(s.Reads.retryAt) {
		at = s.Reads.retryAt
	}
	return max(at.Sub(now), time.Millisecond)
}

// follow follows a clock that went back, so that no wait becomes longer by it.
func (s *Schedule) follow(now time.Time) {
	if back := s.latest.Sub(now); !s.latest.IsZero() && back > 0 {
		for _, at := range []*time.Time{&s.state, &s.settings, &s.account, &s.full, &s.statuses, &s.parked, &s.noSettings, &s.noAccount, &s.Reads.retryAt} {
			if !at.IsZero() {
				*at = at.Add(-back)
			}
		}
	}
	s.latest = now
}

// The look after a suspension comes within these times after its end.
const afterSuspensionLeast, afterSuspensionMost = 5 * time.Second, 30 * time.Second

// afterSuspension is when state and account are looked at once after a suspension's end (R8): a few seconds later, so that
// the vendor has ended it, and not with everybody else at once. It is never if no end lies in the future.
func afterSuspension(now, until time.Time) time.Time {
	if !until.After(now) {
		return time.Time{}
	}
	return until.Add(afterSuspensionLeast + rand.N(afterSuspensionMost-afterSuspensionLeast))
}

// after is when an interval is over, with jitter; never for an interval of 0.
func after(now time.Time, interval time.Duration) time.Time {
	if interval == 0 {
		return time.Time{}
	}
	return now.Add(Jitter(interval))
}

// earliest returns the earlier of two times; a zero time is never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
