// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"time"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/greenapi-operator/greenapi-operator/internal/origins"
	"github.com/greenapi-operator/greenapi-operator/internal/schedule"
)

// putOffLook is when a resource that was put off looks again by itself, should nobody wake it.
const putOffLook = time.Minute

// turnPriority is the one of a resource whose turn has come: something is kept for it.
var turnPriority = 1

// enterOrigin asks for a place at the origin of the resource, whose real host counts: one of the vendor's hosts may hang
// while the others answer. Without one the pass ends, and the resource is woken when it has one (R41).
func (r *Reconciler) enterOrigin(ctx context.Context, p *pass) error {
	m, rank := p.memory, origins.Pending
	switch {
	case m.hung:
		rank = origins.Suspect
	case inOrder(&p.stored, p.generation()):
		rank = origins.Poll
	}
	ok, hangs := r.origins.Enter(r.waiter(p), p.origin.String(), rank, r.Clock.Now())
	if ok {
		return nil
	}
	p.putOff = true
	if !m.putOff {
		m.putOff = true
		r.Metrics.putOff.WithLabelValues(r.Kind.Name).Inc()
	}
	if hangs && m.failedSince.IsZero() {
		// It is known that a look would fail, and what was seen last grows old.
		m.failedSince = p.now
	}
	if log, enabled := logAt(ctx, logDecisions); enabled {
		log.Info("Put off: as many workers as may be are out for this host", "answers", !hangs)
	}
	return &waiting{after: schedule.Jitter(putOffLook)}
}

// leaveOrigin gives the place back once the calls of a pass are over.
func (r *Reconciler) leaveOrigin(p *pass) {
	if p.putOff {
		return
	}
	p.memory.putOff = false
	how := origins.NotCalled
	if p.called {
		how = r.endOfCalls(&p.memory.pollMemory, p.slowest)
	}
	r.origins.Leave(r.resource(p.key), how, r.Clock.Now())
	p.called = false
}

// endOfCalls notes how long the slowest of some calls took, and says what that means for those who wait for the origin: one
// that took so long might as well never have been answered.
func (r *Reconciler) endOfCalls(m *pollMemory, slowest time.Duration) origins.Lesson {
	if m.hung = slowest >= r.Options.CallTimeout/2; m.hung {
		return origins.Hung
	}
	return origins.Answered
}

// timed notes how long the slowest call of the pass took.
func (r *Reconciler) timed(p *pass, begun time.Time) {
	p.called, p.slowest = true, max(p.slowest, r.Clock.Since(begun))
}

// inTurn puts those whose turn has come before all others.
func inTurn() handler.EventHandler {
	return handler.Funcs{GenericFunc: func(_ context.Context, e event.GenericEvent, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) {
		request := reconcile.Request{NamespacedName: client.ObjectKeyFromObject(e.Object)}
		if prioritized, ok := queue.(priorityqueue.PriorityQueue[reconcile.Request]); ok {
			prioritized.AddWithOpts(priorityqueue.AddOpts{Priority: &turnPriority}, request)
			return
		}
		queue.Add(request)
	}}
}
