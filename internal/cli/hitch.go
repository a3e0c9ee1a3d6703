// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"time"

	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
)

// roomFor is how long to leave the vendor alone after an error: as long as it asks for, within reason. The operator calls
// the same methods of the same instance, and the vendor takes one call a second of all together.
func roomFor(err error) time.Duration {
	status, ok := errors.AsType[*greenapi.StatusError](err)
	if !ok || status.Cause != greenapi.CauseRateLimited {
		return 0
	}
	return min(status.RetryAfter, longestWait)
}

// timedOut reports whether a call was given up because it took too long.
func timedOut(err error) bool {
	transport, ok := errors.AsType[*greenapi.TransportError](err)
	return ok && transport.What == "no answer in time"
}

// hitch says in the line of progress why the latest call was of no use.
func hitch(err error) string {
	status, ok := errors.AsType[*greenapi.StatusError](err)
	switch {
	case ok && status.Cause == greenapi.CauseRateLimited:
		return "The operator asked at the same moment, trying again"
	case timedOut(err):
		return "The vendor did not answer in time, trying again"
	default:
		return "The vendor gave no answer to use, trying again"
	}
}
