// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package partner

import (
	"cmp"
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

// List is a good list: whole, and the account's own.
type List struct {
	// Begun is when the call that read it was begun: what happened since may not show in it.
	Begun time.Time

	// rows are by number, one of each instance, and named says which of them live, by name and then by number. An account may have
	// tens of thousands, of which maps would take some times as much memory.
	rows   []greenapi.Row
	named  []int32
	counts Counts
	owned  int
}

// NewList makes a list of what the vendor answered. Rows that say the same of one instance are one, and one that is there twice lives if
// either row says so: to take a living one for deleted could buy it again.
func NewList(begun time.Time, rows []greenapi.Row, ownerKey string) *List {
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b greenapi.Row) int { return cmp.Or(cmp.Compare(a.ID, b.ID), livingFirst(a, b)) })
	rows = slices.CompactFunc(rows, func(a, b greenapi.Row) bool { return a.ID == b.ID })
	l := &List{Begun: begun, rows: rows}
	for i := range rows {
		l.count(&rows[i], ownerKey)
		if !rows[i].Deleted {
			l.named = append(l.named, int32(i))
		}
	}
	slices.SortStableFunc(l.named, func(a, b int32) int { return strings.Compare(rows[a].Name, rows[b].Name) })
	return l
}

func livingFirst(a, b greenapi.Row) int {
	switch {
	case a.Deleted == b.Deleted:
		return 0
	case b.Deleted:
		return -1
	default:
		return 1
	}
}

func (l *List) count(row *greenapi.Row, ownerKey string) {
	if row.Deleted {
		l.counts.Deleted++
		return
	}
	l.counts.Living++
	if row.Expired {
		l.counts.Expired++
	}
	if Owned(row.Name, ownerKey) {
		l.owned++
	}
}

// Known are the instances by which the account is recognized after this list: those from before that live, then other living
// ones, then deleted ones, which the vendor lists for some months still. They are at most MaxKnown, sorted, and stay the same for as
// long as the list does, whatever its order.
func (l *List) Known(before []int64) []int64 {
	class := func(row greenapi.Row) int {
		known := slices.Contains(before, row.ID)
		switch {
		case known && !row.Deleted:
			return 0
		case !row.Deleted:
			return 1
		case known:
			return 2
		}
		return 3
	}
	var ids []int64
	for wanted := range 4 {
		for _, row := range l.rows {
			if len(ids) < MaxKnown && class(row) == wanted {
				ids = append(ids, row.ID)
			}
		}
	}
	slices.Sort(ids)
	return ids
}

// Living returns the living instances with a name, expired ones among them, by number.
func (l *List) Living(name string) []greenapi.Row {
	at, _ := slices.BinarySearchFunc(l.named, name, func(i int32, name string) int { return strings.Compare(l.rows[i].Name, name) })
	var rows []greenapi.Row
	for _, i := range l.named[at:] {
		if l.rows[i].Name != name {
			break
		}
		rows = append(rows, l.rows[i])
	}
	return rows
}

// ByID returns the instance with a number, false if the list has none.
func (l *List) ByID(id int64) (greenapi.Row, bool) {
	at, there := slices.BinarySearchFunc(l.rows, id, func(row greenapi.Row, id int64) int { return cmp.Compare(row.ID, id) })
	if !there {
		return greenapi.Row{}, false
	}
	return l.rows[at], true
}

// Owned is how many living instances have a name of the owner key.
func (l *List) Owned() int { return l.owned }

// Counts are how many instances an account has. Expired and unclaimed ones are living too.
type Counts struct{ Living, Deleted, Expired, Unclaimed int }

// Count counts the instances. claimed says which names somebody in this cluster claims; nil for none.
func (l *List) Count(ownerKey string, claimed func(name string) bool) Counts {
	c := l.counts
	for _, i := range l.named {
		if name := l.rows[i].Name; Owned(name, ownerKey) && (claimed == nil || !claimed(name)) {
			c.Unclaimed++
		}
	}
	return c
}

// Owned reports whether a name at the vendor is one of an owner key: it begins with the key and a slash. Another case, or a space
// before it, is another name.
func Owned(name, ownerKey string) bool {
	return ownerKey != "" && strings.HasPrefix(name, ownerKey+"/")
}
