// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/states"
)

// past is what the history told in a pass.
type past struct {
	// changed is when the instance came into its present state, zero if that is not known better than by the looks.
	changed time.Time
	// flaps are states that came and went unseen, in order.
	flaps []flap
	// until is the time up to which rows are told then.
	until time.Time
	// digest tells the answer from others.
	digest uint64
}

// flap is a state that came and went between two looks.
type flap struct {
	state      string
	came, went time.Time
}

// change is a look that shows a state, after one that showed another or the same.
type change struct {
	was, is string
	// before is when the former look was, and now the time of the present one.
	before, now time.Time
}

// lookBack finds in the history when a change was, and what came and went meanwhile. The rows up to since were told before.
func (c change) lookBack(rows []greenapi.StateChange, since time.Time) *past {
	found := &past{until: since}
	var moves []flap
	state := c.was
	for _, row := range rows {
		if row.At.After(c.now) {
			break
		}
		if c.made(row) {
			found.changed = row.At
		}
		if !row.At.After(since) {
			continue
		}
		found.until = row.At
		if row.State == state {
			continue
		}
		if n := len(moves); n > 0 {
			moves[n-1].went = row.At
		}
		moves, state = append(moves, flap{state: row.State, came: row.At}), row.State
	}
	switch n := len(moves); {
	case since.IsZero():
		// What lies before the first look of this process may have been told by another one.
		found.until = c.now
		return found
	case n == 1 && state != c.is:
		// The look and the history are not of the same moment, so what the last row begins is not over.
		found.until = since
	case n > 1 && state != c.is:
		found.until = moves[n-2].came
	}
	for _, move := range moves {
		if move.state != c.was && !move.went.IsZero() {
			found.flaps = append(found.flaps, move)
		}
	}
	return found
}

// made reports whether a row may be the change. The vendor's times have whole seconds.
func (c change) made(row greenapi.StateChange) bool {
	return c.was != c.is && row.State == c.is && !row.At.Before(c.before.Truncate(time.Second))
}

// changedAt is when the state changed: by the vendor's history, or else when that was seen. It is not before the change that was seen
// last: that was seen only when the look at it was over.
func (p *pass) changedAt(seen metav1.Time) metav1.Time {
	if p.past == nil || p.past.changed.IsZero() {
		return seen
	}
	changed := metav1.NewTime(p.past.changed).Rfc3339Copy()
	if former := p.stored.StateChangedTime; former != nil && changed.Before(former) {
		return *former
	}
	return changed
}

// flaps are the states that came and went unseen.
func (p *pass) flaps() []flap {
	if p.past == nil {
		return nil
	}
	return p.past.flaps
}

// flapFacts tell of them, as a warning if one of them is bad news.
func (p *pass) flapFacts() []fact {
	flaps := p.flaps()
	if len(flaps) == 0 {
		return nil
	}
	notify := normalEvent
	var words, spans []string
	for _, f := range flaps {
		if states.Of(f.state).Alarm != states.AlarmNever {
			notify = warningEvent
		}
		words = append(words, f.state)
		spans = append(spans, fmt.Sprintf("%s from %s to %s", f.state, f.came.UTC().Format(time.RFC3339), f.went.UTC().Format(time.RFC3339)))
	}
	note := "Came and went between two looks at the state, by the vendor's history: " + strings.Join(spans, ", ")
	return []fact{{logged("State flapped", "states", words, "times", spans), notify("StateFlapped", "Observe", note)}}
}
