// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/fairqueue"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/keys"
	"github.com/greenapi-operator/greenapi-operator/internal/origins"
	"github.com/greenapi-operator/greenapi-operator/internal/restarts"
	"github.com/greenapi-operator/greenapi-operator/internal/states"
)

// leastRestarts is what a percentage of instances comes to at the least.
const leastRestarts = 10

// wakeups is how many resources may be told at once that their turn has come. One that is not told finds out at its next
// look.
const wakeups = 1 << 14

// turn is what a pass knows of its turn to restart the instance.
type turn struct {
	// waits: there is no room, and about so many are ahead.
	waits bool
	ahead int
	// granted: the turn has come, but the call cannot be made yet.
	granted bool
	// fleet is what its fleet said, nil where it was not asked.
	fleet *restarts.Answer
}

// held reports whether the fleet holds the line.
func (t *turn) held() bool { return t.fleet != nil && !t.fleet.OK }

// acquireSlot reports whether the instance may be restarted now. If not, the resource is woken when it may.
func (r *Reconciler) acquireSlot(ctx context.Context, p *pass) (bool, error) {
	if !r.boundsRestarts() {
		return true, nil
	}
	if !states.Of(p.state).Interrupts {
		// It needs no turn, and keeps none that it waited for.
		r.restarts.Forget(r.resource(p.key), p.now)
		return true, nil
	}
	if err := r.fill(ctx, p.now); err != nil {
		return false, err
	}
	limit, err := r.restartLimit(ctx, p.now)
	if err != nil {
		return false, err
	}
	ahead, ok := r.restarts.Acquire(r.waiter(p), limit, r.Clock.Now())
	p.turn.waits, p.turn.ahead, p.turn.granted = !ok, ahead, ok
	if log, enabled := logAt(ctx, logDecisions); enabled && !ok {
		log.Info("Waiting for other instances to restart first", "ahead", ahead)
	}
	return ok, nil
}

// slotState says whether the resource's turn to restart its instance has come, or else whether it waits for it.
func (r *Reconciler) slotState(p *pass) (granted, waits bool) {
	s, waits := r.restarts.Look(r.resource(p.key), p.id)
	granted = s != nil && !s.Started
	place := r.fleets.Look(r.resource(p.key))
	waits = (waits || place == restarts.Waiting) && !granted
	// Its fleet may have let it through, or have news, and it has not asked since.
	return granted || !waits && (place == restarts.Admitted || place == restarts.Told), waits
}

// startRestart says that the call is about to be made.
func (r *Reconciler) startRestart(p *pass, reboot bool) {
	p.turn = turn{}
	r.fleets.Begin(r.resource(p.key), p.now.Add(r.restartTime()))
	if r.boundsRestarts() && states.Of(p.state).Interrupts {
		r.restarts.Start(r.waiter(p), reboot, p.now, p.now.Add(r.restartTime()))
	}
}

// releaseIfDone lets others follow once the resource neither waits nor restarts its instance. It is called when the status is
// stored.
func (r *Reconciler) releaseIfDone(ctx context.Context, p *pass) {
	resource := r.resource(p.key)
	s, waits := r.restarts.Look(resource, p.id)
	over := r.slotDone(p, s, waits || r.fleets.Look(resource) != restarts.Nowhere)
	switch p.end.(type) {
	case *paused, *stalled, *unclaimed:
		r.restarts.Forget(resource, p.now)
		r.fleets.StopWaiting(resource)
	case *retrying, *creating:
		if p.decision == nil && r.fleets.Look(resource) == restarts.Admitted {
			// It cannot use what is kept for it, and nobody knows for how long.
			r.fleets.StopWaiting(resource)
		}
	}
	r.fleets.Note(resource, r.lineOf(p.instance))
	switch {
	case over:
		r.restarts.Release(resource, p.id)
		r.fleets.Release(resource)
	case !r.boundsRestarts():
	case p.resolved && s == nil && p.stored.Apply.Active() && !r.ownWrites.holds(p.instance.GetUID(), p.stored.Apply, p.now):
		if under, ok := r.restartFromStatus(&p.stored, p.now); ok {
			r.restarts.Add(p.id, under)
		}
	}
	r.grantFree(ctx)
}

// slotDone reports whether the resource needs its turn no more, and its instance does not restart. known: it waits, or its fleet let it
// through.
func (r *Reconciler) slotDone(p *pass, s *restarts.Slot, known bool) bool {
	switch {
	case s == nil && !known, p.turn.waits, p.turn.granted, p.turn.held(), p.stored.Apply.Active():
		return false
	case s != nil && s.Reboot:
		return p.reboot.undone || p.looked.State && !states.Of(p.state).Restarting && p.now.Sub(s.Since) >= r.Options.Limits.SettlePoll
	default:
		// Where nothing was decided nothing says that the turn is not needed, or that a write has ended.
		return p.decision != nil
	}
}

// giveUpSlot lets others follow a resource that is not looked after any more.
func (r *Reconciler) giveUpSlot(ctx context.Context, key types.NamespacedName, now time.Time) {
	r.restarts.Forget(r.resource(key), now)
	r.fleets.Forget(r.resource(key))
	r.origins.Leave(r.resource(key), origins.NotCalled, now)
	r.grantFree(ctx)
}

// grantFree lets those follow who wait, if there is room.
func (r *Reconciler) grantFree(ctx context.Context) {
	now := r.Clock.Now()
	r.fleets.Grant(now)
	r.restarts.GrantFree(now, func() int {
		limit, err := r.restartLimit(ctx, now)
		if err != nil {
			// No waiter is woken then. Each retries at its next reconcile.
			return 0
		}
		return limit
	})
}

// waiting is how many resources of each kind wait for others to restart first, without those that a brake holds, and how many fleets
// are halted.
func (s *Shared) waiting() (turns map[string]int, halted int) {
	turns = s.restarts.Waiting()
	waiting, halted := s.fleets.Waiting(s.Clock.Now())
	for kind, n := range waiting {
		turns[kind] += n
	}
	return turns, halted
}

func (r *Reconciler) boundsRestarts() bool {
	return r.Options.MaxConcurrentRestarts != intstr.FromInt32(0)
}

// restartTime is how long an instance counts as restarting at the most.
func (r *Reconciler) restartTime() time.Duration {
	return r.Options.Limits.SettleTimeout + r.Options.Limits.SettleTimeout/10 + r.Options.Limits.SettlePoll
}

// restartLimit is how many instances may restart at once.
func (r *Reconciler) restartLimit(ctx context.Context, now time.Time) (int, error) {
	bound := r.Options.MaxConcurrentRestarts
	if bound.Type == intstr.Int {
		return bound.IntValue(), nil
	}
	total, err := r.restarts.Size(now, func() (int, error) {
		n := 0
		err := r.eachInstance(ctx, func(string, v1alpha1.Instance) { n++ })
		return n, err
	})
	if err != nil {
		return 0, err
	}
	share, err := intstr.GetScaledValueFromIntOrPercent(&bound, total, false)
	return max(share, leastRestarts), err
}

// fill makes known what the status of the resources says, once for a process that has just begun.
func (r *Reconciler) fill(ctx context.Context, now time.Time) error {
	return r.restarts.Fill(func(add func(keys.Instance, restarts.Slot)) error { return r.restartingNow(ctx, now, add) })
}

// restartingNow adds what the status of the resources says to be restarting, and how restarts ended.
func (r *Reconciler) restartingNow(ctx context.Context, now time.Time, add func(keys.Instance, restarts.Slot)) error {
	return r.eachInstance(ctx, func(kind string, resource v1alpha1.Instance) {
		key := types.NamespacedName{Namespace: resource.GetNamespace(), Name: resource.GetName()}
		r.fleets.Note(keys.Resource{Kind: kind, NamespacedName: key}, r.lineOf(resource))
		s, ok := r.restartFromStatus(resource.InstanceStatus(), now)
		if !ok {
			return
		}
		if id, ok := instance.Key(resource, r.Options.DefaultAPIURL); ok {
			add(id, s)
		}
	})
}

// restartFromStatus is the slot of an instance that restarts by the word of its status.
func (r *Reconciler) restartFromStatus(status *v1alpha1.InstanceStatus, now time.Time) (restarts.Slot, bool) {
	rebooted, starting := instance.LastReboot(status), status.StateInstance == states.Starting
	// The state was stored before the call was made; a later one says whether the instance has started.
	unseen := status.StateChangedTime == nil || !status.StateChangedTime.After(rebooted)
	rebooting := (starting || unseen) && now.Sub(rebooted) < r.restartTime()
	// What was known of the state before the call is gone once the instance is starting.
	interrupted := starting || states.Of(status.StateInstance).Interrupts
	if !interrupted || !status.Apply.Active() && !rebooting {
		return restarts.Slot{}, false
	}
	s := restarts.Slot{Since: rebooted, Started: true, Reboot: true}
	if status.Apply.Active() {
		s.Since, s.Reboot = status.Apply.StartedTime.Time, false
	}
	s.Until = s.Since.Add(r.restartTime())
	return s, true
}

// eachInstance calls a function with every resource of the cache and its kind. It must not change them.
func (r *Reconciler) eachInstance(ctx context.Context, do func(kind string, resource v1alpha1.Instance)) error {
	for _, kind := range r.Shared.Kinds {
		list := kind.NewList()
		if err := r.Client.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
			return err
		}
		instance.Each(list, func(resource v1alpha1.Instance) { do(kind.Name, resource) })
	}
	return nil
}

func (r *Reconciler) resource(key types.NamespacedName) keys.Resource {
	return keys.Resource{Kind: r.Kind.Name, NamespacedName: key}
}

func (r *Reconciler) waiter(p *pass) fairqueue.Waiter {
	return fairqueue.Waiter{Resource: r.resource(p.key), Instance: p.id, Wake: r.wake}
}

// wake makes a resource be looked at. It never blocks.
func (r *Reconciler) wake(key types.NamespacedName) {
	select {
	case r.turns <- event.GenericEvent{Object: &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}}}:
	default:
	}
}
