// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
)

// TestR37WhatAHistoryTells: times are seconds after a beginning. The last look was at 60.9 and the present one is at 120.5.
func TestR37WhatAHistoryTells(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)
	at := func(seconds float64) time.Time { return start.Add(time.Duration(seconds * float64(time.Second))) }
	const auth, not, blocked, starting = "authorized", "notAuthorized", "blocked", "starting"
	type row struct {
		state string
		at    float64
	}
	for name, c := range map[string]struct {
		rows []row
		// was and is are the states of the two looks, since is up to when rows were told.
		was, is        string
		since          float64
		changed, until float64
		flaps          string
	}{
		"nothing":                             {nil, auth, auth, 30, 0, 30, ""},
		"nothing new":                         {[]row{{not, 10}, {auth, 30}}, auth, auth, 30, 0, 30, ""},
		"a change":                            {[]row{{auth, 30}, {not, 90}}, auth, not, 30, 90, 90, ""},
		"a change in the second of the look":  {[]row{{auth, 30}, {not, 60}}, auth, not, 30, 60, 60, ""},
		"a change at an earlier time":         {[]row{{auth, 30}, {not, 59}}, auth, not, 30, 0, 59, ""},
		"a change of tomorrow":                {[]row{{auth, 30}, {not, 121}}, auth, not, 30, 0, 30, ""},
		"the newest row of the state":         {[]row{{not, 70}, {auth, 80}, {not, 90}}, auth, not, 30, 90, 90, "notAuthorized 70-80"},
		"a change that the history lacks":     {[]row{{auth, 30}}, auth, starting, 30, 0, 30, ""},
		"there and back":                      {[]row{{auth, 30}, {not, 70}, {auth, 75}}, auth, auth, 30, 0, 75, "notAuthorized 70-75"},
		"there and back before earlier looks": {[]row{{not, 31}, {auth, 32}}, auth, auth, 30, 0, 32, "notAuthorized 31-32"},
		"twice":                               {[]row{{not, 70}, {auth, 75}, {not, 80}, {auth, 85}}, auth, auth, 30, 0, 85, "notAuthorized 70-75 notAuthorized 80-85"},
		"over two others":                     {[]row{{blocked, 70}, {not, 75}, {auth, 80}}, auth, auth, 30, 0, 80, "blocked 70-75 notAuthorized 75-80"},
		"another one on the way":              {[]row{{blocked, 70}, {not, 75}}, auth, not, 30, 75, 75, "blocked 70-75"},
		"the same row twice":                  {[]row{{auth, 70}, {auth, 75}}, auth, auth, 30, 0, 75, ""},
		"one that has not come back yet":      {[]row{{auth, 30}, {not, 119}}, auth, auth, 30, 0, 30, ""},
		"two that have not come back yet":     {[]row{{blocked, 70}, {not, 119}}, auth, auth, 30, 0, 70, "blocked 70-119"},
		"back once the instance started":      {[]row{{not, 70}, {auth, 80}}, auth, starting, 30, 0, 70, "notAuthorized 70-80"},
		"what another process saw":            {[]row{{not, 31}, {auth, 32}, {not, 90}}, auth, not, 0, 90, 120.5, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			var rows []greenapi.StateChange
			for _, r := range c.rows {
				rows = append(rows, greenapi.StateChange{State: r.state, At: at(r.at)})
			}
			var since time.Time
			if c.since > 0 {
				since = at(c.since)
			}
			found := change{was: c.was, is: c.is, before: at(60.9), now: at(120.5)}.lookBack(rows, since)
			var flaps []string
			for _, f := range found.flaps {
				flaps = append(flaps, f.state+" "+f.came.Sub(start).Truncate(time.Second).String()+"-"+f.went.Sub(start).String())
			}
			want := strings.Fields(c.flaps)
			g.Expect(flaps).To(HaveLen(len(want) / 2))
			for n := range flaps {
				came, went, _ := strings.Cut(want[2*n+1], "-")
				cameAfter, _ := time.ParseDuration(came + "s")
				wentAfter, _ := time.ParseDuration(went + "s")
				g.Expect(flaps[n]).To(Equal(want[2*n] + " " + cameAfter.String() + "-" + wentAfter.String()))
			}
			if c.changed == 0 {
				g.Expect(found.changed).To(BeZero())
			} else {
				g.Expect(found.changed).To(Equal(at(c.changed)))
			}
			g.Expect(found.until).To(Equal(at(c.until)))
		})
	}
}

// TestR37AHistoryThatFailsRests: for an hour where it cannot be read, and until it is due again where the failure says nothing.
func TestR37AHistoryThatFailsRests(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		err   error
		rests bool
	}{
		"no failure": {nil, false},
		"404":        {&greenapi.StatusError{Code: 404, Cause: greenapi.CauseNotFound}, true},
		"403":        {&greenapi.StatusError{Code: 403, Cause: greenapi.CauseForbidden}, true},
		"unreadable": {&greenapi.UnreadableError{}, true},
		"timed out":  {&greenapi.TransportError{TimedOut: true}, true},
		"429":        {&greenapi.StatusError{Code: 429, Cause: greenapi.CauseRateLimited}, false},
		"503":        {&greenapi.StatusError{Code: 503, Cause: greenapi.CauseUnavailable}, false},
		"no network": {&greenapi.TransportError{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			h := history{looks: historyEvery}
			h.called(start, c.err)
			g.Expect(h.wanted(start, true, false)).To(BeFalse(), "with the next look at everything")
			g.Expect(h.wanted(start, false, true)).To(Equal(!c.rests), "when the state changes")
			g.Expect(h.wanted(start.Add(historyRest-time.Second), false, true)).To(Equal(!c.rests))
			g.Expect(h.wanted(start.Add(historyRest), false, true)).To(BeTrue())
			g.Expect(h.wanted(start.Add(-time.Second), false, true)).To(BeTrue(), "after the clock was set back")
			h.looks = historyEvery - 1
			g.Expect(h.wanted(start.Add(historyRest), true, false)).To(BeTrue())
			g.Expect(h.wanted(start.Add(historyRest), false, false)).To(BeFalse(), "with a look at the state alone")
		})
	}
}

// TestR37HistoriesThatTimeOutTakeNoWorkers: after some in a row none is read at that origin for a while, until one is answered.
func TestR37HistoriesThatTimeOutTakeNoWorkers(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	start := time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)
	const host, other = "https://7107.api.greenapi.com", "https://3100.api.greenapi.com"
	hung := &greenapi.TransportError{TimedOut: true}
	var s slowness
	for range slowHistories {
		g.Expect(s.pauses(host, start)).To(BeFalse())
		s.note(host, start, hung)
	}
	g.Expect(s.pauses(host, start.Add(slowHistoryPause-time.Second))).To(BeTrue())
	g.Expect(s.pauses(other, start)).To(BeFalse())
	g.Expect(s.pauses(host, start.Add(-time.Second))).To(BeFalse(), "after the clock was set back")
	g.Expect(s.pauses(host, start.Add(slowHistoryPause))).To(BeFalse())
	s.note(host, start.Add(slowHistoryPause), hung)
	g.Expect(s.pauses(host, start.Add(slowHistoryPause))).To(BeTrue(), "it hangs still")
	s.note(host, start.Add(2*slowHistoryPause), nil)
	s.note(host, start.Add(2*slowHistoryPause), hung)
	g.Expect(s.pauses(host, start.Add(2*slowHistoryPause))).To(BeFalse(), "one was answered")
}
