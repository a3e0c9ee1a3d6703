// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"math/rand/v2"
	"time"
)

const (
	firstWait       = time.Second
	longestBackoff  = 5 * time.Minute
	longestThrottle = time.Minute
)

// Backoff counts failures of one kind of call in a row, and says when the next call may go. Its zero value has none.
type Backoff struct {
	failures, throttled, refusals int
	retryAt                       time.Time
}

// Failed notes a failure. The next call waits as long as the vendor said, or, where it said nothing, a second that doubles up
// to five minutes. It returns the wait.
func (b *Backoff) Failed(now time.Time, said time.Duration) time.Duration {
	b.failures++
	if said == 0 {
		said = Doubling(b.failures, longestBackoff)
	}
	return b.Wait(now, said)
}

// Throttled notes an answer that asks for fewer calls. The next one waits as long as the vendor said, or, where it said
// nothing, a second that doubles up to a minute. It returns the wait.
func (b *Backoff) Throttled(now time.Time, said time.Duration) time.Duration {
	b.throttled++
	if said == 0 {
		said = Doubling(b.throttled, longestThrottle)
	}
	return b.Wait(now, said)
}

// Refused notes a refusal and returns how many there were in a row. How long the next call waits is the caller's to say.
func (b *Backoff) Refused() int {
	b.refusals++
	return b.refusals
}

// Wait has the next call wait. It returns the wait.
func (b *Backoff) Wait(now time.Time, wait time.Duration) time.Duration {
	b.retryAt = now.Add(wait)
	return wait
}

// Rest is how long the next call has to wait still, 0 for not at all.
func (b *Backoff) Rest(now time.Time) time.Duration { return max(b.retryAt.Sub(now), 0) }

// RefusedBefore reports whether the last calls were refused.
func (b *Backoff) RefusedBefore() bool { return b.refusals > 0 }

// ForgetRefusals has the next refusal be the first one.
func (b *Backoff) ForgetRefusals() { b.refusals = 0 }

// Doubling is the wait after so many failures in a row: a second, doubling up to the longest, with jitter.
func Doubling(failures int, longest time.Duration) time.Duration {
	wait := firstWait
	for i := 1; i < failures && wait < longest; i++ {
		wait *= 2
	}
	return Jitter(min(wait, longest))
}

// jitterShare is by how much of itself an interval may be shorter or longer.
const jitterShare = 0.1

// Jitter spreads an interval by ten percent to either side.
func Jitter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (1 - jitterShare + 2*jitterShare*rand.Float64()))
}
