// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"
)

// gate is the origins of a kind with 32 workers, and who was woken.
type gate struct {
	*WithT
	*origins
	now   time.Time
	woken []waiter
}

func newGate(t *testing.T) *gate {
	t.Helper()
	o := &gate{WithT: NewWithT(t), origins: newOrigins(), now: rolloutStart}
	o.bound(32)
	return o
}

func (o *gate) line(namespace string, i int) waiter {
	w := asking(namespace, i, nil)
	w.wake = func(types.NamespacedName) { o.woken = append(o.woken, w) }
	return w
}

// enter asks for a place at the origin that is named as the namespace.
func (o *gate) enter(w waiter, r rank) bool {
	ok, _ := o.ask(w, w.resource.Namespace, r, o.now)
	return ok
}

// fill lets lines of a namespace in until there is no place, and returns them. The one that found none does not stay.
func (o *gate) fill(namespace string, first int, r rank) []waiter {
	var in []waiter
	for i := first; ; i++ {
		w := o.line(namespace, i)
		if !o.enter(w, r) {
			o.leave(w.resource, notCalled, o.now)
			return in
		}
		in = append(in, w)
	}
}

func (o *gate) end(in []waiter, how lesson) {
	for _, w := range in {
		o.leave(w.resource, how, o.now)
	}
}

// TestR41AnOriginHasAQuarterUntilItAnswers, and never all of the workers; after a call that hung it has a quarter again.
func TestR41AnOriginHasAQuarterUntilItAnswers(t *testing.T) {
	o := newGate(t)
	in := o.fill("a", 0, rankPending)
	o.Expect(in).To(HaveLen(8))
	o.end(in, hung)
	o.Expect(o.fill("a", 100, rankPending)).To(HaveLen(8))
	o.Expect(o.fill("b", 0, rankPending)).To(HaveLen(8), "another one has as many")
	for _, v := range o.visits {
		o.leave(v.resource, answered, o.now)
	}
	for i := range 100 {
		w := o.line("a", i)
		o.Expect(o.enter(w, rankPoll)).To(BeTrue())
		o.leave(w.resource, answered, o.now)
	}
	in = o.fill("a", 0, rankPoll)
	o.Expect(in).To(HaveLen(28), "a healthy one has all but an eighth")
	o.end(in[:1], hung)
	o.Expect(o.enter(o.line("a", 100), rankPoll)).To(BeFalse(), "no other one goes out once a call hung")
}

// TestR41OriginsThatHangHaveHalfTogether, however many there are.
func TestR41OriginsThatHangHaveHalfTogether(t *testing.T) {
	o := newGate(t)
	out := 0
	for i := range 6 {
		name := fmt.Sprint("hanging-", i)
		o.end(o.fill(name, 0, rankPending), hung)
	}
	for i := range 6 {
		out += len(o.fill(fmt.Sprint("hanging-", i), 0, rankPending))
	}
	o.Expect(out).To(Equal(16))
	o.Expect(o.fill("healthy", 0, rankPending)).To(HaveLen(8))
	o.Expect(o.enter(o.line("hanging-5", 500), rankPending)).To(BeFalse())
	o.end([]waiter{o.line("hanging-0", 0)}, hung)
	o.Expect(o.woken).To(HaveLen(1), "who waits at any of them follows")
	o.Expect(o.woken[0].resource.Name).To(Equal("500"))
}

// TestR41SomeLinesThatHangDoNotHoldUpTheOthersOfTheirHost: they have a part of its places, and take nothing of its trust.
func TestR41SomeLinesThatHangDoNotHoldUpTheOthersOfTheirHost(t *testing.T) {
	o := newGate(t)
	for i := range 100 {
		w := o.line("a", i)
		o.Expect(o.enter(w, rankPoll)).To(BeTrue())
		o.leave(w.resource, answered, o.now)
	}
	suspects := o.fill("a", 1000, rankSuspect)
	o.Expect(suspects).To(HaveLen(8))
	o.end(suspects, hung)
	o.Expect(o.fill("a", 1000, rankSuspect)).To(HaveLen(8))
	o.Expect(o.fill("a", 0, rankPoll)).To(HaveLen(20))
}

// TestR41WhoWaitsComesInTurn: what somebody waits for before polls, suspects and others in turn, and each namespace in turn.
func TestR41WhoWaitsComesInTurn(t *testing.T) {
	o := newGate(t)
	in := o.fill("a", 0, rankPoll)
	join := func(namespace string, i int, r rank) {
		ok, _ := o.ask(o.line(namespace, i), "a", r, o.now)
		o.Expect(ok).To(BeFalse())
	}
	join("a", 100, rankPoll)
	join("a", 200, rankPending)
	join("a", 201, rankPending)
	join("other", 202, rankPending)
	join("a", 300, rankSuspect)
	join("a", 301, rankSuspect)
	var order []string
	for i := range 6 {
		o.leave(in[i].resource, notCalled, o.now)
		o.Expect(o.woken).To(HaveLen(i+1), "one place, one that is woken")
		order = append(order, o.woken[i].resource.Name)
		o.Expect(o.enterAs(o.woken[i], i)).To(BeTrue(), "the place is kept for it")
		o.Expect(o.enter(o.line("a", 999), rankPending)).To(BeFalse(), "nobody takes it")
		o.leave(o.line("a", 999).resource, notCalled, o.now)
	}
	o.Expect(order).To(Equal([]string{"300", "200", "301", "202", "201", "100"}))
}

// enterAs is the pass of one that was woken.
func (o *gate) enterAs(w waiter, i int) bool {
	ranks := []rank{rankSuspect, rankPending, rankSuspect, rankPending, rankPending, rankPoll}
	ok, _ := o.ask(w, "a", ranks[i], o.now)
	return ok
}

// TestR41APlaceIsNotKeptForEver for one whose pass does not come.
func TestR41APlaceIsNotKeptForEver(t *testing.T) {
	o := newGate(t)
	in := o.fill("a", 0, rankPoll)
	lost, next := o.line("a", 100), o.line("a", 101)
	o.Expect(o.enter(lost, rankPoll)).To(BeFalse())
	o.Expect(o.enter(next, rankPoll)).To(BeFalse())
	o.leave(in[0].resource, notCalled, o.now)
	o.Expect(o.woken).To(HaveLen(1))
	o.now = o.now.Add(placeKept)
	o.Expect(o.enter(next, rankPoll)).To(BeTrue())
	o.Expect(o.enter(lost, rankPoll)).To(BeFalse(), "it waits like anybody else")
}

// TestR41WhatIsRememberedOfOriginsIsBounded.
func TestR41WhatIsRememberedOfOriginsIsBounded(t *testing.T) {
	o := newGate(t)
	for i := range 1000 {
		w := o.line(fmt.Sprint("host-", i), 0)
		o.Expect(o.enter(w, rankPending)).To(BeTrue())
		o.leave(w.resource, answered, o.now)
		o.now = o.now.Add(time.Minute)
	}
	o.Expect(len(o.byName)).To(BeNumerically("<=", 21))
	o.Expect([]int{len(o.visits), len(o.granted), len(o.crowded)}).To(HaveEach(0))
}

// TestR41TheCountsAreRight whatever happens: never more are out than may be, nobody waits while there is room, and once all
// are gone nothing is left.
func TestR41TheCountsAreRight(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o, now := newOrigins(), rolloutStart
		o.bound(rapid.IntRange(1, 40).Draw(t, "workers"))
		hosts := []string{"a", "b", "c", "d", "e"}
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			w := asking("ns", rapid.IntRange(0, 60).Draw(t, "line"), func(types.NamespacedName) {})
			switch rapid.IntRange(0, 2).Draw(t, "what") {
			case 0:
				o.ask(w, rapid.SampledFrom(hosts).Draw(t, "host"), rank(rapid.IntRange(0, 2).Draw(t, "rank")), now)
			case 1:
				o.leave(w.resource, lesson(rapid.IntRange(0, 2).Draw(t, "lesson")), now)
			default:
				now = now.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "seconds")) * time.Second)
			}
			checkOrigins(t, o)
		}
		for _, v := range o.visits {
			o.leave(v.resource, notCalled, now)
		}
		for _, at := range o.byName {
			if at.out != 0 || at.suspects != 0 || o.stuck != 0 || len(o.crowded)+len(o.granted)+len(o.visits) != 0 {
				t.Fatalf("something is left: %+v, %+v", o, at)
			}
		}
	})
}

func checkOrigins(t *rapid.T, o *origins) {
	out, stuck := map[*origin]int{}, 0
	for _, v := range o.visits {
		if v.placed {
			out[v.at]++
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
	if stuck != o.stuck {
		t.Fatalf("%d are out for origins that hang, %d are counted", stuck, o.stuck)
	}
}
