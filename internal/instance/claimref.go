// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package instance

import (
	"cmp"
	"fmt"

	apimeta "k8s.io/apimachinery/pkg/api/meta"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// Number is the number of the instance of a resource: that of its spec, or else of its claim, which the status has. It is 0 while
// the claim has none.
func Number(resource v1alpha1.Instance) int64 {
	return cmp.Or(resource.Core().IDInstance, resource.InstanceStatus().IDInstance)
}

// ClaimName is the name of the claim of a resource, "" if its spec has the number itself.
func ClaimName(resource v1alpha1.Instance) string {
	if ref := resource.Core().ClaimRef; ref != nil {
		return ref.Name
	}
	return ""
}

// Fill writes into the spec of a resource what its claim knows, as if a person had: the number, the address if the spec names none,
// and the Secret. It is for a copy that is not written back.
func Fill(resource v1alpha1.Instance, claim *v1alpha1.InstanceClaim) {
	core := resource.Core()
	core.IDInstance, core.APIURL = claim.Status.IDInstance, cmp.Or(core.APIURL, claim.Status.APIURL)
	core.APITokenSecretRef = v1alpha1.SecretKeyReference{Name: claim.SecretName(), Key: v1alpha1.DefaultAPITokenKey}
}

// ClaimMissing says that there is no claim of a name.
func ClaimMissing(name string) string {
	return fmt.Sprintf("InstanceClaim %q is not there. Create it in the namespace of this resource", name)
}

// ClaimTrouble says why the instance of a claim cannot be looked after, in the words of the claim; "" if it can (P14).
func ClaimTrouble(claim *v1alpha1.InstanceClaim) string {
	created := apimeta.FindStatusCondition(claim.Status.Conditions, v1alpha1.CreatedCondition)
	switch {
	case !claim.DeletionTimestamp.IsZero():
		return fmt.Sprintf("InstanceClaim %q is being deleted", claim.Name)
	case created == nil:
		return fmt.Sprintf("InstanceClaim %q was not looked at yet", claim.Name)
	case created.Status != "True":
		return fmt.Sprintf("InstanceClaim %q does not have its instance (%s): %s", claim.Name, created.Reason, created.Message)
	case claim.Status.IDInstance < 1:
		return fmt.Sprintf("InstanceClaim %q does not say the number of its instance yet", claim.Name)
	default:
		return ""
	}
}

// tokenSecret is the name of the Secret with the API token of a resource. Of one with a claim that was not filled in it is the one
// with which a token was accepted last, or else the usual one.
func tokenSecret(resource v1alpha1.Instance) string {
	claim := ClaimName(resource)
	if claim == "" || resource.Core().APITokenSecretRef.Name != "" {
		return resource.Core().APITokenSecretRef.Name
	}
	refs := resource.InstanceStatus().AcceptedTokenRefs
	if len(refs) > 0 {
		return refs[len(refs)-1].Name
	}
	return claim + v1alpha1.ClaimSecretSuffix
}

// WaitsForClaim reports whether a status says that the claim of the resource does not have its instance, so that no call is made.
func WaitsForClaim(status *v1alpha1.InstanceStatus) bool {
	ready := apimeta.FindStatusCondition(status.Conditions, v1alpha1.ReadyCondition)
	return ready != nil && ready.Reason == v1alpha1.ReasonClaimNotReady
}
