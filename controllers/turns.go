// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"cmp"
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
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
	// held: the turn has come, but the call cannot be made yet.
	held bool
}

// quiet are the states in which no account is at work, so that a restart interrupts nobody.
var quiet = map[string]bool{"": true, stateStarting: true, "notAuthorized": true, "blocked": true, "pendingCode": true, "pendingPassword": true}

// takeTurn reports whether the instance may be restarted now. If not, the resource is woken when it may.
func (r *Reconciler) takeTurn(ctx context.Context, p *pass) (bool, error) {
	if !r.boundsRestarts() {
		return true, nil
	}
	if quiet[p.state] {
		// It needs no turn, and keeps none that it waited for.
		r.rollout.forget(r.resource(p.key), p.now)
		return true, nil
	}
	if err := r.rollout.fill(func(add func(instanceKey, slot)) error { return r.restartingNow(ctx, p.now, add) }); err != nil {
		return false, err
	}
	limit, err := r.restartLimit(ctx, p.now)
	if err != nil {
		return false, err
	}
	ahead, ok := r.rollout.ask(r.waiter(p), limit, r.Clock.Now())
	p.turn = turn{waits: !ok, ahead: ahead, held: ok}
	if log, enabled := logAt(ctx, logDecisions); enabled && !ok {
		log.Info("Waiting for other instances to restart first", "ahead", ahead)
	}
	return ok, nil
}

// standing says whether the resource's turn to restart its instance has come, or else whether it waits for it.
func (r *Reconciler) standing(p *pass) (granted, waits bool) {
	s, waits := r.rollout.look(r.resource(p.key), p.id)
	granted = s != nil && !s.called
	return granted, waits && !granted
}

// useTurn says that the call is about to be made.
func (r *Reconciler) useTurn(p *pass, reboot bool) {
	p.turn = turn{}
	if r.boundsRestarts() && !quiet[p.state] {
		r.rollout.begin(r.waiter(p), reboot, p.now, p.now.Add(r.restartTime()))
	}
}

// endTurn lets others follow once the resource neither waits nor restarts its instance. It is called when the status is
// stored.
func (r *Reconciler) endTurn(ctx context.Context, p *pass) {
	if !r.boundsRestarts() {
		return
	}
	s, waits := r.rollout.look(r.resource(p.key), p.id)
	over := r.turnOver(p, s, waits)
	switch p.end.(type) {
	case *paused, *stalled:
		r.rollout.forget(r.resource(p.key), p.now)
	}
	switch {
	case over:
		r.rollout.end(r.resource(p.key), p.id)
	case p.resolved && s == nil && p.stored.Apply.Active() && !r.ownWrites.holds(p.instance.GetUID(), p.stored.Apply, p.now):
		if under, ok := r.underWay(&p.stored, p.now); ok {
			r.rollout.add(p.id, under)
		}
	}
	r.serve(ctx)
}

// turnOver reports whether the resource needs its turn no more, and its instance does not restart.
func (r *Reconciler) turnOver(p *pass, s *slot, waits bool) bool {
	switch {
	case s == nil && !waits, p.turn.waits, p.turn.held, p.stored.Apply.Active():
		return false
	case s != nil && s.reboot:
		return p.reboot.undone || p.looked.state && !restarting(p.state) && p.now.Sub(s.since) >= r.Options.Limits.SettlePoll
	default:
		// Where nothing was decided nothing says that the turn is not needed, or that a write has ended.
		return p.decision != nil
	}
}

// giveUpTurn lets others follow a resource that is not looked after any more.
func (r *Reconciler) giveUpTurn(ctx context.Context, key types.NamespacedName, now time.Time) {
	r.rollout.forget(r.resource(key), now)
	r.origins.leave(r.resource(key), notCalled, now)
	r.serve(ctx)
}

// serve lets those follow who wait, if there is room.
func (r *Reconciler) serve(ctx context.Context) {
	now := r.Clock.Now()
	r.rollout.serve(now, func() int {
		limit, err := r.restartLimit(ctx, now)
		if err != nil {
			// Nobody is woken then; who waits asks again at the next look.
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
	total, err := r.rollout.size(now, func() (int, error) {
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
func (r *Reconciler) restartingNow(ctx context.Context, now time.Time, add func(instanceKey, slot)) error {
	return r.eachInstance(ctx, func(instance v1alpha1.Instance) {
		s, ok := r.underWay(instance.InstanceStatus(), now)
		if !ok {
			return
		}
		if id, ok := instanceOf(instance, r.Options.DefaultAPIURL); ok {
			add(id, s)
		}
	})
}

// underWay is the slot of an instance that restarts by the word of its status.
func (r *Reconciler) underWay(status *v1alpha1.InstanceStatus, now time.Time) (slot, bool) {
	rebooted, starting := lastReboot(status), status.StateInstance == stateStarting
	// The state was stored before the call was made; a later one says whether the instance has started.
	unseen := status.StateChangedTime == nil || !status.StateChangedTime.After(rebooted)
	rebooting := (starting || unseen) && now.Sub(rebooted) < r.restartTime()
	// What was known of the state before the call is gone once the instance is starting.
	interrupted := starting || !quiet[status.StateInstance]
	if !interrupted || !status.Apply.Active() && !rebooting {
		return slot{}, false
	}
	s := slot{since: rebooted, called: true, reboot: true}
	if status.Apply.Active() {
		s.since, s.reboot = status.Apply.StartedTime.Time, false
	}
	s.until = s.since.Add(r.restartTime())
	return s, true
}

// eachInstance calls a function with every resource of the cache. It must not change them.
func (r *Reconciler) eachInstance(ctx context.Context, do func(v1alpha1.Instance)) error {
	for _, kind := range r.Shared.Kinds {
		list := kind.NewList()
		if err := r.Client.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
			return err
		}
		eachOf(list, do)
	}
	return nil
}

// instanceOf returns the instance that a resource names, at defaultURL if it names no address; false if that is not valid.
func instanceOf(resource v1alpha1.Instance, defaultURL string) (instanceKey, bool) {
	origin, err := greenapi.ParseOrigin(cmp.Or(resource.Core().APIURL, defaultURL))
	if err != nil {
		return instanceKey{}, false
	}
	return instanceKey{origin: origin.Identity(), id: resource.Core().IDInstance}, true
}

func (r *Reconciler) resource(key types.NamespacedName) resourceKey {
	return resourceKey{r.Kind.Name, key}
}

func (r *Reconciler) waiter(p *pass) waiter {
	return waiter{resource: r.resource(p.key), id: p.id, wake: r.wake}
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
