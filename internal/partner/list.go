// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package partner

import (
	"cmp"
	"maps"
	"slices"
	"strings"

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

// Counts are how many instances an account has. Expired and unclaimed ones are living too.
type Counts struct{ Living, Deleted, Expired, Unclaimed int }

// Count counts the instances of a list. claimed says which names somebody in this cluster claims; nil for none.
func Count(rows []greenapi.Row, ownerKey string, claimed func(name string) bool) Counts {
	var c Counts
	lives := living(rows)
	counted := make(map[int64]bool, len(rows))
	for _, row := range rows {
		if counted[row.ID] || lives[row.ID] == row.Deleted {
			continue
		}
		counted[row.ID] = true
		if row.Deleted {
			c.Deleted++
			continue
		}
		c.Living++
		if row.Expired {
			c.Expired++
		}
		if Owned(row.Name, ownerKey) && (claimed == nil || !claimed(row.Name)) {
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
