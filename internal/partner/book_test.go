// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package partner

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"

	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
)

// desk is a book with what it told.
type desk struct {
	*WithT
	Book

	wanted []string
	news   []string
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{WithT: NewWithT(t)}
	d.OnWanted(func(account string) { d.wanted = append(d.wanted, account) })
	d.OnNews(func(claim types.NamespacedName) { d.news = append(d.news, claim.Name) })
	return d
}

// told returns what was told since the last time.
func (d *desk) told() (wanted, news []string) {
	wanted, news = d.wanted, d.news
	d.wanted, d.news = nil, nil
	return wanted, news
}

// put puts a list that was begun then, and returns whom it woke.
func (d *desk) put(begun time.Time, rows ...greenapi.Row) []string {
	d.Put("reseller", NewList(begun, rows, "prod-eu"), nil)
	_, news := d.told()
	return news
}

func claimNamed(name string) types.NamespacedName {
	return types.NamespacedName{Namespace: "shop", Name: name}
}

// TestP13OneListServesAllClaims: it is wanted once, as soon as the first of them needs it, and each hears of it.
func TestP13OneListServesAllClaims(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	now := time.Date(2026, 11, 3, 9, 0, 0, 0, time.UTC)
	at := func(d time.Duration) Interest { return Interest{Name: "n", ListAt: now.Add(d)} }
	d.Expect(d.Due("reseller")).To(BeZero())

	d.Watch("reseller", claimNamed("a"), at(time.Minute))
	d.Watch("reseller", claimNamed("b"), at(2*time.Minute))
	wanted, news := d.told()
	d.Expect(wanted).To(Equal([]string{"reseller"}), "the second one is served by the same")
	d.Expect(news).To(BeEmpty())
	d.Watch("reseller", claimNamed("c"), at(time.Second))
	wanted, _ = d.told()
	d.Expect(wanted).To(HaveLen(1), "it is wanted sooner")
	d.Expect(d.Due("reseller")).To(Equal(now.Add(time.Second)))

	d.Expect(d.put(now.Add(time.Minute))).To(ConsistOf("a", "c"), "the list is older than what b waits for")
	d.Expect(d.Due("reseller")).To(Equal(now.Add(2 * time.Minute)))
	d.Watch("reseller", claimNamed("d"), at(30*time.Second))
	wanted, news = d.told()
	d.Expect(wanted).To(BeEmpty())
	d.Expect(news).To(Equal([]string{"d"}), "what it waits for is there")
	d.Watch("reseller", claimNamed("e"), at(3*time.Minute))
	wanted, _ = d.told()
	d.Expect(wanted).To(BeEmpty(), "b wants one sooner")
	d.Forget(claimNamed("b"))
	d.Expect(d.Due("reseller")).To(Equal(now.Add(3 * time.Minute)))
	d.Expect(d.Due("another")).To(BeZero())
}

// TestP13AListThatIsNoLongerWantedHidesNoneThatIs: a claim wanted one and does not any more, because it has what it needs, asks for
// something else or is gone. Another that wants one a moment later is heard, and needs not wait for the next list by itself.
func TestP13AListThatIsNoLongerWantedHidesNoneThatIs(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 3, 9, 0, 0, 0, time.UTC)
	for name, takeBack := range map[string]func(*desk){
		"it has what it needs":      func(d *desk) { d.Watch("reseller", claimNamed("first"), Interest{ID: 1}) },
		"it wants one later":        func(d *desk) { d.Watch("reseller", claimNamed("first"), Interest{ID: 1, ListAt: now.Add(time.Hour)}) },
		"it is gone":                func(d *desk) { d.Forget(claimNamed("first")) },
		"it has what it was to get": func(d *desk) { d.put(now.Add(time.Second)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			d.put(now.Add(-time.Minute))
			d.Watch("reseller", claimNamed("first"), Interest{ID: 1, ListAt: now})
			wanted, _ := d.told()
			d.Expect(wanted).To(HaveLen(1))
			takeBack(d)
			d.told()
			d.Watch("reseller", claimNamed("second"), Interest{ID: 2, ListAt: now.Add(2 * time.Second)})
			wanted, _ = d.told()
			d.Expect(wanted).To(HaveLen(1))
		})
	}
}

// TestP13WhatIsInOrderIsNotWoken: a list wakes a claim without an instance, one that needs a token, and one whose instance is not as it was.
func TestP13WhatIsInOrderIsNotWoken(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 3, 9, 0, 0, 0, time.UTC)
	here, other, gone := row(1, "n"), row(1, "n"), row(1, "n")
	here.Messenger, other.Messenger, gone.Deleted = "whatsapp", "telegram", true
	for _, test := range []struct {
		what  string
		needs Interest
		rows  []greenapi.Row
		want  bool
	}{
		{"in order", Interest{ID: 1, Messenger: "whatsapp"}, []greenapi.Row{here}, false},
		{"in order, and the list does not name the messenger", Interest{ID: 1, Messenger: "whatsapp"}, []greenapi.Row{row(1, "n")}, false},
		{"without an instance", Interest{Name: "n", Every: true}, nil, true},
		{"needs a token", Interest{ID: 1, Messenger: "whatsapp", Token: true}, []greenapi.Row{here}, true},
		{"missing", Interest{ID: 1, Messenger: "whatsapp"}, []greenapi.Row{row(2, "m")}, true},
		{"deleted", Interest{ID: 1, Messenger: "whatsapp"}, []greenapi.Row{gone}, true},
		{"of another messenger", Interest{ID: 1, Messenger: "whatsapp"}, []greenapi.Row{other}, true},
		{"nothing is known and nothing is wanted", Interest{Name: "n"}, nil, false},
	} {
		d := newDesk(t)
		d.Watch("reseller", claimNamed("a"), test.needs)
		d.Expect(len(d.put(now, test.rows...)) == 1).To(Equal(test.want), test.what)
	}
}

// TestP12OnlyTokensThatAreNeededAreKept: by number where one is known, else by name, and none of an instance that was deleted.
func TestP12OnlyTokensThatAreNeededAreKept(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.Watch("reseller", claimNamed("a"), Interest{Name: "one", ID: 1, Token: true})
	d.Watch("reseller", claimNamed("b"), Interest{Name: "two", Token: true})
	d.Watch("reseller", claimNamed("c"), Interest{Name: "three", ID: 3})
	asked := d.Asked("reseller")
	gone := row(9, "two")
	gone.Deleted = true
	for _, test := range []struct {
		row  greenapi.Row
		want bool
	}{{row(1, "renamed"), true}, {row(7, "one"), false}, {row(8, "two"), true}, {gone, false}, {row(3, "three"), false}} {
		d.Expect(asked(test.row)).To(Equal(test.want), "%v", test.row)
	}
	d.Expect(d.Asked("another")(row(1, "one"))).To(BeFalse())
}

// TestP4ADroppedListSaysNothing: who waits for one looks, and nobody else; what was bought is remembered.
func TestP4ADroppedListSaysNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	now := time.Date(2026, 11, 3, 9, 0, 0, 0, time.UTC)
	d.Drop("reseller")
	d.Watch("reseller", claimNamed("a"), Interest{ID: 1, Messenger: "whatsapp"})
	d.Note("reseller", Create{Name: "n", Claim: "uid", Attempt: 1, Time: now.Add(-30 * time.Minute)}, now)
	d.put(now, row(1, "n"))
	d.Watch("reseller", claimNamed("b"), Interest{Name: "n", ListAt: now.Add(time.Minute)})
	d.told()
	list, _ := d.List("reseller")
	d.Expect(list).NotTo(BeNil())
	d.Drop("reseller")
	_, news := d.told()
	d.Expect(news).To(Equal([]string{"b"}))
	list, api := d.List("reseller")
	d.Expect(list).To(BeNil())
	d.Expect(api).To(BeNil())
	d.Drop("reseller")
	_, news = d.told()
	d.Expect(news).To(BeEmpty(), "there is none any more")
	d.Expect(d.Creates("reseller", now)).To(HaveLen(1))
	d.Note("reseller", Create{Name: "m", Claim: "uid", Attempt: 2, Time: now.Add(10 * time.Minute)}, now.Add(10*time.Minute))
	d.Expect(d.Creates("reseller", now.Add(31*time.Minute))).To(HaveLen(1), "an hour after it a call does not count")
	d.Expect(d.Creates("another", now)).To(BeEmpty())
	one := Create{Claim: "uid", Attempt: 1}
	d.Expect(one.Same(Create{Claim: "uid", Attempt: 1, Name: "n"})).To(BeTrue())
	d.Expect(one.Same(Create{Claim: "uid", Attempt: 2})).To(BeFalse())
	d.Expect(one.Same(Create{Claim: "other", Attempt: 1})).To(BeFalse())
}

// TestABookThatNobodyListensToIsOne: its zero value is ready to use.
func TestABookThatNobodyListensToIsOne(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	var b Book
	now := time.Date(2026, 11, 3, 9, 0, 0, 0, time.UTC)
	b.Watch("reseller", claimNamed("a"), Interest{ListAt: now})
	b.Put("reseller", NewList(now, nil, "prod-eu"), nil)
	b.Watch("reseller", claimNamed("a"), Interest{ListAt: now.Add(-time.Minute)})
	b.Watch("reseller", claimNamed("a"), Interest{ListAt: now.Add(time.Minute)})
	b.Drop("reseller")
	g.Expect(b.Due("reseller")).To(Equal(now.Add(time.Minute)))
	b.Forget(claimNamed("a"))
	g.Expect(b.Due("reseller")).To(BeZero())
}
