// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/sharding"
)

// wantedBack lets pass that the sharder asks for a resource, which is no change of what a user wants.
func wantedBack(of sharding.Ring) predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool { return of.Drained(e.ObjectNew) }}
}

// inRing is the reconciler, of which the sharder may ask resources back.
func (r *Reconciler) inRing() reconcile.Reconciler {
	if r.Options.Ring.Name == "" {
		return r
	}
	return reconcile.Func(func(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
		instance, err := r.get(ctx, request.NamespacedName)
		switch {
		case apierrors.IsNotFound(err):
			return r.Reconcile(ctx, request)
		case err != nil:
			return reconcile.Result{}, err
		case instance.GetLabels()[r.Options.Ring.ShardLabel()] != r.Options.Ring.Shard:
			// The cache has not heard yet that it is another's; when it does, the resource is gone from here.
			r.takeBack(request.NamespacedName)
			return reconcile.Result{}, nil
		case r.Options.Ring.Drained(instance):
			r.takeBack(request.NamespacedName)
			return reconcile.Result{}, r.letGo(ctx, instance)
		}
		return r.Reconcile(ctx, request)
	})
}

// letGo tells the sharder that this process makes no call for a resource any more, which is true since a resource has one
// pass at a time, and a call that was under way is over. What became of a write is in the status, so that the next shard
// goes on from there. If anybody changed the resource meanwhile, nothing is removed: the labels may be new ones.
func (r *Reconciler) letGo(ctx context.Context, instance v1alpha1.Instance) error {
	released, ok := instance.DeepCopyObject().(v1alpha1.Instance)
	if !ok {
		panic("controllers: a copy of a resource is of another type")
	}
	// The cache holds these two labels alone, so that a patch made of the difference would take all others away too.
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"resourceVersion": instance.GetResourceVersion(),
		"labels":          map[string]any{r.Options.Ring.ShardLabel(): nil, r.Options.Ring.DrainLabel(): nil},
	}})
	if err != nil {
		return err
	}
	if err := r.Client.Patch(ctx, released, client.RawPatch(types.MergePatchType, patch)); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("letting go of %s: %w", client.ObjectKeyFromObject(instance), err)
	}
	// Until the cache hears of it, it is read past the cache, and is not this shard's there.
	now := r.Clock.Now()
	m := r.memories.of(client.ObjectKeyFromObject(instance), instance.GetUID(), now)
	m.version, m.writtenAt = released.GetResourceVersion(), now
	logr.FromContextOrDiscard(ctx).Info("Handed over to the sharder")
	return nil
}
