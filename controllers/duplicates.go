// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// checkOwner says whether this resource may manage its instance, or is one of several that name it (R18). While the
// vendor accepted nobody's token, all may read and only the owner may write.
func (r *Reconciler) checkOwner(ctx context.Context, p *pass) error {
	claims, err := r.claims(ctx, p)
	if err != nil {
		return err
	}
	owner := claims[0]
	p.owns = owner.instance.GetUID() == p.instance.GetUID()
	if p.owns || !owner.accepted {
		return nil
	}
	message := "Another resource already manages this instance. Delete one of the two"
	if owner.instance.GetNamespace() == p.key.Namespace {
		message = fmt.Sprintf("%s %q already manages this instance. Delete one of the two", owner.kind, owner.instance.GetName())
	}
	return &stalled{reason: v1alpha1.ReasonDuplicateInstance, message: message, onlyEvents: true}
}

// claim is one resource that names an instance.
type claim struct {
	instance v1alpha1.Instance
	kind     string
	// writing: this process wrote settings on its behalf just now. accepted: the vendor accepted its token once.
	writing, accepted bool
}

// claims returns all resources of any kind that name the same instance, the owner first.
func (r *Reconciler) claims(ctx context.Context, p *pass) ([]claim, error) {
	write, _ := r.ownWrites.get(p.id, p.now)
	id := strconv.FormatInt(p.id.id, 10)
	var claims []claim
	add := func(kind string, instance v1alpha1.Instance) {
		status := instance.InstanceStatus()
		claims = append(claims, claim{instance: instance, kind: kind, writing: write.uid == instance.GetUID(),
			accepted: status.StateInstance != "" || status.Apply != nil})
	}
	add(r.Kind.Name, p.instance)
	for _, kind := range r.Shared.Kinds {
		list := kind.NewList()
		// Nothing here changes what the cache returns.
		if err := r.Client.List(ctx, list, client.MatchingFields{indexIDInstance: id}, client.UnsafeDisableDeepCopy); err != nil {
			return nil, err
		}
		eachOf(list, func(other v1alpha1.Instance) {
			if other.GetUID() != p.instance.GetUID() && r.sameOrigin(other, p) && !mismatched(other) {
				add(kind.Name, other)
			}
		})
	}
	slices.SortStableFunc(claims, func(a, b claim) int {
		return cmp.Or(
			first(a.writing, b.writing),
			first(a.accepted, b.accepted),
			a.instance.GetCreationTimestamp().Compare(b.instance.GetCreationTimestamp().Time),
			cmp.Compare(a.instance.GetUID(), b.instance.GetUID()),
		)
	})
	return claims, nil
}

// mismatched reports whether a resource is of the wrong kind for its instance, so that it owns nothing.
func mismatched(instance v1alpha1.Instance) bool {
	return stalledFor(instance.InstanceStatus(), instance.GetGeneration(), v1alpha1.ReasonMessengerMismatch)
}

// first orders true before false.
func first(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	default:
		return 1
	}
}

func (r *Reconciler) sameOrigin(other v1alpha1.Instance, p *pass) bool {
	id, ok := r.instanceOf(other)
	return ok && id.origin == p.id.origin
}
