// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package origins

import (
	"fmt"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"

	"github.com/greenapi-operator/greenapi-operator/internal/fairqueue"
	"github.com/greenapi-operator/greenapi-operator/internal/keys"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// asking is the waiter of a resource that has one instance of its own.
func asking(namespace string, i int, wake func(types.NamespacedName)) fairqueue.Waiter {
	key := types.NamespacedName{Namespace: namespace, Name: fmt.Sprint(i)}
	return fairqueue.Waiter{Resource: keys.Resource{Kind: "kind", NamespacedName: key}, Instance: keys.Instance{Origin: namespace, ID: int64(i)}, Wake: wake}
}

// gate is the origins of a kind with 32 workers, and who was woken.
type gate struct {
	*WithT
	*Bound
	now   time.Time
	woken []fairqueue.Waiter
}

func newGate(t *testing.T) *gate {
	t.Helper()
	o := &gate{WithT: NewWithT(t), Bound: New(), now: start}
	o.SetWorkers(32)
	return o
}

func (o *gate) line(namespace string, i int) fairqueue.Waiter {
	w := asking(namespace, i, nil)
	w.Wake = func(types.NamespacedName) { o.woken = append(o.woken, w) }
	return w
}

// enter asks for a place at the origin that is named as the namespace.
func (o *gate) enter(w fairqueue.Waiter, r Rank) bool {
	ok, _ := o.Enter(w, w.Resource.Namespace, r, o.now)
	return ok
}

// fill lets lines of a namespace in until there is no place, and returns them. The one that found none does not stay.
func (o *gate) fill(namespace string, first int, r Rank) []fairqueue.Waiter {
	var in []fairqueue.Waiter
	for i := first; ; i++ {
		w := o.line(namespace, i)
		if !o.enter(w, r) {
			o.Leave(w.Resource, NotCalled, o.now)
			return in
		}
		in = append(in, w)
	}
}

func (o *gate) end(in []fairqueue.Waiter, how Lesson) {
	for _, w := range in {
		o.Leave(w.Resource, how, o.now)
	}
}

// TestR41AnOriginHasAQuarterUntilItAnswers, and never all of the workers; after a call that hung it has a quarter again.
func TestR41AnOriginHasAQuarterUntilItAnswers(t *testing.T) {
	o := newGate(t)
	in := o.fill("a", 0, Pending)
	o.Expect(in).To(HaveLen(8))
	o.end(in, Hung)
	o.Expect(o.fill("a", 100, Pending)).To(HaveLen(8))
	o.Expect(o.fill("b", 0, Pending)).To(HaveLen(8), "another one has as many")
	for _, v := range o.visits {
		o.Leave(v.Resource, Answered, o.now)
	}
	for i := range 100 {
		w := o.line("a", i)
		o.Expect(o.enter(w, Poll)).To(BeTrue())
		o.Leave(w.Resource, Answered, o.now)
	}
	in = o.fill("a", 0, Poll)
	o.Expect(in).To(HaveLen(28), "a healthy one has all but an eighth")
	o.end(in[:1], Hung)
	o.Expect(o.enter(o.line("a", 100), Poll)).To(BeFalse(), "no other one goes out once a call hung")
}

// TestR41OriginsThatHangHaveHalfTogether, however many there are.
func TestR41OriginsThatHangHaveHalfTogether(t *testing.T) {
	o := newGate(t)
	out := 0
	for i := range 6 {
		name := fmt.Sprint("hanging-", i)
		o.end(o.fill(name, 0, Pending), Hung)
	}
	for i := range 6 {
		out += len(o.fill(fmt.Sprint("hanging-", i), 0, Pending))
	}
	o.Expect(out).To(Equal(16))
	o.Expect(o.fill("healthy", 0, Pending)).To(HaveLen(8))
	o.Expect(o.enter(o.line("hanging-5", 500), Pending)).To(BeFalse())
	o.end([]fairqueue.Waiter{o.line("hanging-0", 0)}, Hung)
	o.Expect(o.woken).To(HaveLen(1), "who waits at any of them follows")
	o.Expect(o.woken[0].Resource.Name).To(Equal("500"))
}

// TestR41SomeLinesThatHangDoNotHoldUpTheOthersOfTheirHost: they have a part of its places, and take nothing of its trust.
func TestR41SomeLinesThatHangDoNotHoldUpTheOthersOfTheirHost(t *testing.T) {
	o := newGate(t)
	for i := range 100 {
		w := o.line("a", i)
		o.Expect(o.enter(w, Poll)).To(BeTrue())
		o.Leave(w.Resource, Answered, o.now)
	}
	suspects := o.fill("a", 1000, Suspect)
	o.Expect(suspects).To(HaveLen(8))
	o.end(suspects, Hung)
	o.Expect(o.fill("a", 1000, Suspect)).To(HaveLen(8))
	o.Expect(o.fill("a", 0, Poll)).To(HaveLen(20))
}

// TestR41TheLastEighthIsForOriginsForWhichNobodyIsOut: several that answer have all but that together.
func TestR41TheLastEighthIsForOriginsForWhichNobodyIsOut(t *testing.T) {
	o := newGate(t)
	for _, namespace := range []string{"a", "b"} {
		for i := range 100 {
			w := o.line(namespace, i)
			o.Expect(o.enter(w, Poll)).To(BeTrue())
			o.Leave(w.Resource, Answered, o.now)
		}
	}
	out := len(o.fill("a", 0, Poll)[:20])
	for i := 20; i < 28; i++ {
		o.Leave(o.line("a", i).Resource, Answered, o.now)
	}
	out += len(o.fill("b", 0, Pending))
	o.Expect(out).To(Equal(28))
	o.Expect(o.enter(o.line("a", 500), Pending)).To(BeFalse())
	for _, namespace := range []string{"c", "d", "e", "f"} {
		o.Expect(o.enter(o.line(namespace, 0), Poll)).To(BeTrue())
		o.Expect(o.enter(o.line(namespace, 1), Poll)).To(BeFalse())
	}
}

// TestR41WhoWaitsComesInTurn: what somebody waits for before polls, suspects and others in turn, and each namespace in turn.
func TestR41WhoWaitsComesInTurn(t *testing.T) {
	o := newGate(t)
	in := o.fill("a", 0, Poll)
	join := func(namespace string, i int, r Rank) {
		ok, _ := o.Enter(o.line(namespace, i), "a", r, o.now)
		o.Expect(ok).To(BeFalse())
	}
	join("a", 100, Poll)
	join("a", 200, Pending)
	join("a", 201, Pending)
	join("other", 202, Pending)
	join("a", 300, Suspect)
	join("a", 301, Suspect)
	var order []string
	for i := range 6 {
		o.Leave(in[i].Resource, NotCalled, o.now)
		o.Expect(o.woken).To(HaveLen(i+1), "one place, one that is woken")
		order = append(order, o.woken[i].Resource.Name)
		o.Expect(o.enterAs(o.woken[i], i)).To(BeTrue(), "the place is kept for it")
		o.Expect(o.enter(o.line("a", 999), Pending)).To(BeFalse(), "nobody takes it")
		o.Leave(o.line("a", 999).Resource, NotCalled, o.now)
	}
	o.Expect(order).To(Equal([]string{"300", "200", "301", "202", "201", "100"}))
}

// enterAs is the pass of one that was woken.
func (o *gate) enterAs(w fairqueue.Waiter, i int) bool {
	ranks := []Rank{Suspect, Pending, Suspect, Pending, Pending, Poll}
	ok, _ := o.Enter(w, "a", ranks[i], o.now)
	return ok
}

// TestR41APlaceIsNotKeptForEver for one whose pass does not come.
func TestR41APlaceIsNotKeptForEver(t *testing.T) {
	o := newGate(t)
	in := o.fill("a", 0, Poll)
	lost, next := o.line("a", 100), o.line("a", 101)
	o.Expect(o.enter(lost, Poll)).To(BeFalse())
	o.Expect(o.enter(next, Poll)).To(BeFalse())
	o.Leave(in[0].Resource, NotCalled, o.now)
	o.Expect(o.woken).To(HaveLen(1))
	o.now = o.now.Add(placeKept)
	o.Expect(o.enter(next, Poll)).To(BeTrue())
	o.Expect(o.enter(lost, Poll)).To(BeFalse(), "it waits like anybody else")
}

// TestR41WhatIsRememberedOfOriginsIsBounded.
func TestR41WhatIsRememberedOfOriginsIsBounded(t *testing.T) {
	o := newGate(t)
	for i := range 1000 {
		w := o.line(fmt.Sprint("host-", i), 0)
		o.Expect(o.enter(w, Pending)).To(BeTrue())
		o.Leave(w.Resource, Answered, o.now)
		o.now = o.now.Add(time.Minute)
	}
	o.Expect(len(o.byName)).To(BeNumerically("<=", 21))
	o.Expect([]int{len(o.visits), len(o.granted), len(o.crowded)}).To(HaveEach(0))
}

// TestR41TheCountsAreRight whatever happens: never more are out than may be, nobody waits while there is room, and once all
// are gone nothing is left.
func TestR41TheCountsAreRight(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o, now := New(), start
		o.SetWorkers(rapid.IntRange(1, 40).Draw(t, "workers"))
		hosts := []string{"a", "b", "c", "d", "e"}
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			w := asking("ns", rapid.IntRange(0, 60).Draw(t, "line"), func(types.NamespacedName) {})
			switch rapid.IntRange(0, 2).Draw(t, "what") {
			case 0:
				o.Enter(w, rapid.SampledFrom(hosts).Draw(t, "host"), Rank(rapid.IntRange(0, 2).Draw(t, "rank")), now)
			case 1:
				o.Leave(w.Resource, Lesson(rapid.IntRange(0, 2).Draw(t, "lesson")), now)
			default:
				now = now.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "seconds")) * time.Second)
			}
			checkOrigins(t, o)
		}
		for _, v := range o.visits {
			o.Leave(v.Resource, NotCalled, now)
		}
		for _, at := range o.byName {
			if at.out != 0 || at.suspects != 0 || o.stuck != 0 || len(o.crowded)+len(o.granted)+len(o.visits) != 0 {
				t.Fatalf("something is left: %+v, %+v", o, at)
			}
		}
	})
}

func checkOrigins(t *rapid.T, o *Bound) {
	out, all, stuck := map[*origin]int{}, 0, 0
	for _, v := range o.visits {
		if v.placed {
			out[v.at]++
			all++
		}
	}
	for name, at := range o.byName {
		if at.out != out[at] || at.out > o.most() || at.suspects > max(o.quarter(), 1) {
			t.Fatalf("%s: %d are counted, %d are out, %d of them suspects", name, at.out, out[at], at.suspects)
		}
		if at.hangs {
			stuck += at.out
		}
		if _, ok := o.next(at); ok {
			t.Fatalf("%s: somebody waits though there is room", name)
		}
	}
	if all != o.out {
		t.Fatalf("%d are out, %d are counted", all, o.out)
	}
	if stuck != o.stuck {
		t.Fatalf("%d are out for origins that hang, %d are counted", stuck, o.stuck)
	}
}
