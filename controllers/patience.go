// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"errors"
	"time"

	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
)

// readTimeout is how long a reading call may take: CallTimeout, twice as long after each time-out, up to a minute, which the
// vendor is known to need now and then. A resource is not called stale before it had that long (R39).
func (r *Reconciler) readTimeout(m *pollMemory) time.Duration {
	return r.timeoutAfter(m.timeouts)
}

// timeoutAfter is the time that a reading call has after so many time-outs in a row.
func (r *Reconciler) timeoutAfter(timeouts int) time.Duration {
	timeout := r.Options.CallTimeout
	for ; timeouts > 0 && timeout < greenapi.LongestRead; timeouts-- {
		timeout = min(2*timeout, greenapi.LongestRead)
	}
	return timeout
}

// growing reports whether the latest time-out was of a call that had less than a minute.
func (r *Reconciler) growing(m *pollMemory) bool {
	return m.timeouts > 0 && r.timeoutAfter(m.timeouts-1) < greenapi.LongestRead
}

// answered notes that all calls of a look got their answers. While they take longer than CallTimeout, the next look has as
// much time as this one.
func (r *Reconciler) answered(m *pollMemory, took time.Duration) {
	if took < r.Options.CallTimeout {
		m.timeouts = 0
	}
}

// timedOut reports whether one of several calls had no answer in its time.
func timedOut(errs ...error) bool {
	for _, err := range errs {
		if transport, ok := errors.AsType[*greenapi.TransportError](err); ok && transport.TimedOut {
			return true
		}
	}
	return false
}
