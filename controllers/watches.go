// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"slices"
	"strconv"
	"unique"

	toolscache "k8s.io/client-go/tools/cache"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/cacheindex"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/origins"
	"github.com/greenapi-operator/greenapi-operator/internal/sharding"
)

// Indexes of resources by the number of their instance and the Secrets that they name.
var (
	byIDInstance = cacheindex.One("idInstance", idInstanceOf)
	bySecretName = cacheindex.New("secretName", instance.SecretNames)
)

// SetupIndexes adds the indexes that the reconcilers need to the cache, those of claims only where they are looked after. It is called
// once for all kinds.
func SetupIndexes(ctx context.Context, indexer client.FieldIndexer, kinds []instance.Kind, withClaims bool) error {
	for _, kind := range kinds {
		for _, index := range []cacheindex.Index[v1alpha1.Instance]{byIDInstance, bySecretName, byClaimRef} {
			if err := index.AddTo(ctx, indexer, kind.New()); err != nil {
				return err
			}
		}
	}
	if !withClaims {
		return nil
	}
	return setupClaimIndexes(ctx, indexer)
}

// idInstanceOf is the number of a resource's instance as the index has it, "" if it is not known yet.
func idInstanceOf(resource v1alpha1.Instance) string { return idText(instance.Number(resource)) }

// idText is a number as an index has it, "" for none.
func idText(id int64) string {
	if id == 0 {
		return ""
	}
	return strconv.FormatInt(id, 10)
}

// SetupWithManager adds the reconciler to a manager. The indexes must be there already.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager, options controller.Options) error {
	for _, bound := range []*origins.Bound{r.origins, r.pollOrigins} {
		bound.SetWorkers(max(options.MaxConcurrentReconciles, 1))
	}
	r.poller.SetWorkers(r.pollOrigins.Most())
	if err := mgr.Add(r.poller); err != nil {
		return err
	}
	build := ctrl.NewControllerManagedBy(mgr).
		Named(r.Kind.Name).
		For(r.Kind.New(), builder.WithPredicates(predicate.Or(requestedOrEdited(r.Options.FleetLabel), wantedBack(r.Options.Ring)))).
		WatchesMetadata(&corev1.Secret{}, handler.EnqueueRequestsFromMapFunc(r.usersOf), builder.WithPredicates(predicate.ResourceVersionChangedPredicate{})).
		WatchesRawSource(source.Channel(r.turns, inTurn())).
		WithOptions(options)
	for _, kind := range r.Kinds {
		build = build.Watches(kind.New(), handler.EnqueueRequestsFromMapFunc(r.rivalsOf), builder.WithPredicates(r.claimChanged()))
	}
	if r.Options.Claims {
		build = build.Watches(&v1alpha1.InstanceClaim{}, handler.EnqueueRequestsFromMapFunc(r.claimants), builder.WithPredicates(newsOfClaim()))
	}
	return build.Complete(r.inRing())
}

// requestedOrEdited lets pass what a user changed: the spec, a request by annotation, or the label that names the fleet. The operator's
// own writes of status do not wake it.
func requestedOrEdited(fleet string) predicate.Predicate {
	requested := predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, after := e.ObjectOld.GetAnnotations(), e.ObjectNew.GetAnnotations()
		return slices.ContainsFunc(instance.RequestAnnotations, func(name string) bool { return before[name] != after[name] }) ||
			e.ObjectOld.GetLabels()[fleet] != e.ObjectNew.GetLabels()[fleet]
	}}
	return predicate.Or(predicate.GenerationChangedPredicate{}, requested)
}

// claimChanged lets pass what may change who manages an instance (R18).
func (r *Reconciler) claimChanged() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, ok1 := e.ObjectOld.(v1alpha1.Instance)
		after, ok2 := e.ObjectNew.(v1alpha1.Instance)
		return ok1 && ok2 && (before.Core().APIURL != after.Core().APIURL || instance.Number(before) != instance.Number(after) || before.GetDeletionTimestamp().IsZero() != after.GetDeletionTimestamp().IsZero() ||
			instance.StandingOf(before, r.Options.DefaultAPIURL) != instance.StandingOf(after, r.Options.DefaultAPIURL))
	}}
}

// usersOf returns the resources of this kind that refer to a Secret, themselves or through a claim that makes it.
func (r *Reconciler) usersOf(ctx context.Context, secret client.Object) []reconcile.Request {
	here := client.InNamespace(secret.GetNamespace())
	requests := r.requests(ctx, "", bySecretName, secret.GetName(), here)
	// The cache answers from memory; it fails only while the process stops.
	claims, _ := r.findClaims(ctx, claimsBySecret, secret.GetName(), here)
	for _, claim := range claims {
		requests = append(requests, r.claimants(ctx, claim)...)
	}
	return requests
}

// rivalsOf returns the other resources of this kind that name the same instance.
func (r *Reconciler) rivalsOf(ctx context.Context, object client.Object) []reconcile.Request {
	resource, ok := object.(v1alpha1.Instance)
	if !ok {
		return nil
	}
	return r.requests(ctx, resource.GetUID(), byIDInstance, idInstanceOf(resource))
}

// requests are for the resources of this kind that an index finds, but for one.
func (r *Reconciler) requests(ctx context.Context, except types.UID, index cacheindex.Index[v1alpha1.Instance], value string, options ...client.ListOption) (requests []reconcile.Request) {
	// The cache answers from memory; it fails only while the process stops.
	found, _ := index.Find(ctx, r.Client, r.Kind.NewList(), value, options...)
	for _, resource := range found {
		if resource.GetUID() != except {
			requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(resource)})
		}
	}
	return requests
}

// StripInstance is the cache's transform of the kinds, for a process that may be in a ring. Of the metadata it keeps what is
// read: whoever may write a resource can fill the rest, to hundreds of kilobytes each. No write of a status changes metadata, so
// that what is left out stays where it is. Words that many resources share are kept once.
func StripInstance(of sharding.Ring, labels ...string) toolscache.TransformFunc {
	if of.Name != "" {
		labels = append(labels, of.ShardLabel(), of.DrainLabel())
	}
	return func(object any) (any, error) {
		resource, ok := object.(v1alpha1.Instance)
		if !ok {
			return object, nil
		}
		if accessor, ok := object.(metav1.ObjectMetaAccessor); ok {
			if full, ok := accessor.GetObjectMeta().(*metav1.ObjectMeta); ok {
				*full = stripMeta(resource, labels)
			}
		}
		if meta, ok := resource.GetObjectKind().(*metav1.TypeMeta); ok {
			meta.Kind, meta.APIVersion = interned(meta.Kind), interned(meta.APIVersion)
		}
		status := resource.InstanceStatus()
		// A decoder leaves room for more conditions.
		status.Conditions = slices.Clone(status.Conditions)
		for i := range status.Conditions {
			c := &status.Conditions[i]
			c.Type, c.Reason, c.Message = interned(c.Type), interned(c.Reason), interned(c.Message)
		}
		for _, shared := range []*string{&status.APIURL, &status.StateInstance, &status.TypeInstance, &status.SyncedSettingsHash} {
			*shared = interned(*shared)
		}
		return resource, nil
	}
}

// stripMeta returns what is read of a resource's metadata.
func stripMeta(full metav1.Object, labels []string) metav1.ObjectMeta {
	kept := metav1.ObjectMeta{
		Namespace: interned(full.GetNamespace()), Name: full.GetName(), UID: full.GetUID(),
		ResourceVersion: full.GetResourceVersion(), Generation: full.GetGeneration(),
		CreationTimestamp: full.GetCreationTimestamp(), DeletionTimestamp: full.GetDeletionTimestamp(),
	}
	for _, name := range instance.RequestAnnotations {
		if _, ok := full.GetAnnotations()[name]; ok {
			metav1.SetMetaDataAnnotation(&kept, name, instance.RequestOf(full, name))
		}
	}
	for _, name := range labels {
		if value, ok := full.GetLabels()[name]; ok {
			metav1.SetMetaDataLabel(&kept, name, interned(value))
		}
	}
	return kept
}

// interned is a text that is kept once, however many resources have it.
func interned(text string) string {
	return unique.Make(text).Value()
}

// StripSecret is the cache's transform for the metadata of Secrets: only what tells one version from another is kept.
// The annotation last-applied-configuration holds data (R23).
func StripSecret(object any) (any, error) {
	full, ok := object.(*metav1.PartialObjectMetadata)
	if !ok {
		return object, nil
	}
	return &metav1.PartialObjectMetadata{
		TypeMeta:   metav1.TypeMeta{Kind: interned(full.Kind), APIVersion: interned(full.APIVersion)},
		ObjectMeta: metav1.ObjectMeta{Namespace: interned(full.Namespace), Name: full.Name, ResourceVersion: full.ResourceVersion},
	}, nil
}
