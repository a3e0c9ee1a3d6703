// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package fairqueue has a queue in which namespaces take turns, so that one with thousands who wait does not hold up another's
// single one. It has no lock of its own.
package fairqueue

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/greenapi-operator/greenapi-operator/internal/keys"
)

// Waiter is a resource that waits for its turn.
type Waiter struct {
	Resource keys.Resource
	// Instance is what it names at the vendor.
	Instance keys.Instance
	// Wake is called with the resource when its turn has come. It must not block.
	Wake func(types.NamespacedName)

	// place counts up within the namespace.
	place int
	waits bool
}

// Waits reports whether it stands in a queue: neither has its turn come nor has it left.
func (w *Waiter) Waits() bool { return w.waits }

// Queue holds who waits: each namespace has a line, and the namespaces take turns. No line is empty.
type Queue struct {
	lines map[string]*line
	// order holds the namespaces with a line; turn is the one that comes next.
	order []string
	turn  int
}

// line is who waits in one namespace, first come, first served. Some in it may have left, but less than half, and not the first.
type line struct {
	list []*Waiter
	// next is the place of the next to come, and left how many in the list do not wait any more.
	next, left int
}

// New returns a queue in which nobody waits.
func New() *Queue { return &Queue{lines: map[string]*line{}} }

// Empty reports whether nobody waits.
func (q *Queue) Empty() bool { return len(q.order) == 0 }

// Len is how many wait.
func (q *Queue) Len() int {
	n := 0
	for _, l := range q.lines {
		n += len(l.list) - l.left
	}
	return n
}

// Join makes somebody the last one of its namespace.
func (q *Queue) Join(w *Waiter) {
	namespace := w.Resource.Namespace
	l := q.lines[namespace]
	if l == nil {
		l = &line{}
		q.lines[namespace] = l
		q.order = append(q.order, namespace)
	}
	w.place, w.waits = l.next, true
	l.next++
	l.list = append(l.list, w)
}

// Leave says that somebody who waits does not wait any more.
func (q *Queue) Leave(w *Waiter) {
	w.waits = false
	q.lines[w.Resource.Namespace].left++
	q.trim(w.Resource.Namespace)
}

// Pop takes the first of the namespace whose turn it is out of the queue, which must not be empty.
func (q *Queue) Pop() *Waiter {
	q.turn %= len(q.order)
	namespace := q.order[q.turn]
	l := q.lines[namespace]
	w := l.list[0]
	w.waits = false
	l.list = l.list[1:]
	if !q.trim(namespace) {
		q.turn++
	}
	return w
}

// trim forgets those of a namespace who have left, at the front, or all of them once they are half of the line. It removes a
// line in which nobody is left, and reports whether it did.
func (q *Queue) trim(namespace string) bool {
	l := q.lines[namespace]
	for len(l.list) > 0 && !l.list[0].waits {
		l.list = l.list[1:]
		l.left--
	}
	if len(l.list) == 0 {
		delete(q.lines, namespace)
		i := slices.Index(q.order, namespace)
		q.order = slices.Delete(q.order, i, i+1)
		if i < q.turn {
			q.turn--
		}
		return true
	}
	if l.left > 0 && 2*l.left >= len(l.list) {
		l.list = slices.DeleteFunc(l.list, func(w *Waiter) bool { return !w.waits })
		for i, w := range l.list {
			w.place = i
		}
		l.next, l.left = len(l.list), 0
	}
	return false
}

// Ahead is about how many come before a waiter: of each namespace as many as of its own. Some of them may have left.
func (q *Queue) Ahead(w *Waiter) int {
	before := w.place - q.lines[w.Resource.Namespace].list[0].place
	ahead := before
	for namespace, l := range q.lines {
		if namespace != w.Resource.Namespace {
			ahead += min(len(l.list)-l.left, before+1)
		}
	}
	return ahead
}
