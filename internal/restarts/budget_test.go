// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package restarts

import (
	"fmt"
	"slices"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"

	"github.com/greenapi-operator/greenapi-operator/internal/fairqueue"
	"github.com/greenapi-operator/greenapi-operator/internal/keys"
)

// asking is the waiter of a resource that has one instance of its own.
func asking(namespace string, i int, wake func(types.NamespacedName)) fairqueue.Waiter {
	key := types.NamespacedName{Namespace: namespace, Name: fmt.Sprint(i)}
	return fairqueue.Waiter{Resource: keys.Resource{Kind: "kind", NamespacedName: key}, Instance: keys.Instance{Origin: namespace, ID: int64(i)}, Wake: wake}
}

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// TestR28WhoLeftTakesNobodysTurn: a namespace in which a thousand took their change back does not lose its place in the round.
func TestR28WhoLeftTakesNobodysTurn(t *testing.T) {
	g := NewWithT(t)
	var woken []string
	wake := func(key types.NamespacedName) { woken = append(woken, key.String()) }
	b, now := NewBudget(), start
	first := asking("x", 0, wake)
	_, ok := b.Acquire(first, 1, now)
	g.Expect(ok).To(BeTrue())
	for i := range 1001 {
		_, _ = b.Acquire(asking("a", i, wake), 1, now)
		_, _ = b.Acquire(asking("b", i, wake), 1, now)
	}
	for i := range 1000 {
		b.Forget(asking("a", i, wake).Resource, now)
	}
	ahead, ok := b.Acquire(asking("a", 1000, wake), 1, now)
	g.Expect(ok).To(BeFalse())
	g.Expect(ahead).To(BeNumerically("<=", 1))
	b.Release(first.Resource, first.Instance)
	b.GrantFree(now, func() int { return 2 })
	g.Expect(woken).To(ConsistOf("a/1000", "b/0"))
}

// TestR28ANamespaceThatLeavesShiftsNobody: the next namespace in the round stays the next one.
func TestR28ANamespaceThatLeavesShiftsNobody(t *testing.T) {
	g := NewWithT(t)
	var woken []string
	wake := func(key types.NamespacedName) { woken = append(woken, key.String()) }
	b, now := NewBudget(), start
	_, _ = b.Acquire(asking("x", 0, wake), 1, now)
	for _, w := range []fairqueue.Waiter{asking("a", 0, wake), asking("a", 1, wake), asking("b", 0, wake), asking("c", 0, wake)} {
		_, _ = b.Acquire(w, 1, now)
	}
	b.GrantFree(now, func() int { return 2 })
	b.Forget(asking("a", 1, wake).Resource, now)
	b.GrantFree(now, func() int { return 3 })
	g.Expect(woken).To(Equal([]string{"a/0", "b/0"}))
}

// TestR28ATurnThatIsOverIsGivenBack, to the second, and whether or not somebody asked a moment before.
func TestR28ATurnThatIsOverIsGivenBack(t *testing.T) {
	g := NewWithT(t)
	b := NewBudget()
	nobody := func(types.NamespacedName) {}
	_, ok := b.Acquire(asking("shop", 0, nobody), 1, start)
	g.Expect(ok).To(BeTrue())
	for _, late := range []time.Duration{-time.Second, 0} {
		_, ok = b.Acquire(asking("shop", 1, nobody), 1, start.Add(turnTimeout+late))
		g.Expect(ok).To(Equal(late == 0), "%s", late)
	}
}

// TestR28WhoAsksAgainKeepsItsPlace, unless it is about another instance by now.
func TestR28WhoAsksAgainKeepsItsPlace(t *testing.T) {
	for _, moved := range []bool{false, true} {
		g := NewWithT(t)
		var woken []string
		wake := func(key types.NamespacedName) { woken = append(woken, key.String()) }
		b, now := NewBudget(), start
		holder, one, other := asking("shop", 0, wake), asking("shop", 1, wake), asking("shop", 2, wake)
		for _, w := range []fairqueue.Waiter{holder, one, other} {
			_, _ = b.Acquire(w, 1, now)
		}
		if moved {
			one.Instance.ID = 11
		}
		_, ok := b.Acquire(one, 1, now)
		g.Expect(ok).To(BeFalse())
		b.Release(holder.Resource, holder.Instance)
		b.GrantFree(now, func() int { return 1 })
		g.Expect(woken).To(Equal([]string{map[bool]string{false: "shop/1", true: "shop/2"}[moved]}))
	}
}

// TestR28ATurnIsNotLentTwice: who uses the last second of a turn has time to store the intent; who never stores one does not
// keep it.
func TestR28ATurnIsNotLentTwice(t *testing.T) {
	g := NewWithT(t)
	b, now, nobody := NewBudget(), start, func(types.NamespacedName) {}
	one, other := asking("a", 1, nobody), asking("a", 2, nobody)
	_, ok := b.Acquire(one, 1, now)
	g.Expect(ok).To(BeTrue())
	now = now.Add(turnTimeout - time.Second)
	_, ok = b.Acquire(one, 1, now)
	g.Expect(ok).To(BeTrue())
	now = now.Add(callTimeout / 2)
	_, ok = b.Acquire(other, 1, now)
	g.Expect(ok).To(BeFalse(), "the intent is being stored")
	_, ok = b.Acquire(one, 1, now)
	g.Expect(ok).To(BeFalse(), "the turn was over, and it did not use it")
	now = now.Add(callTimeout)
	_, ok = b.Acquire(other, 1, now)
	g.Expect(ok).To(BeTrue())
}

// TestR28TheQueuesStayInOrder, whatever happens in whatever order: no more are restarting than allowed, whoever waits stands in
// a queue once, nobody is forgotten, and nothing is left in the end.
func TestR28TheQueuesStayInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := NewWithT(t)
		b, now, nobody := NewBudget(), start, func(types.NamespacedName) {}
		limit := rapid.IntRange(1, 4).Draw(t, "limit")
		all := []fairqueue.Waiter{}
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
				_, _ = b.Acquire(w, limit, now)
			case "use":
				if _, ok := b.Acquire(w, limit, now); ok {
					b.Start(w, false, now, now.Add(5*time.Minute))
				}
			case "end":
				b.Release(w.Resource, w.Instance)
				b.GrantFree(now, func() int { return limit })
			case "forget":
				b.Forget(w.Resource, now)
				b.GrantFree(now, func() int { return limit })
			case "time":
				now = now.Add(time.Duration(rapid.IntRange(1, 180).Draw(t, "seconds")) * time.Second)
			}
			g.Expect(len(b.slots)).To(BeNumerically("<=", limit))
			queued := 0
			for resource, w := range b.waiters {
				g.Expect(w.Resource).To(Equal(resource))
				if w.Waits() {
					queued++
				}
			}
			g.Expect(b.queue.Len()).To(Equal(queued), "whoever has no turn stands in the queue, and nobody else")
		}
		for _, w := range all {
			b.Release(w.Resource, w.Instance)
		}
		g.Expect([]int{len(b.slots), len(b.waiters), b.queue.Len()}).To(Equal([]int{0, 0, 0}))
		g.Expect(b.queue.Empty()).To(BeTrue())
	})
}

// BenchmarkAskBehindTenThousand is what it costs to ask for a turn, and to give one on, while ten thousand wait.
func BenchmarkAskBehindTenThousand(tb *testing.B) {
	const waiting, namespaces = 10_000, 100
	b, now := NewBudget(), start
	var next []types.NamespacedName
	wake := func(key types.NamespacedName) { next = append(next, key) }
	all := map[types.NamespacedName]fairqueue.Waiter{}
	for i := range waiting + 1 {
		w := asking(fmt.Sprint(i%namespaces), i, wake)
		all[w.Resource.NamespacedName] = w
		if _, ok := b.Acquire(w, 1, now); ok {
			next = append(next, w.Resource.NamespacedName)
		}
	}
	for tb.Loop() {
		w := all[next[0]]
		next = slices.Delete(next, 0, 1)
		if _, ok := b.Acquire(w, 1, now); !ok {
			tb.Fatal("who was woken has no turn")
		}
		b.Start(w, false, now, now.Add(time.Minute))
		b.Release(w.Resource, w.Instance)
		b.GrantFree(now, func() int { return 1 })
		if _, ok := b.Acquire(w, 1, now); ok {
			tb.Fatal("whoever comes again is the last one")
		}
	}
}
