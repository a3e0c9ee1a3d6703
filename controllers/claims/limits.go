// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package claims

import (
	"context"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/partner"
)

// mayBuy says what of the account's spec forbids to buy.
func (r *Reconciler) mayBuy(ctx context.Context, p *pass) (found, error) {
	switch {
	case p.adoptOnly:
		return stalls(v1alpha1.ReasonInstanceMissing, "No living instance has the name %q, and what spec.adoptions of PartnerAccount %q names is adopted, never bought. Correct the name there, or make a claim without spec.instanceName", p.name, p.account.Name), nil
	case p.account.Spec.Mode != v1alpha1.ModeCreate && p.account.Spec.Mode != v1alpha1.ModeCreateAndDelete:
		return stalls(v1alpha1.ReasonModeObserve, "No living instance has the name %q, and spec.mode of PartnerAccount %q does not permit to buy one. Set it to Create", p.name, p.account.Name), nil
	}
	return r.room(ctx, p, p.account)
}

// room says whether the limits of an account let one more instance be bought (P7), by its own record first and then by what claims know
// of besides.
func (r *Reconciler) room(ctx context.Context, p *pass, account *v1alpha1.PartnerAccount) (found, error) {
	creates := make([]partner.Create, 0, len(account.Status.Creates))
	for _, create := range account.Status.Creates {
		creates = append(creates, partner.Create{Name: create.Name, Time: create.Time.Time})
	}
	if problem := p.roomBeside(account, creates); problem != nothing {
		return problem, nil
	}
	forgotten, err := r.forgotten(ctx, p, account)
	if err != nil || len(forgotten) == 0 {
		return nothing, err
	}
	return p.roomBeside(account, append(creates, forgotten...)), nil
}

// forgotten are the creates within the last hour that claims know of and an account does not that was made anew within the hour: its
// record went with the one before. Of earlier attempts a claim knows the number alone, so they count as the latest does.
func (r *Reconciler) forgotten(ctx context.Context, p *pass, account *v1alpha1.PartnerAccount) ([]partner.Create, error) {
	if !partner.WithinHour(account.CreationTimestamp.Time, p.now) {
		return nil, nil
	}
	list := &v1alpha1.InstanceClaimList{}
	if err := r.Client.List(ctx, list, client.MatchingFields{indexAccount: account.Name}, client.UnsafeDisableDeepCopy); err != nil {
		return nil, err
	}
	var creates []partner.Create
	for i := range list.Items {
		uid, create := list.Items[i].UID, list.Items[i].Status.Create
		if create == nil || !partner.WithinHour(timeOf(create.StartedTime), p.now) {
			continue
		}
		for attempt := int32(1); attempt <= create.Attempt; attempt++ {
			if !slices.ContainsFunc(account.Status.Creates, func(c v1alpha1.PartnerCreate) bool { return c.ClaimUID == uid && c.Attempt == attempt }) {
				creates = append(creates, partner.Create{Name: create.Name, Time: timeOf(create.StartedTime)})
			}
		}
	}
	return creates, nil
}

// roomBeside says whether the limits of an account let one more instance be bought beside what was.
func (p *pass) roomBeside(account *v1alpha1.PartnerAccount, creates []partner.Create) found {
	limits := account.Spec.Limits
	instances, next := partner.Room(p.latest, creates, int(limits.MaxCreatesPerHour), p.now)
	switch {
	case instances >= int(limits.MaxInstances):
		return waits(v1alpha1.ReasonLimitReached, "PartnerAccount %q has as many instances as limits.maxInstances permits, %d, or may have. Raise it, or delete instances that nobody needs", account.Name, limits.MaxInstances)
	case next.After(p.now):
		p.again = min(p.again, next.Sub(p.now)+time.Second)
		return waits(v1alpha1.ReasonLimitReached, "PartnerAccount %q buys no more than limits.maxCreatesPerHour, %d, within an hour. The instance is bought when that permits", account.Name, limits.MaxCreatesPerHour)
	}
	return nothing
}

// reserve stores in the account's status that an instance may be bought, if its limits as they are on the API server permit it.
func (r *Reconciler) reserve(ctx context.Context, p *pass, attempt int32) (found, error) {
	r.reserving.Lock()
	defer r.reserving.Unlock()
	var err error
	for range reserveAttempts {
		account := &v1alpha1.PartnerAccount{}
		if err := r.Live.Get(ctx, types.NamespacedName{Name: p.account.Name}, account); err != nil {
			return nothing, err
		}
		if account.UID != p.account.UID || account.Generation != p.account.Generation || !account.DeletionTimestamp.IsZero() {
			p.again = time.Second
			return waits(v1alpha1.ReasonCreatePending, "The account has just changed"), nil
		}
		if len(p.theirs(account)) > len(p.theirs(p.account)) {
			p.again = time.Second
			return waits(v1alpha1.ReasonCreatePending, "Another claim of the name has just bought, or may have"), nil
		}
		if problem, err := r.room(ctx, p, account); problem != nothing || err != nil {
			return problem, err
		}
		account.Status.Creates = append(recent(account.Status.Creates, p.now), v1alpha1.PartnerCreate{Name: p.name, ClaimUID: p.claim.UID, Attempt: attempt, Time: metav1.NewTime(r.Clock.Now())})
		if err = r.Client.Status().Update(ctx, account); !apierrors.IsConflict(err) {
			break
		}
	}
	return nothing, err
}

// theirs are the creates of an account's record that other claims of the same name made.
func (p *pass) theirs(account *v1alpha1.PartnerAccount) []v1alpha1.PartnerCreate {
	var theirs []v1alpha1.PartnerCreate
	for _, create := range account.Status.Creates {
		if create.Name == p.name && create.ClaimUID != p.claim.UID {
			theirs = append(theirs, create)
		}
	}
	return theirs
}

// recognize lets an account that is known by nothing be known by its first instance: until the next list is read, an empty one would be
// taken for its own (P4). If that cannot be stored, the next good list is what it is known by.
func (r *Reconciler) recognize(ctx context.Context, p *pass, id int64) {
	r.reserving.Lock()
	defer r.reserving.Unlock()
	for range reserveAttempts {
		account := &v1alpha1.PartnerAccount{}
		if err := r.Live.Get(ctx, types.NamespacedName{Name: p.account.Name}, account); err != nil || len(account.Status.KnownIDs) > 0 {
			return
		}
		account.Status.KnownIDs = []int64{id}
		if err := r.Client.Status().Update(ctx, account); !apierrors.IsConflict(err) {
			return
		}
	}
}

// recent are the creates that still count.
func recent(creates []v1alpha1.PartnerCreate, now time.Time) []v1alpha1.PartnerCreate {
	var kept []v1alpha1.PartnerCreate
	for _, create := range creates {
		if partner.WithinHour(create.Time.Time, now) {
			kept = append(kept, create)
		}
	}
	return kept
}
