// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package maintenance says when the windows of a spec are open: by the clock on the wall of their zone, whatever it is set to in
// spring and autumn (R31). It knows of times only.
package maintenance

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"time"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/zones"
)

const (
	// mostSpread is over how long the begin is spread at the most, and mostMargin how much of a window's end is left alone at the
	// most.
	mostSpread, mostMargin = 30 * time.Minute, 10 * time.Minute
	// daysBack and daysAhead are which days' windows are looked at: those that may have begun and last still, joined to the one
	// before, and those of a whole week, even where the zone leaves out a day.
	daysBack, daysAhead = 3, 9
)

// Calendar is when the windows of a spec are.
type Calendar struct {
	location *time.Location
	windows  []window
}

// window comes again on some days of the week.
type window struct {
	days         map[time.Weekday]bool
	hour, minute int
	length       time.Duration
}

var weekdays = map[v1alpha1.Weekday]time.Weekday{
	"Sun": time.Sunday, "Mon": time.Monday, "Tue": time.Tuesday, "Wed": time.Wednesday, "Thu": time.Thursday, "Fri": time.Friday, "Sat": time.Saturday,
}

// New returns the calendar of a spec, or says what to write instead. The API server has seen to the rest of the spec's form, so
// what cannot be read otherwise is an error as well.
func New(spec *v1alpha1.Maintenance) (*Calendar, error) {
	location, err := zones.Load(spec.TimeZone)
	if err != nil {
		return nil, err
	}
	c := &Calendar{location: location}
	for _, w := range spec.Windows {
		start, err := time.Parse("15:04", w.Start)
		if err != nil {
			return nil, fmt.Errorf("the start %q of a window is no time from 00:00 to 23:59", w.Start)
		}
		if w.Duration.Duration <= 0 {
			return nil, fmt.Errorf("the duration %s of a window is not positive", w.Duration.Duration)
		}
		days := map[time.Weekday]bool{}
		for _, day := range w.Days {
			days[weekdays[day]] = true
		}
		c.windows = append(c.windows, window{days: days, hour: start.Hour(), minute: start.Minute(), length: w.Duration.Duration})
	}
	if len(c.windows) == 0 {
		return nil, fmt.Errorf("there is no window")
	}
	return c, nil
}

// Text is a time by the clock on the wall of its location, as people read when a window opens.
func Text(at time.Time) string {
	return fmt.Sprintf("%s (%s)", at.Format("Mon 2006-01-02 at 15:04"), at.Location())
}

// Location is the zone of the windows.
func (c *Calendar) Location() *time.Location { return c.location }

// Next is the earliest time from now on at which a restart of an instance may begin; now itself if one may. It is the same in every
// process. It is zero if there is none within a week, which no window leads to.
func (c *Calendar) Next(now time.Time, idInstance int64) time.Time {
	for _, open := range c.around(now) {
		length := open.to.Sub(open.from)
		from, to := open.from.Add(spread(idInstance, min(length/2, mostSpread))), open.to.Add(-min(length/3, mostMargin))
		switch {
		case now.Before(from):
			return from
		case now.Before(to):
			return now
		}
	}
	return time.Time{}
}

// spread is the part of the begin by which an instance comes later than others, in whole seconds, as the status has them.
func spread(idInstance int64, over time.Duration) time.Duration {
	digest := fnv.New64a()
	_, _ = digest.Write(strconv.AppendInt(nil, idInstance, 10))
	seconds := uint64(max(over/time.Second, 1))
	return time.Duration(digest.Sum64()%seconds) * time.Second //nolint:gosec // less than half an hour
}

// interval is one time during which windows are open without a break.
type interval struct{ from, to time.Time }

// around lists the times around now at which windows are open, in order. Those that overlap or meet are one.
func (c *Calendar) around(now time.Time) []interval {
	var list []interval
	year, month, day := now.In(c.location).Date()
	for _, w := range c.windows {
		for offset := -daysBack; offset <= daysAhead; offset++ {
			wall := time.Date(year, month, day+offset, w.hour, w.minute, 0, 0, time.UTC)
			if len(w.days) > 0 && !w.days[wall.Weekday()] {
				continue
			}
			from := reached(wall, c.location)
			list = append(list, interval{from, from.Add(w.length)})
		}
	}
	slices.SortFunc(list, func(a, b interval) int { return cmp.Or(a.from.Compare(b.from), a.to.Compare(b.to)) })
	merged := list[:0]
	for _, next := range list {
		if n := len(merged); n > 0 && !next.from.After(merged[n-1].to) {
			if next.to.After(merged[n-1].to) {
				merged[n-1].to = next.to
			}
			continue
		}
		merged = append(merged, next)
	}
	return merged
}

// furthestAhead is more than any zone's clock is ahead of UTC.
const furthestAhead = 26 * time.Hour

// reached is the first instant at which the clock on the wall shows a time, which is given as if it were UTC, or has been set
// forward over it. time.Date promises no such thing: for a time that is left out it takes the offset before or after, by the zone.
func reached(wall time.Time, location *time.Location) time.Time {
	at := wall.Add(-furthestAhead).In(location)
	for {
		_, offset := at.Zone()
		_, end := at.ZoneBounds()
		shown := wall.Add(-time.Duration(offset) * time.Second)
		switch {
		case shown.Before(at):
			return at
		case end.IsZero() || shown.Before(end):
			return shown.In(location)
		}
		at = end
	}
}
