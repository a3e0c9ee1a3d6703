// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/cli/advice"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// place says in messages which instance is meant, and what to correct: where its number, its address and its token stand.
type place struct {
	subject, id, address, token string
	// argument names the resource to kubectl greenapi; "" without one.
	argument string
}

// placeOf says where a resource holds what leads to its instance.
func placeOf(resource v1alpha1.Instance) place {
	ref := instance.APITokenRef(resource)
	id := "spec.idInstance"
	if claim := instance.ClaimName(resource); claim != "" {
		id = "status.idInstance of InstanceClaim " + claim
	}
	return place{subject: advice.Title(resource), argument: advice.Argument(resource), id: id, address: "spec.apiUrl",
		token: fmt.Sprintf("key %q of Secret %q", ref.Key, ref.Name)}
}

// explainVendor words an error of the vendor's client.
func explainVendor(err error, where place) error {
	var known *problem
	if err == nil || errors.As(err, &known) || errors.Is(err, context.Canceled) {
		return err
	}
	if endpoint, ok := errors.AsType[*greenapi.EndpointError](err); ok {
		return failf("Correct "+where.address+", or allow the host by --allowed-api-hosts", "%s: %s", where.subject, endpoint)
	}
	if status, ok := errors.AsType[*greenapi.StatusError](err); ok {
		return explainStatus(status, where)
	}
	if _, ok := errors.AsType[*greenapi.TransportError](err); ok {
		return failf("Try again; if it stays so, see whether this machine reaches the vendor, and whether "+where.address+" is right", "%s: %s", where.subject, err)
	}
	return failf("Try again; if it stays so, see whether "+where.address+" is right", "%s: %s", where.subject, err)
}

func explainStatus(status *greenapi.StatusError, where place) error {
	switch status.Cause {
	case greenapi.CauseUnauthorized:
		return failf("Copy apiTokenInstance from the vendor's console into "+where.token, "%s: the vendor refuses the API token (401)", where.subject)
	case greenapi.CauseNotFound, greenapi.CauseForbidden:
		return failf("Compare "+where.id+" and "+where.address+" with the vendor's console", "%s: the vendor knows no such instance at this address (%d)", where.subject, status.Code)
	case greenapi.CauseRateLimited:
		return failf("Try again in some seconds; something else calls getSettings or getStateInstance of it all the time", "%s: the vendor refuses more than one call a second (429)", where.subject)
	case greenapi.CauseQuota:
		return failf("See the tariff in the vendor's console", "%s: a quota of the account is used up (466)", where.subject)
	case greenapi.CauseExpired:
		return failf("Pay for it in the vendor's console", "%s: the instance is not paid for", where.subject)
	case greenapi.CauseDeleted:
		return failf("Delete its resource, or restore it in the vendor's console", "%s: the instance was deleted at the vendor", where.subject)
	case greenapi.CauseUnavailable:
		return failf("Try again in a minute", "%s: the vendor fails at present (%d)", where.subject, status.Code)
	case greenapi.CauseStarting:
		return failf("Try again when it has started", "%s: the instance is starting, which takes up to five minutes", where.subject)
	case greenapi.CauseNotAuthorized:
		return failf("Log in: kubectl greenapi auth "+cmp.Or(where.argument, "NAME, or in the vendor's console"), "%s: nobody is logged in to the instance", where.subject)
	case greenapi.CauseRefused:
		return failf("Correct what it names", "%s: %s", where.subject, status)
	default:
		return failf("Compare "+where.id+" and "+where.address+" with the vendor's console", "%s: %s", where.subject, status)
	}
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
