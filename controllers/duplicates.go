// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/cacheindex"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// checkOwner says whether this resource may manage its instance, or is one of several that name it (R18). While the
// vendor accepted nobody's token, all may read and only the owner may write.
func (r *Reconciler) checkOwner(ctx context.Context, p *pass) error {
	claims, err := r.claims(ctx, p)
	if err != nil {
		return err
	}
	owner := claims[0]
	p.owns = owner.Resource.GetUID() == p.instance.GetUID()
	mine := instance.StandingOf(p.instance, r.Options.DefaultAPIURL)
	p.accepted, p.mismatched = mine == instance.Accepted, mine == instance.WrongKind
	if p.owns || p.mismatched || owner.Standing != instance.Accepted {
		// A mismatch says more than that there is another resource.
		return nil
	}
	return &stalled{reason: v1alpha1.ReasonDuplicateInstance, message: owner.Refusal(p.key.Namespace)}
}

// claims returns all resources of any kind that name the same instance, the owner first. One that is being deleted, which may take
// long where another tool has a finalizer, claims nothing: it makes no call any more.
func (r *Reconciler) claims(ctx context.Context, p *pass) ([]instance.Claim, error) {
	base := r.Options.DefaultAPIURL
	claims := []instance.Claim{instance.ClaimOf(p.instance, base)}
	seen := map[types.UID]bool{p.instance.GetUID(): true}
	add := func(other v1alpha1.Instance) {
		known, ok := instance.Key(other, base)
		if ok && known == p.id && !seen[other.GetUID()] && other.GetDeletionTimestamp().IsZero() {
			seen[other.GetUID()] = true
			claims = append(claims, instance.ClaimOf(other, base))
		}
	}
	// Those that name it through a claim come first, filled in: what their statuses say may be older.
	if err := r.eachClaimant(ctx, p.id.ID, add); err != nil {
		return nil, err
	}
	if err := r.eachFound(ctx, byIDInstance, idText(p.id.ID), add); err != nil {
		return nil, err
	}
	slices.SortStableFunc(claims, instance.Claim.Compare)
	return claims, nil
}

// eachFound calls a function with the resources of all kinds that an index finds. It must not change them.
func (r *Reconciler) eachFound(ctx context.Context, index cacheindex.Index[v1alpha1.Instance], value string, do func(v1alpha1.Instance), options ...client.ListOption) error {
	for _, kind := range r.Shared.Kinds {
		found, err := index.Find(ctx, r.Client, kind.NewList(), value, options...)
		if err != nil {
			return err
		}
		for _, resource := range found {
			do(resource)
		}
	}
	return nil
}

// eachClaimant calls a function with copies of the resources whose claim has an instance, which it is filled into: who looks at one
// for the first time has nothing in the status yet.
func (r *Reconciler) eachClaimant(ctx context.Context, id int64, do func(v1alpha1.Instance)) error {
	claims, err := r.findClaims(ctx, claimsByID, idText(id))
	if err != nil {
		return err
	}
	for _, claim := range claims {
		if instance.ClaimTrouble(claim) != "" {
			continue
		}
		if err := r.eachFound(ctx, byClaimRef, claim.Name, func(other v1alpha1.Instance) {
			if filled, ok := other.DeepCopyObject().(v1alpha1.Instance); ok {
				instance.Fill(filled, claim)
				do(filled)
			}
		}, client.InNamespace(claim.Namespace)); err != nil {
			return err
		}
	}
	return nil
}
