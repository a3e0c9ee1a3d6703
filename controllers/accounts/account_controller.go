// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package accounts

import (
	"context"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/partner"
)

// Options are what a Reconciler needs to know.
type Options struct {
	// Namespace is the operator's own, in which the Secrets with partner tokens are.
	Namespace string
	// SecretSelector limits which Secrets are read; nil is any.
	SecretSelector labels.Selector
}

// Reconciler looks after partner accounts.
type Reconciler struct {
	Options Options
	// Client reads accounts and writes their status; Live reads from the API server, Secrets above all.
	Client client.Client
	Live   client.Reader
	// Connect returns the API of an account. It calls nothing.
	Connect func(greenapi.PartnerTarget) (*greenapi.Partner, error)
	// Book gets the lists, and says when claims need one.
	Book *partner.Book
	// Clock tells the time.
	Clock clock.PassiveClock
	// Recorder makes events.
	Recorder events.EventRecorder

	mu       sync.Mutex
	memories map[string]*memory
}

// SetupWithManager adds the reconciler to a manager.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager, options controller.Options) error {
	wanted := source.Func(func(_ context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
		r.Book.OnWanted(func(account string) {
			queue.Add(reconcile.Request{NamespacedName: types.NamespacedName{Name: account}})
		})
		return nil
	})
	return ctrl.NewControllerManagedBy(mgr).Named("PartnerAccount").
		// What is written into the status makes no pass.
		For(&v1alpha1.PartnerAccount{}, builder.WithPredicates(predicate.Or(predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{}))).
		WatchesRawSource(wanted).
		WithOptions(options).
		Complete(r)
}

// pass is one look at an account.
type pass struct {
	account *v1alpha1.PartnerAccount
	memory  *memory
	now     time.Time
	// request is the value of reconcile-requested-at that nobody acted on yet; handled that it was acted on.
	request string
	handled bool
	// list is a good list that was read, and api what it was read from.
	list *partner.List
	api  *greenapi.Partner
	// restored are creates that the account has forgotten.
	restored []v1alpha1.PartnerCreate
}

// Reconcile makes one pass over an account: it reads the token, and the list if that is due, and stores what was found.
func (r *Reconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	account := &v1alpha1.PartnerAccount{}
	switch err := r.Client.Get(ctx, request.NamespacedName, account); {
	case apierrors.IsNotFound(err):
		r.forget(request.Name)
		r.Book.Drop(request.Name)
		return reconcile.Result{}, nil
	case err != nil:
		return reconcile.Result{}, err
	case !account.DeletionTimestamp.IsZero():
		// Deleting an account calls nothing: what was bought stays.
		r.Book.Drop(request.Name)
		return reconcile.Result{}, nil
	}
	p := &pass{account: account, memory: r.memoryOf(account), now: r.Clock.Now()}
	p.request = instance.NewRequest(account, v1alpha1.ReconcileRequestedAtAnnotation, account.Status.LastHandledReconcileAt)
	if err := r.restoreCreates(ctx, p); err != nil {
		return reconcile.Result{}, err
	}
	found, err := r.look(ctx, p)
	if err != nil || ctx.Err() != nil {
		// The API server failed, or the process stops: nothing was learned of the account.
		return reconcile.Result{}, err
	}
	status := r.compose(p, found)
	// What was found is stored also while the process stops.
	if err := r.store(context.WithoutCancel(ctx), p, status); err != nil {
		p.memory.listAt = p.now
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	switch {
	case p.list != nil:
		// Only now that what the account is recognized by is stored may anything be bought by the list.
		r.Book.Put(p.account.Name, p.list, p.api)
	case found.kind == needsPerson:
		r.Book.Drop(p.account.Name)
	}
	return reconcile.Result{RequeueAfter: p.memory.rest(r.Clock.Now(), r.Book.Due(p.account.Name))}, nil
}
