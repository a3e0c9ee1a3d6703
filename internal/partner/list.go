// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package partner

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
)

// MaxKnown is by how many instances an account is recognized.
const MaxKnown = 8

// Recognized reports whether a list is the account's own: it has one of the instances by which the account is known, deleted ones
// included, or none is known yet. From any other list nothing may be concluded (P4): what is missing in it would be bought again.
// That the list is whole is for the client to say.
func Recognized(rows []greenapi.Row, known []int64) bool {
	return len(known) == 0 || slices.ContainsFunc(rows, func(row greenapi.Row) bool { return slices.Contains(known, row.ID) })
}

// Known are the instances by which the account is recognized after a good list: those from before that live, then other living
// ones, then deleted ones, which the vendor lists for some months still. They are at most MaxKnown, sorted, and stay the same for as
// long as the list does, whatever its order.
func Known(rows []greenapi.Row, before []int64) []int64 {
	lives := living(rows)
	class := func(id int64) int {
		switch known := slices.Contains(before, id); {
		case known && lives[id]:
			return 0
		case lives[id]:
			return 1
		case known:
			return 2
		}
		return 3
	}
	ids := slices.SortedFunc(maps.Keys(lives), func(a, b int64) int {
		return cmp.Or(class(a)-class(b), cmp.Compare(a, b))
	})
	ids = ids[:min(len(ids), MaxKnown)]
	slices.Sort(ids)
	return ids
}

// living says of each instance of a list whether it lives. One that is there twice lives if either row says so: to take a living
// one for deleted could buy it again.
func living(rows []greenapi.Row) map[int64]bool {
	lives := make(map[int64]bool, len(rows))
	for _, row := range rows {
		lives[row.ID] = lives[row.ID] || !row.Deleted
	}
	return lives
}

// List is a good list: whole, and the account's own.
type List struct {
	// Begun is when the call that read it was begun: what happened since may not show in it.
	Begun time.Time

	rows   map[int64]greenapi.Row
	living map[string][]int64
	counts Counts
	owned  int
}

// NewList makes a list of what the vendor answered. Rows that say the same of one instance are one.
func NewList(begun time.Time, rows []greenapi.Row, ownerKey string) *List {
	l := &List{Begun: begun, rows: make(map[int64]greenapi.Row, len(rows)), living: map[string][]int64{}}
	lives := living(rows)
	for _, row := range rows {
		if _, known := l.rows[row.ID]; known || lives[row.ID] == row.Deleted {
			continue
		}
		l.rows[row.ID] = row
		l.count(row, ownerKey)
	}
	return l
}

func (l *List) count(row greenapi.Row, ownerKey string) {
	if row.Deleted {
		l.counts.Deleted++
		return
	}
	l.living[row.Name] = append(l.living[row.Name], row.ID)
	l.counts.Living++
	if row.Expired {
		l.counts.Expired++
	}
	if Owned(row.Name, ownerKey) {
		l.owned++
	}
}

// Living returns the living instances with a name, expired ones among them, in the vendor's order.
func (l *List) Living(name string) []greenapi.Row {
	var rows []greenapi.Row
	for _, id := range l.living[name] {
		rows = append(rows, l.rows[id])
	}
	return rows
}

// ByID returns the instance with a number, false if the list has none.
func (l *List) ByID(id int64) (greenapi.Row, bool) {
	row, ok := l.rows[id]
	return row, ok
}

// Owned is how many living instances have a name of the owner key.
func (l *List) Owned() int { return l.owned }

// Counts are how many instances an account has. Expired and unclaimed ones are living too.
type Counts struct{ Living, Deleted, Expired, Unclaimed int }

// Count counts the instances. claimed says which names somebody in this cluster claims; nil for none.
func (l *List) Count(ownerKey string, claimed func(name string) bool) Counts {
	c := l.counts
	for name, ids := range l.living {
		if Owned(name, ownerKey) && (claimed == nil || !claimed(name)) {
			c.Unclaimed += len(ids)
		}
	}
	return c
}

// Owned reports whether a name at the vendor is one of an owner key: it begins with the key and a slash. Another case, or a space
// before it, is another name.
func Owned(name, ownerKey string) bool {
	return ownerKey != "" && strings.HasPrefix(name, ownerKey+"/")
}
