// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package fairqueue

import (
	"fmt"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"

	"github.com/greenapi-operator/greenapi-operator/internal/keys"
)

func waiter(namespace string, i int) *Waiter {
	return &Waiter{Resource: keys.Resource{Kind: "kind", NamespacedName: types.NamespacedName{Namespace: namespace, Name: fmt.Sprint(i)}}}
}

// TestNamespacesTakeTurns, however many wait in one of them, and within each the first comes first.
func TestNamespacesTakeTurns(t *testing.T) {
	g := NewWithT(t)
	q := New()
	for i := range 3 {
		q.Join(waiter("many", i))
	}
	one := waiter("one", 0)
	q.Join(one)
	g.Expect(q.Ahead(one)).To(Equal(1))
	var order []string
	for !q.Empty() {
		order = append(order, q.Pop().Resource.String())
	}
	g.Expect(order).To(Equal([]string{"many/0", "one/0", "many/1", "many/2"}))
}

// TestTheLinesStayInOrder, whatever happens in whatever order: whoever waits stands in its line once, nobody is forgotten, and
// nothing is left in the end.
func TestTheLinesStayInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := NewWithT(t)
		q := New()
		var all []*Waiter
		for _, namespace := range []string{"a", "b", "c"} {
			for i := range 6 {
				all = append(all, waiter(namespace, i))
			}
		}
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			i := rapid.IntRange(0, len(all)-1).Draw(t, "who")
			switch w := all[i]; {
			case !w.Waits():
				// Whoever comes again does so as another waiter, since the line may still hold the one that left.
				all[i] = &Waiter{Resource: w.Resource}
				q.Join(all[i])
			case rapid.Bool().Draw(t, "leave"):
				q.Leave(w)
			default:
				g.Expect(q.Pop().Waits()).To(BeFalse())
			}
			check(g, q, all)
		}
		for _, w := range all {
			if w.Waits() {
				q.Leave(w)
			}
		}
		g.Expect([]int{q.Len(), len(q.lines), len(q.order)}).To(Equal([]int{0, 0, 0}))
	})
}

func check(g *WithT, q *Queue, all []*Waiter) {
	standing := map[*Waiter]int{}
	for namespace, l := range q.lines {
		g.Expect(q.order).To(ContainElement(namespace))
		g.Expect(len(l.list) - l.left).To(BeNumerically(">", 0))
		g.Expect(l.list[0].Waits()).To(BeTrue())
		left := 0
		for i, w := range l.list {
			g.Expect(i == 0 || w.place > l.list[i-1].place).To(BeTrue())
			if !w.Waits() {
				left++
				continue
			}
			standing[w]++
		}
		g.Expect(l.left).To(Equal(left))
	}
	g.Expect(q.order).To(HaveLen(len(q.lines)))
	g.Expect(q.Len()).To(Equal(len(standing)))
	for _, w := range all {
		g.Expect(standing[w] == 1).To(Equal(w.Waits()))
	}
}
