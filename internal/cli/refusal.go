// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
)

// explainVendor words an error of a call to the vendor for an instance.
func explainVendor(instance v1alpha1.Instance, err error) error {
	if endpoint, ok := errors.AsType[*greenapi.EndpointError](err); ok {
		return failf("Correct spec.apiUrl, or allow the host by --allowed-api-hosts", "%s: %s", title(instance), endpoint)
	}
	status, ok := errors.AsType[*greenapi.StatusError](err)
	if !ok {
		// A call without an answer, or with one that cannot be read.
		return failf("See whether this machine reaches the address of the API, and try again", "%s: %s", title(instance), err)
	}
	core := instance.Core()
	what, next := status.Error(), "Try again later; if it stays so, ask GREEN-API's support"
	switch status.Cause {
	case greenapi.CauseUnauthorized:
		what = "the vendor refused the API token"
		next = fmt.Sprintf("Copy apiTokenInstance from the vendor's console into Secret %q", core.APITokenSecretRef.Name)
	case greenapi.CauseNotFound, greenapi.CauseForbidden:
		what = fmt.Sprintf("the vendor has no instance %d at this address", core.IDInstance)
		next = "Compare spec.idInstance and spec.apiUrl with the vendor's console"
	case greenapi.CauseExpired:
		what, next = "the instance is expired: it is not paid for", "Renew it in the vendor's console"
	case greenapi.CauseDeleted:
		what = fmt.Sprintf("the vendor deleted instance %d", core.IDInstance)
		next = "Create another one in the vendor's console, and write its idInstance and token into a new resource"
	case greenapi.CauseRateLimited:
		what, next = "the vendor was asked too often", "Try again in some seconds"
	case greenapi.CauseQuota:
		what, next = "a quota of the account is used up", "Wait, or choose another tariff in the vendor's console"
	case greenapi.CauseStarting:
		what, next = "the instance is starting, which takes up to five minutes", "Try again then"
	case greenapi.CauseNotAuthorized:
		what, next = "nobody is logged in to the instance", "Log in: kubectl greenapi auth "+instance.GetName()+" -n "+instance.GetNamespace()
	case greenapi.CauseRefused:
		next = "Correct what it names"
	case greenapi.CauseUnavailable:
		what = fmt.Sprintf("the vendor does not work just now (%d)", status.Code)
	}
	return failf(next, "%s: %s", title(instance), what)
}

// passes reports whether an error of the vendor may be gone a moment later.
func passes(err error) bool {
	if _, ok := errors.AsType[*greenapi.EndpointError](err); ok {
		return false
	}
	status, ok := errors.AsType[*greenapi.StatusError](err)
	if !ok {
		return true
	}
	switch status.Cause {
	case greenapi.CauseRateLimited, greenapi.CauseStarting, greenapi.CauseNotAuthorized, greenapi.CauseUnavailable:
		return true
	default:
		return false
	}
}
