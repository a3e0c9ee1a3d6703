// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package partner

import "time"

// AbandonAfter is how long after a claim was deleted its instance is tried to be deleted (P11).
const AbandonAfter = 24 * time.Hour

// Ending is what is known of a claim whose instance is to be deleted.
type Ending struct {
	// Name of the instance at the vendor, and ID its number; 0 if a call of the claim may have bought it and nothing else is known.
	Name string
	ID   int64
	// BoughtBy is when the latest call that may have bought it had ended, if there is no ID.
	BoughtBy time.Time
	// Outcome is that of the latest call that was to delete it, and Ended when that had ended for certain.
	Outcome Outcome
	Ended   time.Time
}

// Step is what to do for an instance that is to be deleted.
type Step int

const (
	// LookAgain says: a list that counts is needed first.
	LookAgain Step = iota
	// Delete says: the instance lives, and it is the claim's.
	Delete
	// Done says: the instance is deleted, or there is none.
	Done
	// LetGo says: the instance is not the claim's any more, so that it stays.
	LetGo
)

// Decide says what to do next, and the number of the instance. list is a good list that may be used for it, nil if there is none;
// lacking has counted it and those before it that lack the instance, or, after a call, that still have it.
func (e Ending) Decide(list *List, lacking *Lacking) (Step, int64) {
	if list == nil {
		return LookAgain, e.ID
	}
	if e.ID == 0 {
		return e.search(list, lacking)
	}
	row, there := list.ByID(e.ID)
	switch {
	case !there && lacking.Missing(), there && row.Deleted:
		return Done, e.ID
	case !there:
		return LookAgain, e.ID
	case row.Name != e.Name:
		return LetGo, e.ID
	case e.Outcome != NeverCalled && list.Begun.Before(e.Ended.Add(searchedFor)):
		// The effect may be late, and one who refuses is not asked at once again.
		return LookAgain, e.ID
	}
	return Delete, e.ID
}

// search looks for an instance that a call of unknown outcome may have bought.
func (e Ending) search(list *List, lacking *Lacking) (Step, int64) {
	switch rows := list.Living(e.Name); {
	case len(rows) == 1:
		return Delete, rows[0].ID
	case len(rows) == 0 && lacking.notBought(e.BoughtBy):
		return Done, 0
	}
	return LookAgain, 0
}
