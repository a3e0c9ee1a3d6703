// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"
)

// event is one thing that goes wrong, or that somebody does, at a time since the beginning.
type event struct {
	At   time.Duration `json:"at"`
	What string        `json:"what"`
	// Lines are those that it happens to, by their place in the fleet.
	Lines []int `json:"lines,omitempty"`
	// For is how long it lasts, 0 for what is over at once.
	For time.Duration `json:"for,omitempty"`
	// Value is what it takes to be the same in each run: a delay in milliseconds, the number of a manager, a place in a list.
	Value int `json:"value,omitempty"`
}

// history is all that happens in a run.
type history []event

// pace is the mean time between two events.
const pace = 2 * time.Second

// generate makes the history of a seed: the same one for the same numbers.
func generate(seed uint64, duration time.Duration, lines int, clocks bool) history {
	random := rand.New(rand.NewPCG(seed, uint64(lines))) //nolint:gosec // it is to be the same for the same seed
	var weights []string
	for _, k := range kinds {
		if k.clocks && !clocks {
			continue
		}
		for range k.weight {
			weights = append(weights, k.name)
		}
	}
	var made history
	for at := time.Duration(0); ; {
		at += time.Duration(random.Int64N(int64(2 * pace)))
		if at >= duration {
			return made
		}
		k := kindOf(weights[random.IntN(len(weights))])
		e := event{At: at, What: k.name, Value: random.IntN(1 << 16)}
		if k.lasts > 0 {
			// It is over before the end, so that the end is calm.
			e.For = min(time.Duration(random.Int64N(int64(k.lasts)))+time.Second, duration-at)
		}
		if k.lines > 0 {
			e.Lines = random.Perm(lines)[:1+random.IntN(min(k.lines, lines))]
			slices.Sort(e.Lines)
		}
		made = append(made, e)
	}
}

// before returns what happened before a moment.
func (h history) before(at time.Duration) history {
	return slices.DeleteFunc(slices.Clone(h), func(e event) bool { return e.At > at })
}

// end is when nothing happens any more.
func (h history) end() time.Duration {
	var end time.Duration
	for _, e := range h {
		end = max(end, e.At+e.For)
	}
	return end
}

// count is how often something happened.
func (h history) count(what string) int {
	n := 0
	for _, e := range h {
		if e.What == what {
			n++
		}
	}
	return n
}

// byFrequency are the kinds that happened with their numbers, the most frequent ones first.
func (h history) byFrequency() []string {
	var names []string
	for _, k := range kinds {
		if h.count(k.name) > 0 {
			names = append(names, k.name)
		}
	}
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(h.count(b), h.count(a)) })
	return names
}
