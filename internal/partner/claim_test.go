// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package partner

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"pgregory.net/rapid"

	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

const wanted = "prod-eu/shop/a"

func listAt(after time.Duration, rows ...greenapi.Row) *List {
	return NewList(noon.Add(after), rows, "prod-eu")
}

func gone(id int64, name string) greenapi.Row {
	r := row(id, name)
	r.Deleted = true
	return r
}

// lacked counts good lists that lack the instance, so long after noon.
func lacked(apart time.Duration, after ...time.Duration) *Lacking {
	l := &Lacking{}
	for _, at := range after {
		l.Note(noon.Add(at), apart)
	}
	return l
}

// TestP1TheListDecides: what is there is taken, two are none, deleted ones are passed over, expired ones live.
func TestP1TheListDecides(t *testing.T) {
	g := NewWithT(t)
	unpaid := row(5, wanted)
	unpaid.Expired = true
	q := Request{Name: wanted}
	for _, test := range []struct {
		what string
		q    Request
		list *List
		want Verdict
	}{
		{"no list", q, nil, Verdict{Action: ReadList}},
		{"nothing of the name", q, listAt(0, row(1, "prod-eu/shop/b"), row(2, "prod-eu/shop/aa"), row(3, "Prod-eu/shop/a")), Verdict{Action: Buy}},
		{"one", q, listAt(0, row(4, wanted)), Verdict{Action: Adopt, Row: row(4, wanted)}},
		{"one that nobody pays for", q, listAt(0, unpaid), Verdict{Action: Adopt, Row: unpaid}},
		{"a deleted one", q, listAt(0, gone(4, wanted)), Verdict{Action: Buy}},
		{"one that lives beside a deleted one", q, listAt(0, gone(4, wanted), row(6, wanted)), Verdict{Action: Adopt, Row: row(6, wanted)}},
		{"two", q, listAt(0, row(4, wanted), row(6, wanted)), Verdict{Action: GiveUp, Why: Ambiguous, IDs: []int64{4, 6}}},
		{"one twice", q, listAt(0, row(4, wanted), row(4, wanted)), Verdict{Action: Adopt, Row: row(4, wanted)}},
		{"one, and it may not be taken", Request{Name: wanted, AdoptNever: true}, listAt(0, row(4, wanted)), Verdict{Action: GiveUp, Why: Taken, IDs: []int64{4}}},
		{"one that this claim may have bought", Request{Name: wanted, AdoptNever: true, Attempts: 1, Outcome: Open, Ended: noon}, listAt(0, row(4, wanted)), Verdict{Action: Adopt, Row: row(4, wanted)}},
	} {
		g.Expect(test.q.Decide(test.list, &Lacking{})).To(Equal(test.want), test.what)
	}
}

// TestP3WhatIsNotFoundInHalfAnHourIsBoughtOnceMore, and then not again.
func TestP3WhatIsNotFoundInHalfAnHourIsBoughtOnceMore(t *testing.T) {
	g := NewWithT(t)
	open := Request{Name: wanted, Attempts: 1, Outcome: Open, Ended: noon}
	half := []time.Duration{0, 30 * time.Second, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 20 * time.Minute, 30 * time.Minute}
	decide := func(q Request, seen ...time.Duration) Verdict {
		return q.Decide(listAt(seen[len(seen)-1]), lacked(0, seen...))
	}
	for i := range half[1:] {
		g.Expect(decide(open, half[:i+1]...)).To(Equal(Verdict{Action: ReadList, Why: Unknown}), "%d lists", i+1)
		g.Expect(open.NextList(noon.Add(half[i]))).To(Equal(noon.Add(half[i+1])), "%d lists", i+1)
	}
	g.Expect(open.NextList(time.Time{})).To(Equal(noon))
	g.Expect(decide(open, half...)).To(Equal(Verdict{Action: Buy}))
	g.Expect(decide(open, 0, 10*time.Minute, 20*time.Minute, 40*time.Minute)).To(Equal(Verdict{Action: ReadList, Why: Unknown}), "four lists are not enough")
	g.Expect(open.NextList(noon.Add(40*time.Minute))).To(Equal(noon.Add(46*time.Minute)), "it goes on where some lists were no good")
	open.Attempts = 2
	g.Expect(decide(open, half...)).To(Equal(Verdict{Action: GiveUp, Why: Unknown}))
	open.OneMore = true
	g.Expect(decide(open, half...)).To(Equal(Verdict{Action: Buy}), "a person may ask for one more")
	g.Expect(decide(open, half[:6]...)).To(Equal(Verdict{Action: ReadList, Why: Unknown}), "but not before it is known that there is none")
}

func TestP3WhatIsRefusedTwiceIsGivenUp(t *testing.T) {
	g := NewWithT(t)
	q := Request{Name: wanted, Attempts: 1, Outcome: Refused, Ended: noon}
	g.Expect(q.Decide(listAt(time.Minute), &Lacking{})).To(Equal(Verdict{Action: ReadList, Why: Denied}))
	g.Expect(q.NextList(time.Time{})).To(Equal(noon.Add(RefusedWait)))
	g.Expect(q.Decide(listAt(RefusedWait), &Lacking{})).To(Equal(Verdict{Action: Buy}))
	q.Attempts = 2
	g.Expect(q.Decide(listAt(RefusedWait), &Lacking{})).To(Equal(Verdict{Action: GiveUp, Why: Denied}))
	q.OneMore = true
	g.Expect(q.Decide(listAt(0), &Lacking{})).To(Equal(Verdict{Action: Buy}))
}

// TestP5ThreeListsAnHourApartSayThatAnInstanceIsGone.
func TestP5ThreeListsAnHourApartSayThatAnInstanceIsGone(t *testing.T) {
	g := NewWithT(t)
	g.Expect(lacked(time.Hour, 0, 10*time.Minute, 50*time.Minute, time.Hour, 90*time.Minute).Missing()).To(BeFalse())
	g.Expect(lacked(time.Hour, 0, 10*time.Minute, time.Hour, 2*time.Hour).Missing()).To(BeTrue())
}

// TestP7NeitherLimitIsExceeded: what was bought and does not show yet counts as well.
func TestP7NeitherLimitIsExceeded(t *testing.T) {
	g := NewWithT(t)
	list := listAt(0, row(1, "prod-eu/shop/a"), row(2, "prod-eu/shop/b"), gone(3, "prod-eu/shop/c"), row(4, "somebody else's"))
	creates := []Create{
		{Name: "prod-eu/shop/old", Time: noon.Add(-time.Hour)}, {Name: "prod-eu/shop/b", Time: noon.Add(-50 * time.Minute)}, {Name: "prod-eu/shop/c", Time: noon.Add(-40 * time.Minute)},
	}
	instances, next := Room(list, creates, 3, noon)
	g.Expect(instances).To(Equal(3), "a and b live, and c may be late")
	g.Expect(next).To(Equal(noon))
	creates = append(creates, Create{Name: "prod-eu/shop/d", Time: noon}, Create{Name: "prod-eu/shop/d", Time: noon})
	instances, next = Room(list, creates, 3, noon)
	g.Expect(instances).To(Equal(5), "twice bought are two")
	g.Expect(next).To(Equal(noon.Add(20*time.Minute)), "four within an hour: the second oldest has to pass")
	_, next = Room(list, []Create{{Name: "x", Time: noon.Add(time.Hour)}}, 1, noon)
	g.Expect(next).To(Equal(noon.Add(2*time.Hour)), "a clock that was set back frees nothing")
}

// TestP11OnlyWhatIsTheClaimsIsDeleted.
func TestP11OnlyWhatIsTheClaimsIsDeleted(t *testing.T) {
	g := NewWithT(t)
	mine := Ending{Name: wanted, ID: 4}
	tried := Ending{Name: wanted, ID: 4, Outcome: Open, Ended: noon}
	bought := Ending{Name: wanted, BoughtBy: noon}
	for _, test := range []struct {
		what    string
		e       Ending
		list    *List
		lacking *Lacking
		want    Step
		id      int64
	}{
		{"no list", mine, nil, &Lacking{}, LookAgain, 4},
		{"it lives", mine, listAt(0, row(4, wanted)), &Lacking{}, Delete, 4},
		{"it is deleted", mine, listAt(0, gone(4, wanted)), &Lacking{}, Done, 4},
		{"it has another name", mine, listAt(0, row(4, "prod-eu/shop/b")), &Lacking{}, LetGo, 4},
		{"another has the name", mine, listAt(0, gone(4, wanted), row(5, wanted)), &Lacking{}, Done, 4},
		{"it does not show", mine, listAt(0, row(5, wanted)), lacked(time.Hour, 0), LookAgain, 4},
		{"it never shows again", mine, listAt(2*time.Hour, row(5, wanted)), lacked(time.Hour, 0, time.Hour, 2*time.Hour), Done, 4},
		{"deleting it was tried a while ago", tried, listAt(20*time.Minute, row(4, wanted)), &Lacking{}, LookAgain, 4},
		{"deleting it was tried half an hour ago", tried, listAt(30*time.Minute, row(4, wanted)), &Lacking{}, Delete, 4},
		{"it may have been bought, and shows", bought, listAt(time.Minute, row(4, wanted)), &Lacking{}, Delete, 4},
		{"it may have been bought, and may be late", bought, listAt(20 * time.Minute), lacked(0, 0, 1, 2, 3, 20*time.Minute), LookAgain, 0},
		{"it was not bought", bought, listAt(30 * time.Minute), lacked(0, 0, 1, 2, 3, 30*time.Minute), Done, 0},
		{"two have the name, and which is the claim's is not known", bought, listAt(time.Hour, row(4, wanted), row(5, wanted)), &Lacking{}, LookAgain, 0},
	} {
		step, id := test.e.Decide(test.list, test.lacking)
		g.Expect([]any{step, id}).To(Equal([]any{test.want, test.id}), test.what)
	}
}

// TestPropertiesOfDecisions: nothing is bought by a list that shows a living instance of the name, nor without a list, nor while one
// that may have been bought may still show.
func TestPropertiesOfDecisions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := Request{
			Name: "key/a/b", AdoptNever: rapid.Bool().Draw(t, "never"), Attempts: rapid.IntRange(0, 3).Draw(t, "attempts"),
			Outcome: rapid.SampledFrom([]Outcome{NeverCalled, Open, Refused}).Draw(t, "outcome"), Ended: noon, OneMore: rapid.Bool().Draw(t, "more"),
		}
		lacking, last := &Lacking{}, time.Duration(0)
		for range rapid.IntRange(1, 12).Draw(t, "lists") {
			last += time.Duration(rapid.IntRange(0, 600).Draw(t, "seconds")) * time.Second
			lacking.Note(noon.Add(last), 0)
		}
		list := NewList(noon.Add(last), drawRows(t), "key")
		v := q.Decide(list, lacking)
		switch living := list.Living("key/a/b"); {
		case v.Action == Buy && len(living) > 0:
			t.Fatalf("bought beside %v", living)
		case v.Action == Buy && q.Attempts >= maxAttempts && !q.OneMore:
			t.Fatalf("attempt %d", q.Attempts+1)
		case v.Action == Buy && q.Outcome == Open && (last < searchedFor || lacking.lists < listsUntilAbsent):
			t.Fatalf("bought after %s and %d lists", last, lacking.lists)
		case v.Action == Adopt && (len(living) != 1 || living[0].ID != v.Row.ID):
			t.Fatalf("adopted %v of %v", v.Row, living)
		case q.Decide(nil, lacking).Action != ReadList:
			t.Fatal("decided without a list")
		}
	})
}
