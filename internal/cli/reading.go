// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
)

const (
	// patienceWithLimit is how often a call is repeated that the vendor refused because of its rate: the operator looks at
	// the same instance, and leaves room for one call a second at most.
	patienceWithLimit = 4
	// longestWait is the longest wait that the vendor may ask for before a person is told instead.
	longestWait = 10 * time.Second
)

// readAll reads settings and, if asked for, the state of an instance side by side.
func (s *session) readAll(ctx context.Context, vendor *greenapi.Instance, withState bool) (state string, settings greenapi.Settings, err error) {
	var calls errgroup.Group
	var stateErr, settingsErr error
	if withState {
		calls.Go(func() error {
			stateErr = s.unhurried(ctx, func() (err error) { state, err = vendor.State(ctx); return err })
			return nil
		})
	}
	settingsErr = s.unhurried(ctx, func() (err error) { settings, err = vendor.Settings(ctx); return err })
	_ = calls.Wait()
	if settingsErr != nil {
		return "", nil, settingsErr
	}
	return state, settings, stateErr
}

// unhurried makes a call that changes nothing, and repeats it when the vendor says that it came too soon after another.
func (s *session) unhurried(ctx context.Context, call func() error) error {
	for attempt := 1; ; attempt++ {
		err := call()
		status, ok := errors.AsType[*greenapi.StatusError](err)
		if !ok || status.Cause != greenapi.CauseRateLimited || attempt > patienceWithLimit || status.RetryAfter > longestWait {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.clock.After(max(status.RetryAfter, 1100*time.Millisecond)):
		}
	}
}

// place says in messages which instance is meant, and what to correct: where its number, its address and its token stand.
type place struct{ subject, id, address, token string }

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
	default:
		return failf("Compare "+where.id+" and "+where.address+" with the vendor's console", "%s: %s", where.subject, status)
	}
}
