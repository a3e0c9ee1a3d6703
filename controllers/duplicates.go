// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"slices"
	"strconv"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
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
	id := strconv.FormatInt(p.id.ID, 10)
	base := r.Options.DefaultAPIURL
	claims := []instance.Claim{instance.ClaimOf(p.instance, base)}
	for _, kind := range r.Shared.Kinds {
		list := kind.NewList()
		// Nothing here changes what the cache returns.
		if err := r.Client.List(ctx, list, client.MatchingFields{indexIDInstance: id}, client.UnsafeDisableDeepCopy); err != nil {
			return nil, err
		}
		instance.Each(list, func(other v1alpha1.Instance) {
			if known, ok := instance.Key(other, base); ok && known.Origin == p.id.Origin && other.GetUID() != p.instance.GetUID() && other.GetDeletionTimestamp().IsZero() {
				claims = append(claims, instance.ClaimOf(other, base))
			}
		})
	}
	slices.SortStableFunc(claims, instance.Claim.Compare)
	return claims, nil
}
