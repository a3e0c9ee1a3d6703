// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/greenapi-operator/greenapi-operator/internal/fairqueue"
	"github.com/greenapi-operator/greenapi-operator/internal/origins"
)

// Remembered says how much this process remembers, by what it remembers.
func (r *Reconciler) Remembered() map[string]int {
	r.memories.mu.Lock()
	defer r.memories.mu.Unlock()
	r.ownWrites.mu.Lock()
	defer r.ownWrites.mu.Unlock()
	slots, waiters := r.restarts.Len()
	return map[string]int{"slots": slots, "waiters": waiters + r.origins.Len() + r.pollOrigins.Len(), "resources": len(r.memories.byKey), "calls": r.limiter.Len(), "writes": len(r.ownWrites.byKey)}
}

// Turns takes the resources whose turn to be written has come.
func (r *Reconciler) Turns() []string {
	var names []string
	for {
		select {
		case e := <-r.turns:
			names = append(names, e.Object.GetName())
		default:
			return names
		}
	}
}

// ReasonOfState is the reason that Available shows for a state.
func ReasonOfState(state string) string { return availability(state).reason }

// Unbound lets all workers be out for one origin.
func (r *Reconciler) Unbound() {
	r.origins.SetWorkers(0)
	r.pollOrigins.SetWorkers(0)
}

// Crowd leaves room for one pass, or one poll, at an origin, and has somebody else be there until the returned function is called.
func (r *Reconciler) Crowd(polls bool, origin string) (leave func()) {
	bound := r.origins
	if polls {
		bound = r.pollOrigins
	}
	bound.SetWorkers(2)
	other := r.resource(types.NamespacedName{Name: "other"})
	bound.Enter(fairqueue.Waiter{Resource: other}, origin, origins.Pending, r.Clock.Now())
	return func() { bound.Leave(other, origins.Answered, r.Clock.Now()) }
}

// PollIn says after how long a resource is polled next; false if it is not polled.
func (r *Reconciler) PollIn(key types.NamespacedName) (time.Duration, bool) {
	at, polled := r.poller.Next(key)
	return at.Sub(r.Clock.Now()), polled
}

// PollNow polls a resource.
func (r *Reconciler) PollNow(ctx context.Context, key types.NamespacedName) {
	r.poller.PollNow(ctx, key)
}

// Hung reports whether a call of the latest look at a resource counts as hanging.
func (r *Reconciler) Hung(key types.NamespacedName) bool {
	r.memories.mu.Lock()
	defer r.memories.mu.Unlock()
	return r.memories.byKey[key].hung
}

// Rests reports whether what is remembered of a resource has nothing that only a pass needs.
func (r *Reconciler) Rests(key types.NamespacedName) bool {
	r.memories.mu.Lock()
	defer r.memories.mu.Unlock()
	return r.memories.byKey[key].rareMemory == nil
}
