// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package instance

import (
	"cmp"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/keys"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
)

// Origin returns where the instance of a resource is served: at the address of its spec, or at defaultURL if that names none. Where
// the resource has a claim, which was not filled in, it is where the operator saw the instance. The error says what is wrong with
// the address.
func Origin(resource v1alpha1.Instance, defaultURL string) (greenapi.Origin, error) {
	claimed := ""
	if ClaimName(resource) != "" {
		claimed = resource.InstanceStatus().APIURL
	}
	return greenapi.ParseOrigin(cmp.Or(resource.Core().APIURL, claimed, defaultURL))
}

// OriginSeen is Origin for whoever does not know the operator's default: where the spec names no address, the one that the
// operator saw says it, and defaultURL only if it saw none yet.
func OriginSeen(resource v1alpha1.Instance, defaultURL string) (greenapi.Origin, error) {
	return Origin(resource, cmp.Or(resource.InstanceStatus().APIURL, defaultURL))
}

// Key names the instance of a resource at the vendor; false if its address is not valid, or its number not known yet.
func Key(resource v1alpha1.Instance, defaultURL string) (keys.Instance, bool) {
	origin, err := Origin(resource, defaultURL)
	if err != nil || Number(resource) == 0 {
		return keys.Instance{}, false
	}
	return KeyAt(resource, origin), true
}

// KeyAt names the instance of a resource that is served at an origin.
func KeyAt(resource v1alpha1.Instance, origin greenapi.Origin) keys.Instance {
	return keys.Instance{Origin: origin.Identity(), ID: Number(resource)}
}

// Target is what the vendor's client needs to know of a resource whose instance is served at an origin, with what its spec wants.
// The token is missing.
func Target(resource v1alpha1.Instance, origin greenapi.Origin, desired plan.Desired) greenapi.Target {
	target := KindOf(resource).Target(origin, Number(resource))
	target.Quotable = quotable(desired)
	return target
}

// Target is enough to call the methods of an instance of the kind that only read, for whoever shows nothing of what the vendor says.
// The token is missing.
func (k Kind) Target(origin greenapi.Origin, id int64) greenapi.Target {
	return greenapi.Target{Origin: origin, ID: id, Prefix: k.Prefix, AccountMethod: k.AccountMethod}
}

// quotable are the wished values that the vendor may quote when it refuses them, and in which people keep secrets: URLs, texts,
// and settings of which this operator knows nothing.
func quotable(desired plan.Desired) []string {
	var values []string
	for _, s := range desired.Settings {
		if s.Kind == plan.KindURL || s.Kind == plan.KindText || s.Kind == plan.KindAdditional {
			values = append(values, s.Value)
		}
	}
	return values
}

// sameOrigin reports whether what a status says was seen at the origin that the spec names.
func sameOrigin(resource v1alpha1.Instance, defaultURL string) bool {
	seenAt := resource.InstanceStatus().APIURL
	if seenAt == "" {
		return true
	}
	now, err := Origin(resource, defaultURL)
	then, err2 := greenapi.ParseOrigin(seenAt)
	return err == nil && err2 == nil && then.Identity() == now.Identity()
}
