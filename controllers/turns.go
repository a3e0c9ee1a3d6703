// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
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
const wakeups = 4096

// turn is what a pass knows of its turn to restart the instance.
type turn struct {
	// waits: there is no room, and about so many are ahead.
	waits bool
	ahead int
	// granted: the turn has come, but the call cannot be made yet.
	granted bool
}

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
	if err := r.restarts.Fill(func(add func(keys.Instance, restarts.Slot)) error { return r.restartingNow(ctx, p.now, add) }); err != nil {
		return false, err
	}
	limit, err := r.restartLimit(ctx, p.now)
	if err != nil {
		return false, err
	}
	ahead, ok := r.restarts.Acquire(r.waiter(p), limit, r.Clock.Now())
	p.turn = turn{waits: !ok, ahead: ahead, granted: ok}
	if log, enabled := logAt(ctx, logDecisions); enabled && !ok {
		log.Info("Waiting for other instances to restart first", "ahead", ahead)
	}
	return ok, nil
}

// slotState says whether the resource's turn to restart its instance has come, or else whether it waits for it.
func (r *Reconciler) slotState(p *pass) (granted, waits bool) {
	s, waits := r.restarts.Look(r.resource(p.key), p.id)
	granted = s != nil && !s.Started
	return granted, waits && !granted
}

// startRestart says that the call is about to be made.
func (r *Reconciler) startRestart(p *pass, reboot bool) {
	p.turn = turn{}
	if r.boundsRestarts() && states.Of(p.state).Interrupts {
		r.restarts.Start(r.waiter(p), reboot, p.now, p.now.Add(r.restartTime()))
	}
}

// releaseIfDone lets others follow once the resource neither waits nor restarts its instance. It is called when the status is
// stored.
func (r *Reconciler) releaseIfDone(ctx context.Context, p *pass) {
	if !r.boundsRestarts() {
		return
	}
	s, waits := r.restarts.Look(r.resource(p.key), p.id)
	over := r.slotDone(p, s, waits)
	switch p.end.(type) {
	case *paused, *stalled:
		r.restarts.Forget(r.resource(p.key), p.now)
	}
	switch {
	case over:
		r.restarts.Release(r.resource(p.key), p.id)
	case p.resolved && s == nil && p.stored.Apply.Active() && !r.ownWrites.holds(p.instance.GetUID(), p.stored.Apply, p.now):
		if under, ok := r.restartFromStatus(&p.stored, p.now); ok {
			r.restarts.Add(p.id, under)
		}
	}
	r.grantFree(ctx)
}

// slotDone reports whether the resource needs its turn no more, and its instance does not restart.
func (r *Reconciler) slotDone(p *pass, s *restarts.Slot, waits bool) bool {
	switch {
	case s == nil && !waits, p.turn.waits, p.turn.granted, p.stored.Apply.Active():
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
	r.origins.Leave(r.resource(key), origins.NotCalled, now)
	r.grantFree(ctx)
}

// grantFree lets those follow who wait, if there is room.
func (r *Reconciler) grantFree(ctx context.Context) {
	now := r.Clock.Now()
	r.restarts.GrantFree(now, func() int {
		limit, err := r.restartLimit(ctx, now)
		if err != nil {
			// No waiter is woken then. Each retries at its next reconcile.
			return 0
		}
		return limit
	})
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
		err := r.eachInstance(ctx, func(v1alpha1.Instance) { n++ })
		return n, err
	})
	if err != nil {
		return 0, err
	}
	share, err := intstr.GetScaledValueFromIntOrPercent(&bound, total, false)
	return max(share, leastRestarts), err
}

// restartingNow adds what the status of the resources says to be restarting, for a process that has just begun.
func (r *Reconciler) restartingNow(ctx context.Context, now time.Time, add func(keys.Instance, restarts.Slot)) error {
	return r.eachInstance(ctx, func(resource v1alpha1.Instance) {
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

// eachInstance calls a function with every resource of the cache. It must not change them.
func (r *Reconciler) eachInstance(ctx context.Context, do func(v1alpha1.Instance)) error {
	for _, kind := range r.Shared.Kinds {
		list := kind.NewList()
		if err := r.Client.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
			return err
		}
		instance.Each(list, do)
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

// queueText says why somebody waits and how many are ahead, roughly: a status is not to be written each time one of many is
// done.
func queueText(ahead int) string {
	text := " for other instances to restart first (--max-concurrent-restarts); "
	about := 0
	for _, step := range []int{1, 2, 5} {
		for n := step; n <= ahead; n *= 10 {
			about = max(about, n)
		}
	}
	switch {
	case ahead == 0:
		return text + "it is the next one"
	case ahead == 1:
		return text + "one is ahead of it"
	case about == ahead:
		return text + fmt.Sprintf("%d are ahead of it", ahead)
	default:
		return text + fmt.Sprintf("more than %d are ahead of it", about)
	}
}
