// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package instance

import (
	"fmt"
	"slices"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// APITokenRef returns a resource's reference to its API token with the key. Of one with a claim that was not filled in it is what the
// operator used last, or else the usual one.
func APITokenRef(resource v1alpha1.Instance) v1alpha1.SecretKeyReference {
	return v1alpha1.SecretKeyReference{Name: tokenSecret(resource), Key: resource.Core().APITokenSecretRef.KeyOr(v1alpha1.DefaultAPITokenKey)}
}

// WebhookTokenRef returns a resource's reference to its webhook token with the key; nil if it does not manage it.
func WebhookTokenRef(resource v1alpha1.Instance) *v1alpha1.SecretKeyReference {
	holder, ok := resource.TypedSettings().(interface {
		WebhookTokenRef() *v1alpha1.SecretKeyReference
	})
	if !ok || holder.WebhookTokenRef() == nil {
		return nil
	}
	ref := holder.WebhookTokenRef()
	return &v1alpha1.SecretKeyReference{Name: ref.Name, Key: ref.KeyOr(v1alpha1.DefaultWebhookURLTokenKey)}
}

// SecretNames are the Secrets that a resource refers to, or did when the vendor accepted a token of it.
func SecretNames(resource v1alpha1.Instance) []string {
	refs := append([]v1alpha1.SecretKeyReference{APITokenRef(resource)}, resource.InstanceStatus().AcceptedTokenRefs...)
	if ref := WebhookTokenRef(resource); ref != nil {
		refs = append(refs, *ref)
	}
	var names []string
	for _, ref := range refs {
		if !slices.Contains(names, ref.Name) {
			names = append(names, ref.Name)
		}
	}
	return names
}

// UsesAsAPIToken reports whether a resource uses what a reference means as its API token, or did and was accepted with it.
func UsesAsAPIToken(resource v1alpha1.Instance, ref v1alpha1.SecretKeyReference) bool {
	return APITokenRef(resource) == ref || slices.Contains(resource.InstanceStatus().AcceptedTokenRefs, ref)
}

// GuardedKey says why a reference is not one to a webhook token: its key is the one that API tokens have everywhere. It is "" for
// any other.
func GuardedKey(ref v1alpha1.SecretKeyReference) string {
	if ref.Key != v1alpha1.DefaultAPITokenKey {
		return ""
	}
	return fmt.Sprintf("Key %q of Secret %q is where API tokens are kept, which are sent to nobody but the vendor. Put the webhook token under another key, such as webhookUrlToken", ref.Key, ref.Name)
}

// Named is how messages name a resource to others of its namespace.
func Named(resource v1alpha1.Instance) string {
	return KindOf(resource).Name + " " + resource.GetName()
}

// BorrowedToken says that a reference to a webhook token means the API token of a resource, which is Named so.
func BorrowedToken(ref v1alpha1.SecretKeyReference, user string) string {
	return fmt.Sprintf("Key %q of Secret %q is the API token of %s, and is sent to nobody but the vendor. Name another Secret or key for the webhook token", ref.Key, ref.Name, user)
}
