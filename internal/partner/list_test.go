// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package partner

import (
	"slices"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"pgregory.net/rapid"

	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
)

func row(id int64, name string) greenapi.Row { return greenapi.Row{ID: id, Name: name} }

// TestP4AListIsRecognizedByWhatWasInIt: an empty list and that of somebody else say nothing.
func TestP4AListIsRecognizedByWhatWasInIt(t *testing.T) {
	g := NewWithT(t)
	gone := row(7, "prod-eu/shop/gone")
	gone.Deleted = true
	for _, test := range []struct {
		what  string
		rows  []greenapi.Row
		known []int64
		want  bool
	}{
		{"the first list", []greenapi.Row{row(1, "a")}, nil, true},
		{"a first list of nothing", nil, nil, true},
		{"the same list", []greenapi.Row{row(1, "a"), row(2, "b")}, []int64{1, 2}, true},
		{"one is left of many", []greenapi.Row{row(2, "b"), row(9, "new")}, []int64{1, 2, 3}, true},
		{"the one that is left was deleted", []greenapi.Row{gone}, []int64{7}, true},
		{"nothing", nil, []int64{1}, false},
		{"somebody else's", []greenapi.Row{row(3, "a"), row(4, "b")}, []int64{1, 2}, false},
	} {
		g.Expect(Recognized(test.rows, test.known)).To(Equal(test.want), test.what)
	}
}

// TestP4WhatIsKnownPrefersTheLiving, since deleted ones leave the list after three months.
func TestP4WhatIsKnownPrefersTheLiving(t *testing.T) {
	g := NewWithT(t)
	var rows []greenapi.Row
	for id := int64(1); id <= 10; id++ {
		rows = append(rows, row(id, "a"))
	}
	g.Expect(NewList(time.Time{}, rows, "key").Known(nil)).To(Equal([]int64{1, 2, 3, 4, 5, 6, 7, 8}))
	g.Expect(NewList(time.Time{}, rows, "key").Known([]int64{9, 10})).To(Equal([]int64{1, 2, 3, 4, 5, 6, 9, 10}), "what is known stays")
	rows[8].Deleted = true
	g.Expect(NewList(time.Time{}, rows, "key").Known([]int64{9, 10})).To(Equal([]int64{1, 2, 3, 4, 5, 6, 7, 10}), "a deleted one makes room")
	g.Expect(NewList(time.Time{}, rows[7:], "key").Known([]int64{9, 10})).To(Equal([]int64{8, 9, 10}), "and stays where there is room")
	g.Expect(NewList(time.Time{}, nil, "key").Known(nil)).To(BeEmpty())
}

func TestInstancesAreCounted(t *testing.T) {
	g := NewWithT(t)
	deleted, expired, twice := row(3, "prod-eu/shop/old"), row(4, "prod-eu/shop/unpaid"), row(1, "prod-eu/shop/a")
	deleted.Deleted, expired.Expired, twice.Deleted = true, true, true
	rows := []greenapi.Row{twice, row(1, "prod-eu/shop/a"), row(2, "Support VIP"), deleted, expired, row(5, "prod-eu"), row(6, "prod-eu2/shop/b"), row(7, "Prod-EU/shop/c"), row(8, " prod-eu/shop/d")}
	g.Expect(NewList(time.Time{}, rows, "prod-eu").Count("prod-eu", nil)).To(Equal(Counts{Living: 7, Deleted: 1, Expired: 1, Unclaimed: 2}))
	claimed := func(name string) bool { return name == "prod-eu/shop/a" }
	g.Expect(NewList(time.Time{}, rows, "prod-eu").Count("prod-eu", claimed).Unclaimed).To(Equal(1))
	g.Expect(NewList(time.Time{}, nil, "prod-eu").Count("prod-eu", nil)).To(Equal(Counts{}))
	g.Expect(Owned("/a", "")).To(BeFalse())
}

func drawRows(t *rapid.T) []greenapi.Row {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) greenapi.Row {
		return greenapi.Row{
			ID: rapid.Int64Range(1, 20).Draw(t, "id"), Name: rapid.SampledFrom([]string{"", "key/a/b", "key/", "key", "other/a"}).Draw(t, "name"),
			Deleted: rapid.Bool().Draw(t, "deleted"), Expired: rapid.Bool().Draw(t, "expired"),
		}
	}), 0, 30).Draw(t, "rows")
}

// TestP4PropertiesOfWhatIsKnown: after each good list the account is recognized by that list, nothing is known that it lacks, and
// reading it again in any order changes nothing, so that nothing is written.
func TestP4PropertiesOfWhatIsKnown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows, before := drawRows(t), rapid.SliceOfNDistinct(rapid.Int64Range(1, 25), 0, MaxKnown, rapid.ID[int64]).Draw(t, "before")
		known := NewList(time.Time{}, rows, "key").Known(before)
		distinct := map[int64]bool{} // and which of them live
		for _, row := range rows {
			distinct[row.ID] = distinct[row.ID] || !row.Deleted
		}
		if len(known) != min(MaxKnown, len(distinct)) || !slices.IsSorted(known) || len(slices.Compact(slices.Clone(known))) != len(known) {
			t.Fatalf("known are %v of %v", known, rows)
		}
		for _, id := range known {
			if _, there := distinct[id]; !there {
				t.Fatalf("%d is known and not listed", id)
			}
		}
		if !Recognized(rows, known) {
			t.Fatalf("%v is not recognized by %v", rows, known)
		}
		for _, id := range before {
			if distinct[id] && !slices.Contains(known, id) {
				t.Fatalf("%d lives, was known and is forgotten: %v", id, known)
			}
		}
		shuffled := rapid.Permutation(rows).Draw(t, "shuffled")
		if again := NewList(time.Time{}, shuffled, "key").Known(known); !slices.Equal(again, known) {
			t.Fatalf("known were %v and become %v", known, again)
		}
		if a, b := NewList(time.Time{}, rows, "key").Count("key", nil), NewList(time.Time{}, shuffled, "key").Count("key", nil); a.Living != b.Living || a.Deleted != b.Deleted || a.Living+a.Deleted != len(distinct) {
			t.Fatalf("counted %+v and %+v of %d", a, b, len(distinct))
		}
	})
}

// TestPropertiesOfCounts: parts are no more than the whole, and who claims all leaves none unclaimed.
func TestPropertiesOfCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := drawRows(t)
		c := NewList(time.Time{}, rows, "key").Count("key", nil)
		if min(c.Living, c.Deleted, c.Expired, c.Unclaimed) < 0 || c.Expired > c.Living || c.Unclaimed > c.Living {
			t.Fatalf("%+v of %v", c, rows)
		}
		if all := NewList(time.Time{}, rows, "key").Count("key", func(string) bool { return true }); all.Unclaimed != 0 || all.Living != c.Living {
			t.Fatalf("claimed all, and %+v", all)
		}
	})
}
