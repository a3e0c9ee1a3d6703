// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"maps"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/greenapi-operator/greenapi-operator/internal/keys"
)

// CallSpacing is the vendor's limit: one call a second of one method for one instance, counted here from the end of
// the previous call (R3).
const CallSpacing = time.Second

// sweepInterval is how often what no longer holds a call back is forgotten: each instance is called once a minute, so with a
// longer one all of them would stay.
const sweepInterval = 10 * time.Second

// Spacing keeps to the vendor's limit without ever sleeping: who is too early is told when to come back. It is safe for
// concurrent use.
type Spacing struct {
	mu    sync.Mutex
	next  map[callKey]time.Time
	swept time.Time
	// total bounds the calls of all instances together; nil for no bound.
	total *rate.Limiter
}

type callKey struct {
	instance keys.Instance
	method   string
}

// NewSpacing returns a Spacing that lets so many calls a second go, all instances together; 0 is no bound.
func NewSpacing(qps float64) *Spacing {
	s := &Spacing{next: map[callKey]time.Time{}}
	if qps > 0 {
		s.total = rate.NewLimiter(rate.Limit(qps), max(int(qps), looksPerPass))
	}
	return s
}

// looksPerPass is the largest number of calls that one pass asks the total limit for at once.
const looksPerPass = 4

// Take asks for one call of each method now. It returns 0 and reserves them all, or how long to wait and reserves
// none. Each reserved call must be ended by Done.
func (s *Spacing) Take(now time.Time, instance keys.Instance, longest time.Duration, methods ...string) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	var wait time.Duration
	for _, method := range methods {
		wait = max(wait, s.next[callKey{instance, method}].Sub(now))
	}
	if wait > 0 {
		return min(wait, CallSpacing)
	}
	for _, method := range methods {
		// Until Done says otherwise the call may take as long as a call can.
		s.next[callKey{instance, method}] = now.Add(longest + CallSpacing)
	}
	return 0
}

// Done ends a call: the next one may follow after the vendor's limit.
func (s *Spacing) Done(now time.Time, instance keys.Instance, method string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next[callKey{instance, method}] = now.Add(CallSpacing)
	if now.Sub(s.swept) >= sweepInterval {
		s.sweepLocked(now)
	}
}

// Sweep forgets what no longer holds a call back.
func (s *Spacing) Sweep(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweepLocked(now)
}

func (s *Spacing) sweepLocked(now time.Time) {
	s.swept = now
	maps.DeleteFunc(s.next, func(_ callKey, next time.Time) bool { return now.After(next) })
}

// Reserve keeps a place for so many calls under the total limit and returns when it is.
func (s *Spacing) Reserve(now time.Time, calls int) time.Time {
	if s.total == nil {
		return now
	}
	return now.Add(s.total.ReserveN(now, calls).DelayFrom(now))
}

// Spare reports whether the total limit has room for one more call now, and takes it then.
func (s *Spacing) Spare(now time.Time) bool { return s.total == nil || s.total.AllowN(now, 1) }

// Release gives a reserved call back that was not made.
func (s *Spacing) Release(instance keys.Instance, method string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.next, callKey{instance, method})
}

// Len returns how many calls are remembered, for tests.
func (s *Spacing) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.next)
}
