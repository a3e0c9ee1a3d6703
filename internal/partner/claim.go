// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package partner

import (
	"time"

	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
)

const (
	// maxAttempts is how many calls a claim makes without anybody's word; one more may be asked for (P3).
	maxAttempts = 2
	// listsUntilAbsent is how many good lists must lack an instance that may have been bought before it counts as not bought, the last
	// of them begun searchedFor after the call ended (P3).
	listsUntilAbsent = 5
	searchedFor      = 30 * time.Minute
	// listsUntilMissing is how many good lists must lack an instance that was there, MissingApart from one to the next (P5).
	listsUntilMissing = 3
)

// MissingApart is how far apart lists are that count as lacking an instance which was there (P5).
const MissingApart = time.Hour

// RefusedWait is how long after a refusal the vendor is asked again to create an instance.
const RefusedWait = 5 * time.Minute

// searches are when after the end of a call of unknown outcome the list is read (P3).
var searches = [...]time.Duration{0, 30 * time.Second, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 20 * time.Minute, searchedFor}

// nextSearch is when the list is to be read next for a call of unknown outcome that ended at a time, after one that was begun at
// another; the zero time if none was.
func nextSearch(ended, last time.Time) time.Time {
	for _, after := range searches {
		if at := ended.Add(after); last.IsZero() || at.After(last) {
			return at
		}
	}
	return last.Add(searchedFor / listsUntilAbsent)
}

// Lacking counts the good lists that lack an instance. The zero value has seen none.
type Lacking struct {
	lists int
	last  time.Time
}

// Note takes down that a list that was begun at a time lacks the instance. One that follows another within apart is the same finding.
func (l *Lacking) Note(begun time.Time, apart time.Duration) {
	if l.lists > 0 && begun.Sub(l.last) < max(apart, 1) {
		return
	}
	l.lists, l.last = l.lists+1, begun
}

// Last is when the last one that counts was begun, the zero time if none was.
func (l *Lacking) Last() time.Time { return l.last }

// Missing reports whether an instance that was there is gone for good.
func (l *Lacking) Missing() bool { return l.lists >= listsUntilMissing }

// notBought reports whether a call that ended at a time certainly bought nothing.
func (l *Lacking) notBought(ended time.Time) bool {
	return l.lists >= listsUntilAbsent && !l.last.Before(ended.Add(searchedFor))
}

// Outcome is what is known of the latest call that a claim made.
type Outcome int

const (
	// NeverCalled says: no call was made.
	NeverCalled Outcome = iota
	// Open says: a call may have gone out, and no answer says what became of it.
	Open
	// Refused says: the call certainly had no effect.
	Refused
)

// Request is what a claim asks for while it has no instance, and what is known of its calls.
type Request struct {
	// Name of the instance at the vendor.
	Name string
	// AdoptNever: an instance that is there is not taken.
	AdoptNever bool
	// Attempts are the calls that were made, and Outcome is that of the latest.
	Attempts int
	Outcome  Outcome
	// Ended is when the latest call had ended for certain.
	Ended time.Time
	// OneMore: a person asked for one more call than usual.
	OneMore bool
}

// Action is what to do for a claim.
type Action int

const (
	// ReadList says: a list that counts is needed first.
	ReadList Action = iota
	// Adopt says: the instance is there.
	Adopt
	// Buy says: there is no such instance. Limits and rights are not looked at here.
	Buy
	// GiveUp says: a person has to act.
	GiveUp
)

// Why says why somebody gives up, or why the list is read.
type Why int

const (
	// NotAsked says: nothing is wrong.
	NotAsked Why = iota
	// Ambiguous says: several living instances have the name.
	Ambiguous
	// Taken says: an instance has the name, and it may not be taken.
	Taken
	// Unknown says: what became of a call is not known.
	Unknown
	// Denied says: the vendor refuses to create an instance.
	Denied
)

// Verdict is what follows for a claim from a list.
type Verdict struct {
	Action Action
	Why    Why
	// Row is the instance to adopt.
	Row greenapi.Row
	// IDs are those of the instances with the name, if it is Ambiguous or Taken.
	IDs []int64
}

// Decide says what a claim without an instance does next. list is a good list that may be used for it, nil if there is none; lacking
// has counted it and those before it that lack the name since the latest call ended.
func (q Request) Decide(list *List, lacking *Lacking) Verdict {
	if list == nil {
		return Verdict{Action: ReadList, Why: q.searching()}
	}
	if rows := list.Living(q.Name); len(rows) > 0 {
		return q.found(rows)
	}
	switch {
	case q.Outcome == Open && !lacking.notBought(q.Ended):
		return Verdict{Action: ReadList, Why: Unknown}
	case q.Outcome == Refused && q.Attempts < maxAttempts && !q.OneMore && list.Begun.Before(q.Ended.Add(RefusedWait)):
		return Verdict{Action: ReadList, Why: Denied}
	case q.Attempts < maxAttempts || q.OneMore:
		return Verdict{Action: Buy}
	case q.Outcome == Open:
		return Verdict{Action: GiveUp, Why: Unknown}
	}
	return Verdict{Action: GiveUp, Why: Denied}
}

// found says what follows from living instances with the name.
func (q Request) found(rows []greenapi.Row) Verdict {
	switch {
	case len(rows) > 1:
		return Verdict{Action: GiveUp, Why: Ambiguous, IDs: ids(rows)}
	case q.AdoptNever && q.Outcome != Open:
		// After a call of unknown outcome it is the one that this claim bought.
		return Verdict{Action: GiveUp, Why: Taken, IDs: ids(rows)}
	}
	return Verdict{Action: Adopt, Row: rows[0]}
}

// NextList is when a list is needed after one by which nothing could be decided, which was begun at a time if it lacked the instance.
func (q Request) NextList(last time.Time) time.Time {
	if q.Outcome == Refused {
		return q.Ended.Add(RefusedWait)
	}
	return nextSearch(q.Ended, last)
}

func (q Request) searching() Why {
	if q.Outcome == Open {
		return Unknown
	}
	return NotAsked
}

func ids(rows []greenapi.Row) []int64 {
	all := make([]int64, 0, len(rows))
	for _, row := range rows {
		all = append(all, row.ID)
	}
	return all
}
