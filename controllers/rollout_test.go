// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"slices"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"
)

// asking is the waiter of a resource that has one instance of its own.
func asking(namespace string, i int, wake func(types.NamespacedName)) waiter {
	key := types.NamespacedName{Namespace: namespace, Name: fmt.Sprint(i)}
	return waiter{resource: resourceKey{"kind", key}, id: instanceKey{origin: namespace, id: int64(i)}, wake: wake}
}

var rolloutStart = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// TestR28WhoLeftTakesNobodysTurn: a namespace in which a thousand took their change back does not lose its place in the round.
func TestR28WhoLeftTakesNobodysTurn(t *testing.T) {
	g := NewWithT(t)
	var woken []string
	wake := func(key types.NamespacedName) { woken = append(woken, key.String()) }
	o, now := newRollout(), rolloutStart
	first := asking("x", 0, wake)
	_, ok := o.ask(first, 1, now)
	g.Expect(ok).To(BeTrue())
	for i := range 1001 {
		_, _ = o.ask(asking("a", i, wake), 1, now)
		_, _ = o.ask(asking("b", i, wake), 1, now)
	}
	for i := range 1000 {
		o.forget(asking("a", i, wake).resource, now)
	}
	ahead, ok := o.ask(asking("a", 1000, wake), 1, now)
	g.Expect(ok).To(BeFalse())
	g.Expect(ahead).To(BeNumerically("<=", 1))
	o.end(first.resource, first.id)
	o.serve(now, func() int { return 2 })
	g.Expect(woken).To(ConsistOf("a/1000", "b/0"))
}

// TestR28ANamespaceThatLeavesShiftsNobody: the next namespace in the round stays the next one.
func TestR28ANamespaceThatLeavesShiftsNobody(t *testing.T) {
	g := NewWithT(t)
	var woken []string
	wake := func(key types.NamespacedName) { woken = append(woken, key.String()) }
	o, now := newRollout(), rolloutStart
	_, _ = o.ask(asking("x", 0, wake), 1, now)
	for _, w := range []waiter{asking("a", 0, wake), asking("a", 1, wake), asking("b", 0, wake), asking("c", 0, wake)} {
		_, _ = o.ask(w, 1, now)
	}
	o.serve(now, func() int { return 2 })
	o.forget(asking("a", 1, wake).resource, now)
	o.serve(now, func() int { return 3 })
	g.Expect(woken).To(Equal([]string{"a/0", "b/0"}))
}

// TestR28ATurnIsNotLentTwice: who uses the last second of a turn has time to store the intent; who never stores one does not
// keep it.
func TestR28ATurnIsNotLentTwice(t *testing.T) {
	g := NewWithT(t)
	o, now, nobody := newRollout(), rolloutStart, func(types.NamespacedName) {}
	one, other := asking("a", 1, nobody), asking("a", 2, nobody)
	_, ok := o.ask(one, 1, now)
	g.Expect(ok).To(BeTrue())
	now = now.Add(turnTimeout - time.Second)
	_, ok = o.ask(one, 1, now)
	g.Expect(ok).To(BeTrue())
	now = now.Add(callTimeout / 2)
	_, ok = o.ask(other, 1, now)
	g.Expect(ok).To(BeFalse(), "the intent is being stored")
	_, ok = o.ask(one, 1, now)
	g.Expect(ok).To(BeFalse(), "the turn was over, and it did not use it")
	now = now.Add(callTimeout)
	_, ok = o.ask(other, 1, now)
	g.Expect(ok).To(BeTrue())
}

// TestR28TheQueuesStayInOrder, whatever happens in whatever order: no more are restarting than allowed, whoever waits stands in
// a queue once, nobody is forgotten, and nothing is left in the end.
func TestR28TheQueuesStayInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := NewWithT(t)
		o, now, nobody := newRollout(), rolloutStart, func(types.NamespacedName) {}
		limit := rapid.IntRange(1, 4).Draw(t, "limit")
		all := []waiter{}
		for _, namespace := range []string{"a", "b", "c"} {
			for i := range 6 {
				all = append(all, asking(namespace, i, nobody))
			}
		}
		one := rapid.SampledFrom(all)
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			w := one.Draw(t, "who")
			switch rapid.SampledFrom([]string{"ask", "ask", "ask", "use", "end", "forget", "time"}).Draw(t, "what") {
			case "ask":
				_, _ = o.ask(w, limit, now)
			case "use":
				if _, ok := o.ask(w, limit, now); ok {
					o.begin(w, false, now, now.Add(5*time.Minute))
				}
			case "end":
				o.end(w.resource, w.id)
				o.serve(now, func() int { return limit })
			case "forget":
				o.forget(w.resource, now)
				o.serve(now, func() int { return limit })
			case "time":
				now = now.Add(time.Duration(rapid.IntRange(1, 180).Draw(t, "seconds")) * time.Second)
			}
			g.Expect(len(o.slots)).To(BeNumerically("<=", limit))
			queued := map[resourceKey]int{}
			for namespace, q := range o.round.queues {
				g.Expect(o.round.order).To(ContainElement(namespace))
				g.Expect(len(q.list) - q.gone).To(BeNumerically(">", 0))
				g.Expect(q.list[0].gone).To(BeFalse())
				gone := 0
				for i, w := range q.list {
					g.Expect(i == 0 || w.place > q.list[i-1].place).To(BeTrue())
					if w.gone {
						gone++
						continue
					}
					queued[w.resource]++
					g.Expect(o.waiters[w.resource]).To(BeIdenticalTo(w))
				}
				g.Expect(q.gone).To(Equal(gone))
			}
			g.Expect(o.round.order).To(HaveLen(len(o.round.queues)))
			for resource, w := range o.waiters {
				g.Expect(queued[resource] == 1).To(Equal(!w.granted))
			}
		}
		for _, w := range all {
			o.end(w.resource, w.id)
		}
		g.Expect([]int{len(o.slots), len(o.waiters), len(o.round.queues), len(o.round.order)}).To(Equal([]int{0, 0, 0, 0}))
	})
}

// BenchmarkAskBehindTenThousand is what it costs to ask for a turn, and to give one on, while ten thousand wait.
func BenchmarkAskBehindTenThousand(b *testing.B) {
	const waiting, namespaces = 10_000, 100
	o, now := newRollout(), rolloutStart
	var next []types.NamespacedName
	wake := func(key types.NamespacedName) { next = append(next, key) }
	all := map[types.NamespacedName]waiter{}
	for i := range waiting + 1 {
		w := asking(fmt.Sprint(i%namespaces), i, wake)
		all[w.resource.NamespacedName] = w
		if _, ok := o.ask(w, 1, now); ok {
			next = append(next, w.resource.NamespacedName)
		}
	}
	for b.Loop() {
		w := all[next[0]]
		next = slices.Delete(next, 0, 1)
		if _, ok := o.ask(w, 1, now); !ok {
			b.Fatal("who was woken has no turn")
		}
		o.begin(w, false, now, now.Add(time.Minute))
		o.end(w.resource, w.id)
		o.serve(now, func() int { return 1 })
		if _, ok := o.ask(w, 1, now); ok {
			b.Fatal("whoever comes again is the last one")
		}
	}
}
