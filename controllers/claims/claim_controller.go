// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package claims

import (
	"context"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/partner"
)

// Seller is what is needed of the vendor's API of a partner account. Its first method costs money and its second one ends an
// instance; each call goes out at most once, while its permit is valid.
type Seller interface {
	Create(ctx context.Context, name string, permit greenapi.Permit) (greenapi.Created, error)
	Delete(ctx context.Context, id int64, permit greenapi.Permit) (bool, error)
	Shown(text string) string
}

// Line is what is needed of the vendor's API of an instance.
type Line interface {
	State(ctx context.Context) (string, error)
	Logout(ctx context.Context, permit greenapi.Permit) (bool, error)
}

// Options are what a Reconciler needs to know.
type Options struct {
	// CallTimeout is how long a call of the vendor's API may take, and within which of the intent one that changes something goes out.
	CallTimeout time.Duration
	// SecretSelector limits which Secrets the operator reads, so that those that it makes have its labels; nil is any.
	SecretSelector labels.Selector
}

// Reconciler looks after claims.
type Reconciler struct {
	Options Options
	// Client reads claims, accounts and the metadata of Secrets and namespaces from the cache, and writes; Live reads from the API server.
	Client client.Client
	Live   client.Reader
	// Book has the lists of accounts.
	Book *partner.Book
	// Connect returns the API of an instance. It calls nothing.
	Connect func(greenapi.Target) (Line, error)
	// Clock tells the time.
	Clock clock.PassiveClock
	// Recorder makes events.
	Recorder events.EventRecorder
	// Metrics count what happens; nil for none.
	Metrics *Metrics

	mu       sync.Mutex
	memories map[types.NamespacedName]*memory
	// reserving is held while an account's record of creates is written, so that the claims of this process do not meet there.
	reserving sync.Mutex
}

// memory is what the process remembers of a claim.
type memory struct {
	uid types.UID
	// since is when this process saw the claim first, or when its latest call ended: a list that was begun before is not used.
	since time.Time
	// account is what was seen of the account last; once that is another one, since is set anew.
	account accountVersion
	// deleting: since was set anew when the deletion was seen.
	deleting bool
	// absent counts the lists that lack an instance that may have been bought, missing those that lack one that was there.
	absent, missing partner.Lacking
	// asked is the latest request, and askedAt when it was seen: a list that was begun before may have a token that is dead by now.
	asked   string
	askedAt time.Time
	// lostAt is when the Secret of an instance that is there was first missed, the zero time if it is not.
	lostAt time.Time
	// tokenAt is when a list with the token of the instance was last wanted, and tokenless how many that were begun since lacked it.
	tokenAt   time.Time
	tokenless int
	// triedLogout: the one try was made.
	triedLogout bool
}

// accountVersion tells one spec of an account from another.
type accountVersion struct {
	uid        types.UID
	generation int64
}

func (r *Reconciler) memoryOf(claim *v1alpha1.InstanceClaim) *memory {
	key := client.ObjectKeyFromObject(claim)
	r.mu.Lock()
	defer r.mu.Unlock()
	if m := r.memories[key]; m != nil && m.uid == claim.UID {
		return m
	}
	if r.memories == nil {
		r.memories = map[types.NamespacedName]*memory{}
	}
	m := &memory{uid: claim.UID, since: r.Clock.Now()}
	r.memories[key] = m
	return m
}

func (r *Reconciler) forget(key types.NamespacedName) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.memories, key)
}

// pass is one look at a claim.
type pass struct {
	key    types.NamespacedName
	claim  *v1alpha1.InstanceClaim
	memory *memory
	now    time.Time
	// status is what will be stored.
	status *v1alpha1.InstanceClaimStatus
	// request is a value of reconcile-requested-at that nobody acted on yet, handled that it was acted on.
	request string
	handled bool
	// account pays for the instance, name is that of the instance at the vendor.
	account *v1alpha1.PartnerAccount
	name    string
	// adoptOnly: the name is one of the account's adoptions, so that nothing is bought with it.
	adoptOnly bool
	// list is one that may be used for this claim, nil if there is none; latest the last good one of the account.
	list, latest *partner.List
	seller       Seller
	// wants is what is needed of the lists to come.
	wants partner.Interest
	// again is when the next pass is due, 0 for when something happens.
	again time.Duration
}

// Reconcile makes one pass over a claim.
func (r *Reconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	claim := &v1alpha1.InstanceClaim{}
	switch err := r.Client.Get(ctx, request.NamespacedName, claim); {
	case apierrors.IsNotFound(err):
		r.forget(request.NamespacedName)
		r.Book.Forget(request.NamespacedName)
		return reconcile.Result{}, nil
	case err != nil:
		return reconcile.Result{}, err
	}
	p := &pass{key: request.NamespacedName, claim: claim, memory: r.memoryOf(claim), now: r.Clock.Now(), status: claim.Status.DeepCopy()}
	p.request = instance.NewRequest(claim, v1alpha1.ReconcileRequestedAtAnnotation, claim.Status.LastHandledReconcileAt)
	if p.request != "" && p.request != p.memory.asked {
		p.memory.asked, p.memory.askedAt = p.request, p.now
	}
	look := r.look
	if !claim.DeletionTimestamp.IsZero() {
		look = r.end
	}
	found, err := look(ctx, p)
	if err != nil {
		return reconcile.Result{}, err
	}
	if found == gone {
		r.Book.Forget(p.key)
		return reconcile.Result{}, nil
	}
	p.show(found)
	if err := r.store(context.WithoutCancel(ctx), p); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	p.wants.Every = !apimeta.IsStatusConditionTrue(p.status.Conditions, v1alpha1.CreatedCondition)
	r.Book.Watch(p.claim.Spec.AccountRef.Name, p.key, p.wants)
	return reconcile.Result{RequeueAfter: p.again}, nil
}
