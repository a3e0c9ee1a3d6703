// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// found is a statement that does not hold, and when that was seen.
type found struct {
	at   time.Duration
	what string
}

// allowed is how often a line may have restarted by the end of a history: once when it was adopted, and as often as what happened
// to it justifies. fixed: its manifest was changed once more at the end, since the operator had given up on it.
func (h history) allowed(line int, fixed bool) int {
	n := 1
	if fixed {
		n++
	}
	for _, e := range h {
		k := kindOf(e.What)
		n += k.everywhere
		if slices.Contains(e.Lines, line) {
			n += k.restarts + k.again*h.count(restore)
		}
	}
	return n
}

// allowedOfClaimed is the same of a line that was bought, whose manifest never changes.
func (h history) allowedOfClaimed() int { return 1 + 2*h.count(restore) }

// judgeRestarts holds restarts, by the vendor's count, against what is allowed.
func judgeRestarts(name string, restarts, allowed int) []string {
	if restarts <= allowed {
		return nil
	}
	return []string{fmt.Sprintf("%s restarted %d times, and what happened to it justifies %d", name, restarts, allowed)}
}

// judgeLedger holds what the vendor sold against what may be bought: of each name one instance that lives. Times are shown since the
// history began.
func judgeLedger(entries []emulator.Entry, most int, begun time.Time) []string {
	var broken []string
	living := map[int64]emulator.Entry{}
	for _, e := range entries {
		switch e.What {
		case emulator.EntryCreated:
			at := e.Time.Sub(begun).Seconds()
			for _, other := range living {
				if other.Name == e.Name {
					broken = append(broken, fmt.Sprintf("%q was bought at %.1f s though the one that was bought at %.1f s lives", e.Name, at, other.Time.Sub(begun).Seconds()))
				}
			}
			living[e.ID] = e
			if len(living) > most {
				broken = append(broken, fmt.Sprintf("%d instances live at once at %.1f s, and the account's limit is %d", len(living), at, most))
			}
		case emulator.EntryDeleted:
			delete(living, e.ID)
		}
	}
	return broken
}

// deleted are the instances that the vendor was told to delete.
func deleted(entries []emulator.Entry) map[int64]bool {
	ids := map[int64]bool{}
	for _, e := range entries {
		if e.What == emulator.EntryDeleted {
			ids[e.ID] = true
		}
	}
	return ids
}

// usage is what a manager takes.
type usage struct {
	goroutines, resident float64
}

// flat says what has grown that should not have: half as much again, and some room.
func flat(manager string, early, late usage) []string {
	var broken []string
	if early.goroutines > 0 && late.goroutines > 1.5*early.goroutines+100 {
		broken = append(broken, fmt.Sprintf("%s had %.0f goroutines, and has %.0f", manager, early.goroutines, late.goroutines))
	}
	if early.resident > 0 && late.resident > 1.5*early.resident+64<<20 {
		broken = append(broken, fmt.Sprintf("%s took %.0f MiB, and takes %.0f", manager, early.resident/(1<<20), late.resident/(1<<20)))
	}
	return broken
}
