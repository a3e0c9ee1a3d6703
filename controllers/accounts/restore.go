// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package accounts

import (
	"context"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/partner"
)

// maxCreates bounds status.creates, as its schema does.
const maxCreates = 1000

// restoreCreates gives an account that has no status yet the record of creates that went with one that was there before: without it
// more could be bought than an hour permits, and an instance whose answer was lost could be bought again. This process knows what it did
// itself, and claims know their latest call and how many there were before; these count as if they were as late.
func (r *Reconciler) restoreCreates(ctx context.Context, p *pass) error {
	if status := &p.account.Status; len(status.Conditions) > 0 || len(status.Creates) > 0 {
		return nil
	}
	creates := r.Book.Creates(p.account.Name, p.now)
	list := &v1alpha1.InstanceClaimList{}
	if err := r.Client.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
		return err
	}
	for i := range list.Items {
		claim := &list.Items[i]
		record := claim.Status.Create
		if claim.Spec.AccountRef.Name != p.account.Name || record == nil || record.StartedTime == nil || !partner.WithinHour(record.StartedTime.Time, p.now) {
			continue
		}
		for attempt := 1; attempt <= int(record.Attempt); attempt++ {
			create := partner.Create{Name: record.Name, Claim: string(claim.UID), Attempt: attempt, Time: record.StartedTime.Time}
			if !slices.ContainsFunc(creates, create.Same) {
				creates = append(creates, create)
			}
		}
	}
	for _, create := range creates[:min(len(creates), maxCreates)] {
		p.restored = append(p.restored, v1alpha1.PartnerCreate{Name: create.Name, ClaimUID: types.UID(create.Claim), Attempt: int32(create.Attempt), Time: metav1.NewTime(create.Time)})
	}
	return nil
}
