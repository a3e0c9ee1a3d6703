// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"
)

// waiter is a resource that waits for its turn.
type waiter struct {
	resource resourceKey
	id       instanceKey
	// place counts up within the namespace. granted: its turn has come. gone: it does not wait any more.
	place         int
	granted, gone bool
	wake          func(types.NamespacedName)
}

// round is who waits: each namespace has a queue, and the namespaces take turns. No queue is empty.
type round struct {
	queues map[string]*queue
	// order holds the namespaces with a queue; turn is the one that comes next.
	order []string
	turn  int
}

// queue is who waits in one namespace, first come, first served. Some in it may be gone, but less than half, and not the first.
type queue struct {
	list []*waiter
	// next is the place of the next to come, and gone how many in the list do not wait any more.
	next, gone int
}

func newRound() *round { return &round{queues: map[string]*queue{}} }

func (r *round) empty() bool { return len(r.order) == 0 }

// join makes somebody the last one of its namespace.
func (r *round) join(w *waiter) {
	namespace := w.resource.Namespace
	q := r.queues[namespace]
	if q == nil {
		q = &queue{}
		r.queues[namespace] = q
		r.order = append(r.order, namespace)
	}
	w.place = q.next
	q.next++
	q.list = append(q.list, w)
}

// leave says that somebody in a queue does not wait any more.
func (r *round) leave(w *waiter) {
	w.gone = true
	r.queues[w.resource.Namespace].gone++
	r.trim(w.resource.Namespace)
}

// pop takes the first of the namespace whose turn it is.
func (r *round) pop() *waiter {
	r.turn %= len(r.order)
	namespace := r.order[r.turn]
	q := r.queues[namespace]
	w := q.list[0]
	q.list = q.list[1:]
	if !r.trim(namespace) {
		r.turn++
	}
	return w
}

// trim forgets those of a namespace who are gone, at the front, or all of them once they are half of the queue. It removes a
// queue in which nobody is left, and reports whether it did.
func (r *round) trim(namespace string) bool {
	q := r.queues[namespace]
	for len(q.list) > 0 && q.list[0].gone {
		q.list = q.list[1:]
		q.gone--
	}
	if len(q.list) == 0 {
		delete(r.queues, namespace)
		i := slices.Index(r.order, namespace)
		r.order = slices.Delete(r.order, i, i+1)
		if i < r.turn {
			r.turn--
		}
		return true
	}
	if q.gone > 0 && 2*q.gone >= len(q.list) {
		q.list = slices.DeleteFunc(q.list, func(w *waiter) bool { return w.gone })
		for i, w := range q.list {
			w.place = i
		}
		q.next, q.gone = len(q.list), 0
	}
	return false
}

// ahead is about how many come before a waiter: of each namespace as many as of its own. Some of them may be gone.
func (r *round) ahead(w *waiter) int {
	before := w.place - r.queues[w.resource.Namespace].list[0].place
	ahead := before
	for namespace, q := range r.queues {
		if namespace != w.resource.Namespace {
			ahead += min(len(q.list)-q.gone, before+1)
		}
	}
	return ahead
}
