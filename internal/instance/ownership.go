// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package instance

import (
	"cmp"
	"fmt"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// Standing is what a resource has to show for its claim to an instance. It follows from facts that last: they stand in the
// status, so that every process says the same.
type Standing int

// In the order of who comes first.
const (
	// Accepted: the vendor accepted the resource's token at this origin.
	Accepted Standing = iota
	// Untried: it was neither accepted nor refused.
	Untried
	// Refused: the vendor refuses it, so that whoever else names the instance may try.
	Refused
	// WrongKind: the instance is of another messenger.
	WrongKind
)

// Claim is one resource that names an instance.
type Claim struct {
	Resource v1alpha1.Instance
	Standing Standing
}

// ClaimOf is the claim of a resource to the instance that its spec names, at defaultURL if it names no address.
func ClaimOf(resource v1alpha1.Instance, defaultURL string) Claim {
	return Claim{Resource: resource, Standing: StandingOf(resource, defaultURL)}
}

// Compare orders claims, the one that owns the instance first.
func (c Claim) Compare(other Claim) int {
	return cmp.Or(
		cmp.Compare(c.Standing, other.Standing),
		c.Resource.GetCreationTimestamp().Compare(other.Resource.GetCreationTimestamp().Time),
		cmp.Compare(c.Resource.GetUID(), other.Resource.GetUID()),
	)
}

// Refusal says to a resource of a namespace that somebody else manages the instance. What is in another namespace is not told.
func (c Claim) Refusal(namespace string) string {
	if c.Resource.GetNamespace() != namespace {
		return "Another resource already manages this instance. Delete one of the two"
	}
	return fmt.Sprintf("%s %q already manages this instance. Delete one of the two", KindOf(c.Resource).Name, c.Resource.GetName())
}

// StandingOf is what a resource has to show for its claim to the instance that its spec names, at defaultURL if it names no
// address.
func StandingOf(resource v1alpha1.Instance, defaultURL string) Standing {
	status := resource.InstanceStatus()
	here := sameOrigin(resource, defaultURL)
	credentials := apimeta.FindStatusCondition(status.Conditions, v1alpha1.CredentialsValidCondition)
	stall := apimeta.FindStatusCondition(status.Conditions, v1alpha1.StalledCondition)
	says := func(c *metav1.Condition) bool {
		return c != nil && (c.Reason == v1alpha1.ReasonUnauthorized || c.Reason == v1alpha1.ReasonInstanceNotFound || c.Reason == v1alpha1.ReasonTokenLost)
	}
	switch {
	case here && mismatched(status):
		return WrongKind
	case here && stall != nil && withoutToken(credentials):
		return Refused
	case here && AcceptedOnce(status) && (stall == nil || !says(credentials)):
		// A refusal that is not final may be the vendor's outage, in which nobody else is to take over.
		return Accepted
	case here && says(credentials):
		return Refused
	default:
		return Untried
	}
}

// withoutToken reports whether a resource has no API token to show: it makes no call until a person has acted.
func withoutToken(credentials *metav1.Condition) bool {
	if credentials == nil {
		return false
	}
	switch credentials.Reason {
	case v1alpha1.ReasonSecretNotFound, v1alpha1.ReasonSecretKeyMissing, v1alpha1.ReasonTokenMalformed:
		return true
	}
	return false
}

// AcceptedOnce reports whether the vendor accepted a resource's token, at the origin that its status names.
func AcceptedOnce(status *v1alpha1.InstanceStatus) bool {
	return status.StateInstance != "" || status.Apply != nil
}

// mismatched reports whether an instance is of another messenger than the resource, by the latest reading that named one.
func mismatched(status *v1alpha1.InstanceStatus) bool {
	// The condition is what releases before this one left.
	stall := apimeta.FindStatusCondition(status.Conditions, v1alpha1.StalledCondition)
	return status.TypeInstance != "" || stall != nil && stall.Reason == v1alpha1.ReasonMessengerMismatch
}

// Refusal says why the operator would write nothing at all on behalf of a resource, since another one of the cluster manages its
// instance, or uses what it names as its webhook token as an API token; "" if neither is so. A resource that the cluster does
// not have yet comes after those that it has. defaultURL is where resources are that name no address.
func Refusal(resource v1alpha1.Instance, others []v1alpha1.Instance, tokenRef *v1alpha1.SecretKeyReference, defaultURL string) string {
	if tokenRef != nil {
		if refused := refusedReference(resource, others, *tokenRef); refused != "" {
			return refused
		}
	}
	mine := ClaimOf(resource, defaultURL)
	id, ok := Key(resource, defaultURL)
	for _, other := range others {
		if !ok || sameResource(resource, other) {
			continue
		}
		rival := ClaimOf(other, defaultURL)
		if its, known := Key(other, defaultURL); known && its == id && rival.Standing == Accepted &&
			(resource.GetUID() == "" || rival.Compare(mine) < 0) {
			return rival.Refusal(resource.GetNamespace())
		}
	}
	return ""
}

// refusedReference says why a reference of a resource is not one to a webhook token, "" if it may be.
func refusedReference(resource v1alpha1.Instance, others []v1alpha1.Instance, ref v1alpha1.SecretKeyReference) string {
	if UsesAsAPIToken(resource, ref) {
		return BorrowedToken(ref, Named(resource))
	}
	for _, other := range others {
		if other.GetNamespace() == resource.GetNamespace() && UsesAsAPIToken(other, ref) {
			return BorrowedToken(ref, Named(other))
		}
	}
	return GuardedKey(ref)
}

// sameResource reports whether two are one resource, perhaps as a file has it and as the cluster does.
func sameResource(one, other v1alpha1.Instance) bool {
	return KindOf(one).Name == KindOf(other).Name && one.GetNamespace() == other.GetNamespace() && one.GetName() == other.GetName()
}
