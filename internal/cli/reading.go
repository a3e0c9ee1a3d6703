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
	if settingsErr == nil {
		settingsErr = settings.CheckShown()
	}
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
