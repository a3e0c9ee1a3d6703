// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"cmp"
	"context"
	"reflect"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/quiet"
	"github.com/greenapi-operator/greenapi-operator/internal/statuswrite"
)

// saveTimeout is how long anything that a pass stores may take.
const saveTimeout = statuswrite.Timeout

// report stores what the pass found, tells of it, and says when to look again. Before it only an intent
// is stored, and a first status while a first look takes long.
func (r *Reconciler) report(ctx context.Context, p *pass) (reconcile.Result, error) {
	r.remember(p)
	ctx = context.WithoutCancel(ctx)
	status := r.compose(p)
	switch err := r.storeNews(ctx, p, status); {
	case apierrors.IsNotFound(err):
		return reconcile.Result{}, nil
	case err != nil:
		p.memory.schedule.ReadAll()
		return reconcile.Result{}, err
	}
	if p.decision != nil && (p.desired.TokenRef == nil || p.desired.SecretVersion != "") {
		// The stored digests are keyed with the present token from now on.
		p.memory.digestToken = p.memory.usedToken
	}
	r.releaseIfDone(ctx, p)
	r.publish(ctx, p)
	p.memory.history.told(p)
	r.planNext(p)
	result := r.next(p)
	r.logPass(ctx, p, result.RequeueAfter)
	return result, nil
}

// storeNews stores a status, unless it is a first one that says no more than that somebody waits for a look, and the look
// comes soon.
func (r *Reconciler) storeNews(ctx context.Context, p *pass, status v1alpha1.InstanceStatus) error {
	if end, waits := p.end.(*waiting); waits && len(p.stored.Conditions) == 0 {
		next := p.now
		if !p.putOff {
			// Who is put off is woken as soon as there is room, most often long before the wait is over.
			next = p.now.Add(end.after)
		}
		if next.Sub(p.memory.since) < firstLookPatience {
			return nil
		}
	}
	return r.store(ctx, p, status)
}

// store writes the status if it says anything new.
func (r *Reconciler) store(ctx context.Context, p *pass, status v1alpha1.InstanceStatus) error {
	// What is the same in every bit, as it nearly always is, need not be compared by meaning, which costs more.
	if !p.corrected && (reflect.DeepEqual(status, p.stored) || equality.Semantic.DeepEqual(status, p.stored)) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, saveTimeout)
	defer cancel()
	write := func() error { return r.save(ctx, p, status) }
	read := func() (v1alpha1.Instance, error) {
		fresh := r.Kind.New()
		return fresh, r.Live.Get(quiet.Context(ctx), p.key, fresh)
	}
	return statuswrite.OntoFresh(write, read, func(fresh v1alpha1.Instance) bool {
		// What a pass reads shows no more of the account than it may.
		instance.LimitAccount(fresh.InstanceStatus(), p.details)
		if fresh.GetUID() != p.instance.GetUID() || !equality.Semantic.DeepEqual(*fresh.InstanceStatus(), p.stored) {
			return false
		}
		p.take(fresh)
		return true
	})
}

// save writes the status with the resourceVersion of the pass as a precondition.
func (r *Reconciler) save(ctx context.Context, p *pass, status v1alpha1.InstanceStatus) error {
	object := p.with(status)
	if err := r.Client.Status().Update(ctx, object); err != nil {
		return err
	}
	r.saved(p, object)
	return nil
}

// with is a copy of the resource with a status.
func (p *pass) with(status v1alpha1.InstanceStatus) v1alpha1.Instance {
	object, ok := p.instance.DeepCopyObject().(v1alpha1.Instance)
	if !ok {
		panic("controllers: a copy of a resource is of another type")
	}
	*object.InstanceStatus() = status
	p.giveBack(object)
	return object
}

// saved notes what was written.
func (r *Reconciler) saved(p *pass, object v1alpha1.Instance) {
	p.take(object)
	p.stored = *object.InstanceStatus().DeepCopy()
	p.corrected = false
	p.reboot.counted, p.memory.uncounted = cmp.Or(p.memory.uncounted, p.reboot.counted), nil
	p.memory.version, p.memory.writtenAt = object.GetResourceVersion(), r.Clock.Now()
}

// remember notes in memory how the pass ended, for the next one.
func (r *Reconciler) remember(p *pass) {
	m := p.memory
	switch p.end.(type) {
	case *unclaimed:
		// Once the claim has its instance, everything is read at once.
		m.schedule.ReadAll()
	case *retrying, *stalled:
		m.schedule.Failed()
		if p.vendor == nil {
			// It failed before anything was read: once that is mended, everything is read at once.
			m.schedule.ReadAll()
		}
	}
	_, begins := p.end.(*creating)
	switch {
	case p.looked.State || begins:
		m.failedSince = time.Time{}
	case m.schedule.Failing() && m.failedSince.IsZero():
		m.failedSince = p.now
	}
	if p.end == nil && p.decision != nil {
		m.schedule.Recovered()
	}
}
