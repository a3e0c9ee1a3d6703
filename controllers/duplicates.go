// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"slices"
	"strconv"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
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
	mine := standingOf(p.instance, r.Options.DefaultAPIURL)
	p.accepted, p.mismatched = mine == accepted, mine == wrongKind
	if p.owns || p.mismatched || owner.standing != accepted {
		// A mismatch says more than that there is another resource.
		return nil
	}
	return &stalled{reason: v1alpha1.ReasonDuplicateInstance, message: owner.refusal(p.key.Namespace)}
}

// refusal says to a resource of a namespace that somebody else manages the instance. What is in another namespace is not told.
func (c claim) refusal(namespace string) string {
	if c.instance.GetNamespace() != namespace {
		return "Another resource already manages this instance. Delete one of the two"
	}
	return fmt.Sprintf("%s %q already manages this instance. Delete one of the two", c.kind, c.instance.GetName())
}

// standing is what a resource has to show for its claim to an instance. It follows from facts that last: they stand in the
// status, so that every process says the same.
type standing int

// In the order of who comes first.
const (
	// accepted: the vendor accepted the resource's token at this origin.
	accepted standing = iota
	// untried: it was neither accepted nor refused.
	untried
	// refusedNow: the vendor refuses it, so that whoever else names the instance may try.
	refusedNow
	// wrongKind: the instance is of another messenger.
	wrongKind
)

// claim is one resource that names an instance.
type claim struct {
	instance v1alpha1.Instance
	kind     string
	standing standing
}

// claims returns all resources of any kind that name the same instance, the owner first. One that is being deleted, which may take
// long where another tool has a finalizer, claims nothing: it makes no call any more.
func (r *Reconciler) claims(ctx context.Context, p *pass) ([]claim, error) {
	id := strconv.FormatInt(p.id.id, 10)
	base := r.Options.DefaultAPIURL
	claims := []claim{{p.instance, r.Kind.Name, standingOf(p.instance, base)}}
	for _, kind := range r.Shared.Kinds {
		list := kind.NewList()
		// Nothing here changes what the cache returns.
		if err := r.Client.List(ctx, list, client.MatchingFields{indexIDInstance: id}, client.UnsafeDisableDeepCopy); err != nil {
			return nil, err
		}
		eachOf(list, func(other v1alpha1.Instance) {
			if known, ok := instanceOf(other, base); ok && known.origin == p.id.origin && other.GetUID() != p.instance.GetUID() && other.GetDeletionTimestamp().IsZero() {
				claims = append(claims, claim{other, kind.Name, standingOf(other, base)})
			}
		})
	}
	slices.SortStableFunc(claims, claim.compare)
	return claims, nil
}

// compare orders claims, the one that owns the instance first.
func (c claim) compare(other claim) int {
	return cmp.Or(
		cmp.Compare(c.standing, other.standing),
		c.instance.GetCreationTimestamp().Compare(other.instance.GetCreationTimestamp().Time),
		cmp.Compare(c.instance.GetUID(), other.instance.GetUID()),
	)
}

// standingOf is what a resource has to show for its claim to the instance that its spec names, at defaultURL if it names no
// address.
func standingOf(instance v1alpha1.Instance, defaultURL string) standing {
	status := instance.InstanceStatus()
	here := sameOrigin(instance, defaultURL)
	credentials := apimeta.FindStatusCondition(status.Conditions, v1alpha1.CredentialsValidCondition)
	stall := apimeta.FindStatusCondition(status.Conditions, v1alpha1.StalledCondition)
	says := func(c *metav1.Condition) bool {
		return c != nil && (c.Reason == v1alpha1.ReasonUnauthorized || c.Reason == v1alpha1.ReasonInstanceNotFound)
	}
	switch {
	case here && mismatched(status):
		return wrongKind
	case here && acceptedOnce(status) && (stall == nil || !says(credentials)):
		// A refusal that is not final may be the vendor's outage, in which nobody else is to take over.
		return accepted
	case here && says(credentials):
		return refusedNow
	default:
		return untried
	}
}

// acceptedOnce reports whether the vendor accepted a resource's token, at the origin that its status names.
func acceptedOnce(status *v1alpha1.InstanceStatus) bool {
	return status.StateInstance != "" || status.Apply != nil
}

// mismatched reports whether an instance is of another messenger than the resource, by the latest reading that named one.
func mismatched(status *v1alpha1.InstanceStatus) bool {
	// The condition is what releases before this one left.
	stall := apimeta.FindStatusCondition(status.Conditions, v1alpha1.StalledCondition)
	return status.TypeInstance != "" || stall != nil && stall.Reason == v1alpha1.ReasonMessengerMismatch
}

// sameOrigin reports whether what a status says was seen at the origin that the spec names.
func sameOrigin(instance v1alpha1.Instance, defaultURL string) bool {
	seenAt := instance.InstanceStatus().APIURL
	if seenAt == "" {
		return true
	}
	now, ok := instanceOf(instance, defaultURL)
	then, err := greenapi.ParseOrigin(seenAt)
	return ok && err == nil && then.Identity() == now.origin
}

// Refusal says why the operator would write nothing at all on behalf of a resource, since another one of the cluster manages its
// instance, or uses what it names as its webhook token as an API token; "" if neither is so. A resource that the cluster does
// not have yet comes after those that it has. defaultURL is where resources are that name no address.
func Refusal(instance v1alpha1.Instance, others []v1alpha1.Instance, tokenRef *v1alpha1.SecretKeyReference, defaultURL string) string {
	mine := claim{instance: instance, standing: standingOf(instance, defaultURL)}
	id, ok := instanceOf(instance, defaultURL)
	for _, other := range others {
		kind := kindOf(other)
		if other.GetNamespace() == instance.GetNamespace() {
			if tokenRef != nil && usesAsAPIToken(other, *tokenRef) {
				return borrowedToken(*tokenRef, kind+" "+other.GetName()).message
			}
			if kind == kindOf(instance) && other.GetName() == instance.GetName() {
				continue
			}
		}
		rival := claim{other, kind, standingOf(other, defaultURL)}
		if its, known := instanceOf(other, defaultURL); ok && known && its == id && rival.standing == accepted &&
			(instance.GetUID() == "" || rival.compare(mine) < 0) {
			return rival.refusal(instance.GetNamespace())
		}
	}
	if tokenRef != nil {
		if refused := guardedKey(*tokenRef); refused != nil {
			return refused.message
		}
	}
	return ""
}

// kindOf returns the name of a resource's kind.
func kindOf(instance v1alpha1.Instance) string {
	for _, kind := range Kinds {
		if reflect.TypeOf(kind.New()) == reflect.TypeOf(instance) {
			return kind.Name
		}
	}
	return ""
}
