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
)

// Names of the cache's indexes.
const (
	// indexName is of claims that ask for a name of their own: the account, a slash, and the name.
	indexName = "claim.instanceName"
	// indexAccount is the account.
	indexAccount = "claim.account"
	// indexSecret is the name of the Secret that a claim makes.
	indexSecret = "claim.secretName"
)

// SetupIndexes adds the indexes that the reconciler needs to the cache.
func SetupIndexes(ctx context.Context, indexer client.FieldIndexer) error {
	for name, of := range map[string]func(*v1alpha1.InstanceClaim) string{
		indexName: func(c *v1alpha1.InstanceClaim) string {
			if c.Spec.InstanceName == "" {
				return ""
			}
			return c.Spec.AccountRef.Name + "/" + c.Spec.InstanceName
		},
		indexAccount: func(c *v1alpha1.InstanceClaim) string { return c.Spec.AccountRef.Name },
		indexSecret:  func(c *v1alpha1.InstanceClaim) string { return c.SecretName() },
	} {
		if err := indexer.IndexField(ctx, &v1alpha1.InstanceClaim{}, name, func(object client.Object) []string {
			claim, ok := object.(*v1alpha1.InstanceClaim)
			if value := of(claim); ok && value != "" {
				return []string{value}
			}
			return nil
		}); err != nil {
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
	return r.requests(ctx, client.MatchingFields{indexAccount: account.GetName()})
}

// claimsIn returns the claims of a namespace.
func (r *Reconciler) claimsIn(ctx context.Context, namespace client.Object) []reconcile.Request {
	return r.requests(ctx, client.InNamespace(namespace.GetName()))
}

// makerOf returns the claim that made a Secret.
func (r *Reconciler) makerOf(ctx context.Context, secret client.Object) []reconcile.Request {
	return r.requests(ctx, client.InNamespace(secret.GetNamespace()), client.MatchingFields{indexSecret: secret.GetName()})
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
	requests := r.requests(ctx, client.MatchingFields{indexName: account.Name + "/" + name})
	if key, ok := defaultOf(name, account.Spec.OwnerKey); ok {
		requests = append(requests, reconcile.Request{NamespacedName: key})
	}
	return requests
}

func (r *Reconciler) requests(ctx context.Context, options ...client.ListOption) []reconcile.Request {
	list := &v1alpha1.InstanceClaimList{}
	if err := r.Client.List(ctx, list, append(options, client.UnsafeDisableDeepCopy)...); err != nil {
		// The cache answers from memory; it fails only while the process stops.
		return nil
	}
	requests := make([]reconcile.Request, 0, len(list.Items))
	for i := range list.Items {
		requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&list.Items[i])})
	}
	return requests
}
