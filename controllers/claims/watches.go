// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package claims

import (
	"context"
	"maps"

	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
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
)

// Indexes of claims by their account, the Secret that they make, and, where they ask for a name of their own, the account, a slash, and
// that name.
var (
	byAccount = cacheindex.One("claim.account", func(c *v1alpha1.InstanceClaim) string { return c.Spec.AccountRef.Name })
	bySecret  = cacheindex.One("claim.secretName", (*v1alpha1.InstanceClaim).SecretName)
	byName    = cacheindex.One("claim.instanceName", func(c *v1alpha1.InstanceClaim) string {
		if c.Spec.InstanceName == "" {
			return ""
		}
		return c.Spec.AccountRef.Name + "/" + c.Spec.InstanceName
	})
)

// SetupIndexes adds the indexes that the reconciler needs to the cache.
func SetupIndexes(ctx context.Context, indexer client.FieldIndexer) error {
	for _, index := range []cacheindex.Index[*v1alpha1.InstanceClaim]{byName, byAccount, bySecret} {
		if err := index.AddTo(ctx, indexer, &v1alpha1.InstanceClaim{}); err != nil {
			return err
		}
	}
	return nil
}

// SetupWithManager adds the reconciler to a manager. The indexes must be there already.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager, options controller.Options) error {
	news := source.Func(func(_ context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
		r.Book.OnNews(func(claim types.NamespacedName) { queue.Add(reconcile.Request{NamespacedName: claim}) })
		return nil
	})
	return ctrl.NewControllerManagedBy(mgr).Named("InstanceClaim").
		// What is written into the status makes no pass.
		For(&v1alpha1.InstanceClaim{}, builder.WithPredicates(predicate.Or(predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{}))).
		Watches(&v1alpha1.PartnerAccount{}, handler.EnqueueRequestsFromMapFunc(r.claimsOf), builder.WithPredicates(usableChanged())).
		Watches(&v1alpha1.InstanceClaim{}, handler.EnqueueRequestsFromMapFunc(r.rivalsOf), builder.WithPredicates(predicate.Funcs{
			CreateFunc: func(event.CreateEvent) bool { return false }, UpdateFunc: func(event.UpdateEvent) bool { return false }})).
		WatchesMetadata(&corev1.Namespace{}, handler.EnqueueRequestsFromMapFunc(r.claimsIn), builder.WithPredicates(predicate.Funcs{
			CreateFunc: func(event.CreateEvent) bool { return false }, DeleteFunc: func(event.DeleteEvent) bool { return false },
			UpdateFunc: func(e event.UpdateEvent) bool { return !maps.Equal(e.ObjectOld.GetLabels(), e.ObjectNew.GetLabels()) }})).
		WatchesMetadata(&corev1.Secret{}, handler.EnqueueRequestsFromMapFunc(r.makerOf), builder.WithPredicates(predicate.Funcs{
			CreateFunc: func(event.CreateEvent) bool { return false }, UpdateFunc: func(event.UpdateEvent) bool { return false }})).
		WatchesRawSource(news).
		WithOptions(options).
		Complete(r)
}

// usableChanged lets pass what may let claims of an account go on: its spec, and whether it is Stalled.
func usableChanged() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, ok1 := e.ObjectOld.(*v1alpha1.PartnerAccount)
		after, ok2 := e.ObjectNew.(*v1alpha1.PartnerAccount)
		return ok1 && ok2 && (before.Generation != after.Generation || before.DeletionTimestamp.IsZero() != after.DeletionTimestamp.IsZero() ||
			apimeta.IsStatusConditionTrue(before.Status.Conditions, v1alpha1.StalledCondition) != apimeta.IsStatusConditionTrue(after.Status.Conditions, v1alpha1.StalledCondition))
	}}
}

// claimsOf returns the claims of an account.
func (r *Reconciler) claimsOf(ctx context.Context, account client.Object) []reconcile.Request {
	return r.requests(ctx, byAccount, account.GetName())
}

// claimsIn returns the claims of a namespace.
func (r *Reconciler) claimsIn(ctx context.Context, namespace client.Object) []reconcile.Request {
	list := &v1alpha1.InstanceClaimList{}
	if err := r.Client.List(ctx, list, client.InNamespace(namespace.GetName()), client.UnsafeDisableDeepCopy); err != nil {
		// The cache answers from memory; it fails only while the process stops.
		return nil
	}
	requests := make([]reconcile.Request, 0, len(list.Items))
	for i := range list.Items {
		requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&list.Items[i])})
	}
	return requests
}

// makerOf returns the claim that made a Secret.
func (r *Reconciler) makerOf(ctx context.Context, secret client.Object) []reconcile.Request {
	return r.requests(ctx, bySecret, secret.GetName(), client.InNamespace(secret.GetNamespace()))
}

// rivalsOf returns the claims that ask for the name of one that is gone.
func (r *Reconciler) rivalsOf(ctx context.Context, object client.Object) []reconcile.Request {
	claim, ok := object.(*v1alpha1.InstanceClaim)
	if !ok {
		return nil
	}
	account := &v1alpha1.PartnerAccount{}
	if err := r.Client.Get(ctx, types.NamespacedName{Name: claim.Spec.AccountRef.Name}, account); err != nil {
		return nil
	}
	name := claim.InstanceName(account.Spec.OwnerKey)
	requests := r.requests(ctx, byName, account.Name+"/"+name)
	if key, ok := defaultOf(name, account.Spec.OwnerKey); ok {
		requests = append(requests, reconcile.Request{NamespacedName: key})
	}
	return requests
}

// requests are for the claims that an index finds.
func (r *Reconciler) requests(ctx context.Context, index cacheindex.Index[*v1alpha1.InstanceClaim], value string, options ...client.ListOption) (requests []reconcile.Request) {
	// The cache answers from memory; it fails only while the process stops.
	found, _ := index.Find(ctx, r.Client, &v1alpha1.InstanceClaimList{}, value, options...)
	for _, claim := range found {
		requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(claim)})
	}
	return requests
}
