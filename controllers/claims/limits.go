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
func (p *pass) mayBuy() found {
	switch {
	case p.adoptOnly:
		return stalls(v1alpha1.ReasonInstanceMissing, "No living instance has the name %q, and what spec.adoptions of PartnerAccount %q names is adopted, never bought. Correct the name there, or make a claim without spec.instanceName", p.name, p.account.Name)
	case !buys(p.account):
		return stalls(v1alpha1.ReasonModeObserve, "No living instance has the name %q, and spec.mode of PartnerAccount %q does not permit to buy one. Set it to Create", p.name, p.account.Name)
	}
	return p.room(p.account)
}

// buys reports whether the mode of an account permits to buy.
func buys(account *v1alpha1.PartnerAccount) bool {
	return account.Spec.Mode == v1alpha1.ModeCreate || account.Spec.Mode == v1alpha1.ModeCreateAndDelete
}

// clockSkew is how far the clocks of two nodes may be apart before a person is told.
const clockSkew = 5 * time.Minute

// room says whether the limits of an account let one more instance be bought (P7).
func (p *pass) room(account *v1alpha1.PartnerAccount) found {
	limits := account.Spec.Limits
	creates := make([]partner.Create, 0, len(account.Status.Creates))
	for _, create := range account.Status.Creates {
		creates = append(creates, partner.Create{Name: create.Name, Time: create.Time.Time})
	}
	instances, next := partner.Room(p.latest, creates, int(limits.MaxCreatesPerHour), p.now)
	full := instances >= int(limits.MaxInstances)
	if ahead := latest(account.Status.Creates); (full || next.After(p.now)) && ahead.Sub(p.now) > clockSkew {
		return stalls(v1alpha1.ReasonLimitReached, "PartnerAccount %q has a create in its record that is of %s, so some node's clock was wrong, and it counts until an hour after that. Once all clocks are right and the vendor's console shows what was bought, remove status.creates by kubectl edit partneraccount %s --subresource=status",
			account.Name, ahead.UTC().Format(time.RFC3339), account.Name)
	}
	switch {
	case full:
		return waits(v1alpha1.ReasonLimitReached, "PartnerAccount %q has as many instances as limits.maxInstances permits, %d, or may have. Raise it, or delete instances that nobody needs", account.Name, limits.MaxInstances)
	case next.After(p.now):
		p.again = min(p.again, next.Sub(p.now)+time.Second)
		return waits(v1alpha1.ReasonLimitReached, "PartnerAccount %q buys no more than limits.maxCreatesPerHour, %d, within an hour. The instance is bought when that permits", account.Name, limits.MaxCreatesPerHour)
	}
	return nothing
}

// latest is the time of the latest create, the zero time if there is none.
func latest(creates []v1alpha1.PartnerCreate) (at time.Time) {
	for _, create := range creates {
		if create.Time.After(at) {
			at = create.Time.Time
		}
	}
	return at
}

// twin says that an elder account buys for the same account at the vendor, with the same messenger and owner key: each has a record of creates
// of its own, so that both could buy what one may. The accounts are read by a reader.
func (r *Reconciler) twin(ctx context.Context, reader client.Reader, account *v1alpha1.PartnerAccount) (found, error) {
	list := &v1alpha1.PartnerAccountList{}
	if err := reader.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
		return nothing, err
	}
	for i := range list.Items {
		other := &list.Items[i]
		if other.UID != account.UID && other.DeletionTimestamp.IsZero() && buys(other) && elder(other, account) && sameAccount(other, account) {
			return stalls(v1alpha1.ReasonAccountNotReady, "PartnerAccounts %q and %q are one account at the vendor and have one ownerKey, so the limits of neither would hold, and nothing is bought through %q. Make the claim with accountRef %q, or delete that account if nobody needs it, or make one with another ownerKey",
				other.Name, account.Name, account.Name, other.Name), nil
		}
	}
	return nothing, nil
}

// sameAccount reports whether two resources are of one account at the vendor, and buy by the same names: they have the same token, or are known by the
// same instances.
func sameAccount(one, other *v1alpha1.PartnerAccount) bool {
	a, b := &one.Spec, &other.Spec
	if a.OwnerKey != b.OwnerKey || a.Messenger != b.Messenger {
		return false
	}
	return a.PartnerTokenSecretRef.Name == b.PartnerTokenSecretRef.Name && a.PartnerTokenSecretRef.KeyOrDefault() == b.PartnerTokenSecretRef.KeyOrDefault() ||
		slices.ContainsFunc(one.Status.KnownIDs, func(id int64) bool { return slices.Contains(other.Status.KnownIDs, id) })
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
		if problem, err := r.twin(ctx, r.Live, account); problem != nothing || err != nil {
			return problem, err
		}
		if len(p.theirs(account)) > len(p.theirs(p.account)) {
			p.again = time.Second
			return waits(v1alpha1.ReasonCreatePending, "Another claim of the name has just bought, or may have"), nil
		}
		if problem := p.room(account); problem != nothing {
			return problem, nil
		}
		create := v1alpha1.PartnerCreate{Name: p.name, ClaimUID: p.claim.UID, Attempt: attempt, Time: metav1.NewTime(r.Clock.Now())}
		account.Status.Creates = append(recent(account.Status.Creates, p.now), create)
		r.Book.Note(account.Name, partner.Create{Name: p.name, Claim: string(p.claim.UID), Attempt: int(attempt), Time: create.Time.Time}, p.now)
		if err = r.Client.Status().Update(ctx, account); !apierrors.IsConflict(err) {
			break
		}
	}
	return nothing, err
}

// theirs are the creates of an account's record that other claims of the same name made within the hour. Older ones show in the list, or
// bought nothing; they stand there until the next create.
func (p *pass) theirs(account *v1alpha1.PartnerAccount) []v1alpha1.PartnerCreate {
	var theirs []v1alpha1.PartnerCreate
	for _, create := range account.Status.Creates {
		if create.Name == p.name && create.ClaimUID != p.claim.UID && partner.WithinHour(create.Time.Time, p.now) {
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
