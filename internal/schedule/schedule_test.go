// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"pgregory.net/rapid"
)

var (
	start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	every = Intervals{State: time.Minute, Settings: 10 * time.Minute}
	state = Looks{State: true}
	both  = Looks{State: true, Settings: true}
)

// looked returns a schedule of an instance whose everything was read at the start.
func looked() *Schedule {
	s := &Schedule{}
	s.Plan(start, Wanted{Version: 1}, false, every)
	s.Begun(start, Everything, 1)
	s.Answered(start, Everything, false)
	s.Looked(start, Everything, every)
	return s
}

// about expects a wait within the jitter of an interval.
func about(interval time.Duration) OmegaMatcher {
	d := float64(interval)
	return And(BeNumerically(">=", time.Duration(0.9*d)-time.Microsecond), BeNumerically("<=", time.Duration(1.1*d)+time.Microsecond))
}

// TestR1WhatIsDue: which methods are read when, case by case.
func TestR1WhatIsDue(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		after  time.Duration
		wanted Wanted
		change func(*Schedule)
		due    Looks
	}{
		"nothing before its time":                            {after: 53 * time.Second},
		"the state after its interval":                       {after: 67 * time.Second, due: state},
		"everything after that of the settings":              {after: 12 * time.Minute, due: Everything},
		"everything for another version":                     {after: time.Second, wanted: Wanted{Version: 2}, due: Everything},
		"everything when somebody asks":                      {after: time.Second, wanted: Wanted{Asked: true}, due: Everything},
		"everything when a turn has come":                    {after: time.Second, wanted: Wanted{Granted: true}, due: Everything},
		"everything after what was read is not known":        {after: time.Second, change: (*Schedule).ReadAll, due: Everything},
		"the statuses of contacts at once":                   {after: time.Second, wanted: Wanted{Statuses: true}, due: Looks{Statuses: true}},
		"state and settings for a decision":                  {after: 30 * time.Second, change: func(s *Schedule) { s.Soon(start, 30*time.Second, true) }, due: both},
		"the state alone for an instance that starts":        {after: 30 * time.Second, change: func(s *Schedule) { s.Soon(start, 30*time.Second, false) }, due: state},
		"no later than planned for a decision":               {after: 67 * time.Second, change: func(s *Schedule) { s.Soon(start, time.Hour, false) }, due: state},
		"nothing for a decision without a look":              {after: 53 * time.Second, change: func(s *Schedule) { s.Soon(start, 0, false) }},
		"everything after a failure, once the wait is over":  {after: 2 * time.Second, change: fail, due: Everything},
		"nothing after a failure before that":                {change: fail},
		"nothing then for a turn either":                     {wanted: Wanted{Granted: true}, change: fail},
		"everything then for who asks":                       {wanted: Wanted{Asked: true}, change: fail, due: Everything},
		"everything then for another version":                {wanted: Wanted{Version: 2}, change: fail, due: Everything},
		"all but the settings while these are limited":       {wanted: Wanted{Asked: true}, change: limit(Looks{Settings: true}), due: Looks{State: true, Account: true}},
		"all but the account while it is limited":            {wanted: Wanted{Asked: true}, change: limit(Looks{Account: true}), due: both},
		"all but these after what was read is not known":     {change: inTurn(limit(Looks{Settings: true}), (*Schedule).ReadAll), due: Looks{State: true, Account: true}},
		"everything for another version whatever is limited": {wanted: Wanted{Version: 2}, change: limit(Looks{Settings: true, Account: true}), due: Everything},
		"everything when who asks lifts the limits":          {wanted: Wanted{Asked: true}, change: inTurn(limit(Looks{Settings: true, Account: true}), (*Schedule).Lift), due: Everything},
		"everything when the limit of the settings is over":  {after: 30 * time.Minute, change: limit(Looks{Settings: true}), due: Everything},
		"everything when a postponed look is due":            {after: 5 * time.Second, change: func(s *Schedule) { s.Postpone(start, 5*time.Second) }, due: Everything},
		"everything soon after the account alone failed":     {after: 2 * time.Second, change: func(s *Schedule) { s.Answered(start, both, true) }, due: Everything},
		"state and account some seconds after a suspension":  {after: 51 * time.Second, change: suspended(20 * time.Second), due: Looks{State: true, Account: true}},
		"nothing at its very end":                            {after: 20 * time.Second, change: suspended(20 * time.Second)},
		"nothing more for one that ended":                    {after: 53 * time.Second, change: suspended(-20 * time.Second)},
		"nothing ever without intervals":                     {after: 1000 * time.Hour, change: func(s *Schedule) { s.Looked(start, Everything, Intervals{}) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, s := NewWithT(t), looked()
			if c.change != nil {
				c.change(s)
			}
			if c.wanted.Version == 0 {
				c.wanted.Version = 1
			}
			g.Expect(s.Due(start.Add(c.after), c.wanted)).To(Equal(c.due))
		})
	}
}

func fail(s *Schedule) {
	s.Failed()
	s.Reads.Failed(start, 0)
}

func limit(of Looks) func(*Schedule) {
	return func(s *Schedule) { s.Limit(of, start.Add(30*time.Minute)) }
}

func inTurn(first, then func(*Schedule)) func(*Schedule) {
	return func(s *Schedule) {
		first(s)
		then(s)
	}
}

func suspended(until time.Duration) func(*Schedule) {
	return func(s *Schedule) {
		s.Looked(start, Everything, Intervals{State: time.Minute, Settings: 10 * time.Minute, SuspendedUntil: start.Add(until)})
	}
}

// TestR1TheFirstLooks: of what is in order the state at once and everything some time within an interval, of the rest
// everything at once.
func TestR1TheFirstLooks(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	for range 100 {
		s := &Schedule{}
		g.Expect(s.Planned()).To(BeFalse())
		s.Plan(start, Wanted{Version: 7}, true, every)
		g.Expect(s.Planned()).To(BeTrue())
		g.Expect(s.full.Sub(start)).To(And(BeNumerically(">=", 0), BeNumerically("<", every.Settings)))
		s.full = start.Add(time.Minute)
		g.Expect(s.Due(start, Wanted{Version: 7})).To(Equal(state))
		g.Expect(s.Begun(start, Everything, 8)).To(BeTrue(), "edited meanwhile")
	}
	s := &Schedule{}
	s.Plan(start, Wanted{Version: 7}, false, every)
	g.Expect(s.Due(start, Wanted{Version: 7})).To(Equal(Everything))
	g.Expect(s.Begun(start, Everything, 7)).To(BeFalse(), "nothing was read before")
	g.Expect(s.Begun(start, Everything, 7)).To(BeFalse())
}

// TestR45EverythingIsReadOnce: what is limited keeps nobody reading the rest again and again, and an edit is known as one even so.
func TestR45EverythingIsReadOnce(t *testing.T) {
	t.Parallel()
	g, one := NewWithT(t), Wanted{Version: 1}
	s := looked()
	s.ReadAll()
	g.Expect(s.Begun(start, both, 1)).To(BeFalse())
	g.Expect(s.Due(start, one)).To(Equal(Everything), "the account was left out")
	s.Limit(Looks{Settings: true}, start.Add(time.Hour))
	rest := Looks{State: true, Account: true}
	g.Expect(s.Due(start, one)).To(Equal(rest))
	g.Expect(s.Begun(start, Looks{State: true, Account: true, Statuses: true}, 1)).To(BeFalse())
	g.Expect(s.Due(start, one)).To(Equal(Looks{}), "all that may be called was read")
	s.ReadAll()
	g.Expect(s.Due(start, Wanted{Version: 2})).To(Equal(Everything), "an edit lifts the limit")
	g.Expect(s.Begun(start, Everything, 2)).To(BeTrue())
	g.Expect(s.Due(start, Wanted{Version: 2})).To(Equal(Looks{}))
}

// TestWhatALookPlans: a look moves what it read, and nothing else.
func TestWhatALookPlans(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	at := func(d time.Duration) time.Time { return start.Add(d) }
	one := Wanted{Version: 1}

	s := looked()
	s.Soon(start, 30*time.Second, true)
	s.Soon(start, time.Hour, true)
	s.Looked(at(20*time.Second), Looks{}, every)
	g.Expect(s.Due(at(30*time.Second), one)).To(Equal(both), "a later decision, and a look at nothing, put nothing off")
	s.Looked(at(30*time.Second), both, every)
	g.Expect(s.Due(at(31*time.Second), one)).To(Equal(Looks{}), "the settings were read")
	g.Expect(s.Next(at(31 * time.Second))).To(BeNumerically("<=", 66*time.Second))

	s = looked()
	s.Looked(at(50*time.Second), Looks{}, every)
	g.Expect(s.Due(at(67*time.Second), one)).To(Equal(state))

	s = looked()
	s.Soon(start, 30*time.Second, true)
	s.Limit(Looks{Settings: true}, at(time.Hour))
	g.Expect(s.Due(at(30*time.Second), one)).To(Equal(Looks{}), "nothing is read instead of settings that are limited")

	s = looked()
	s.Limit(Looks{Account: true}, at(time.Hour))
	g.Expect(s.Full(start, both)).To(BeTrue(), "what is limited is not waited for")
	g.Expect(s.Full(at(time.Hour), both)).To(BeFalse())
	s.Answered(start, both, true)
	g.Expect(s.Due(at(2*time.Second), one)).To(Equal(Looks{}), "nor asked for again before its time")

	s = looked()
	for range 9 {
		s.Answered(start, both, true)
	}
	g.Expect(s.Due(at(53*time.Second), one)).To(Equal(Looks{}))
	s.Answered(start, Everything, false)
	s.Answered(start, both, true)
	g.Expect(s.Due(at(2*time.Second), one)).To(Equal(Everything), "an account that was read begins anew")

	s = &Schedule{}
	s.Failed()
	s.Reads.Failed(start, 0)
	g.Expect(s.Next(start)).To(about(time.Second), "a failure is tried again, whatever the intervals")
	s.Recovered()
	g.Expect(s.Failing()).To(BeFalse())
	g.Expect(s.Next(start)).To(BeZero())

	s = looked()
	withStatuses := Intervals{State: time.Minute, Settings: 10 * time.Minute, Statuses: time.Hour}
	s.Looked(start, Looks{Statuses: true}, withStatuses)
	s.Looked(at(30*time.Minute), state, withStatuses)
	g.Expect(s.Due(at(67*time.Minute), Wanted{Version: 1, Statuses: true}).Statuses).To(BeTrue(), "another look does not put them off")
	s.Looked(at(67*time.Minute), Looks{Statuses: true}, withStatuses)
	g.Expect(s.Due(at(68*time.Minute), Wanted{Version: 1, Statuses: true}).Statuses).To(BeFalse())
	s.Looked(at(68*time.Minute), Looks{}, every)
	g.Expect(s.Due(at(68*time.Minute), Wanted{Version: 1, Statuses: true}).Statuses).To(BeTrue(), "asked for anew")
}

// TestTheBackoff: how long the next call waits, kind by kind.
func TestTheBackoff(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	var b Backoff
	g.Expect(b.Rest(start)).To(BeZero())
	for _, want := range []int{1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300} {
		g.Expect(b.Failed(start, 0)).To(about(time.Duration(want) * time.Second))
	}
	g.Expect(b.Failed(start, time.Hour)).To(Equal(time.Hour), "the vendor's word")
	g.Expect(b.Rest(start.Add(time.Minute))).To(Equal(59 * time.Minute))
	g.Expect(b.Rest(start.Add(2 * time.Hour))).To(BeZero())
	for _, want := range []int{1, 2, 4, 8, 16, 32, 60, 60} {
		g.Expect(b.Throttled(start, 0)).To(about(time.Duration(want)*time.Second), "counted apart from failures")
	}
	g.Expect(b.Throttled(start, time.Minute)).To(Equal(time.Minute))
	g.Expect(b.RefusedBefore()).To(BeFalse())
	g.Expect([]int{b.Refused(), b.Refused()}).To(Equal([]int{1, 2}))
	g.Expect(b.RefusedBefore()).To(BeTrue())
	b.ForgetRefusals()
	g.Expect(b.RefusedBefore()).To(BeFalse())
	g.Expect(b.Wait(start, time.Second)).To(Equal(b.Rest(start)))
}

// TestAScheduleInAnyOrder plays random histories of readings, failures, limits, decisions and clocks that are set back:
// nothing is read before its retry unless somebody asks, what a decision waits for is never further away than its bound, and
// the look that Next promises is due when it says so, however the clock was set.
func TestAScheduleInAnyOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s, now := &Schedule{}, start
		// retry and pending are in the time that really passed, which no clock shows.
		elapsed, retry, limited, pending := time.Duration(0), time.Duration(0), time.Duration(0), time.Duration(-1)
		duration := func(name string, most time.Duration) time.Duration {
			return time.Duration(rapid.Int64Range(1, int64(most)).Draw(t, name))
		}
		pass := func(d time.Duration) { now, elapsed = now.Add(d), elapsed+d }
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			wanted := Wanted{Version: 1, Asked: rapid.IntRange(0, 9).Draw(t, "asked") == 0}
			if !s.Planned() {
				s.Plan(now, wanted, rapid.Bool().Draw(t, "in order"), every)
			}
			due := s.Due(now, wanted)
			if due.Any() && !wanted.Asked && s.version == wanted.Version && elapsed < retry {
				t.Fatalf("read %v, %s before the retry", due, retry-elapsed)
			}
			if due.Any() {
				s.Begun(now, due, 1)
				switch rapid.IntRange(0, 4).Draw(t, "answer") {
				case 0:
					s.Failed()
					retry = elapsed + s.Reads.Failed(now, 0)
				case 1:
					s.Failed()
					retry = elapsed + s.Reads.Throttled(now, duration("retry after", time.Hour))
				case 2:
					wait := duration("limit", time.Hour)
					s.Limit(Looks{Settings: true}, now.Add(wait))
					limited = elapsed + wait
					s.Looked(now, state, every)
				default:
					s.Answered(now, due, false)
					s.Recovered()
					retry, pending = 0, -1
					s.Looked(now, due, every)
					if due.Settings && rapid.Bool().Draw(t, "pending") {
						wait := duration("look again", 5*time.Minute)
						s.Soon(now, wait, rapid.Bool().Draw(t, "settings"))
						pending = elapsed + wait
					}
				}
			}
			if rapid.IntRange(0, 5).Draw(t, "set back") == 0 {
				now = now.Add(-duration("by", 48*time.Hour))
			}
			next := s.Next(now)
			if next <= 0 {
				t.Fatalf("no look follows")
			}
			if bound := max(pending, retry, limited) - elapsed; pending >= elapsed && next > bound+time.Millisecond {
				t.Fatalf("what is pending in %s is looked at in %s", bound, next)
			}
			if most := max(11*every.Settings/10, retry-elapsed, time.Hour); next > most {
				t.Fatalf("the next look is in %s", next)
			}
			if rapid.Bool().Draw(t, "early") {
				pass(duration("early by", next))
				continue
			}
			pass(next)
			if !s.Due(now, Wanted{Version: 1}).Any() {
				t.Fatalf("nothing is due when Next said so")
			}
		}
	})
}

// TestR8TheLookAfterASuspension comes from 5 to 30 seconds after its end, and not at all if that is over.
func TestR8TheLookAfterASuspension(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	until := start.Add(time.Hour)
	soonest, latest := time.Hour, time.Duration(0)
	for range 2000 {
		rest := afterSuspension(start, until).Sub(until)
		soonest, latest = min(soonest, rest), max(latest, rest)
	}
	g.Expect(soonest).To(And(BeNumerically(">=", 5*time.Second), BeNumerically("<", 8*time.Second)))
	g.Expect(latest).To(And(BeNumerically("<=", 30*time.Second), BeNumerically(">", 27*time.Second)))
	g.Expect(afterSuspension(start, start)).To(BeZero())
	g.Expect(afterSuspension(start, time.Time{})).To(BeZero())
}

// TestR43OnlyIntervalsAskForALook: what is quiet has nothing pending, and was read for what is wished.
func TestR43OnlyIntervalsAskForALook(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	g.Expect(looked().Quiet(1)).To(BeTrue())
	g.Expect(looked().Quiet(2)).To(BeFalse(), "something else is wished")
	for name, upset := range map[string]func(*Schedule){
		"everything is to be read": func(s *Schedule) { s.ReadAll() },
		"it failed":                func(s *Schedule) { s.Failed() },
		"settings are awaited":     func(s *Schedule) { s.settings = start },
		"the account is awaited":   func(s *Schedule) { s.account = start },
	} {
		s := looked()
		upset(s)
		g.Expect(s.Quiet(1)).To(BeFalse(), name)
	}
	without := every
	without.Settings = 0
	s := &Schedule{}
	s.Plan(start, Wanted{Version: 1}, true, without)
	g.Expect(s.full).To(BeZero(), "everything is never read by itself")
}
