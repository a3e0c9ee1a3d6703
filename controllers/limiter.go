// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"maps"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/greenapi-operator/greenapi-operator/internal/keys"
)

// callSpacing is the vendor's limit: one call a second of one method for one instance, counted here from the end of
// the previous call (R3).
const callSpacing = time.Second

// sweepInterval is how often what no longer holds a call back is forgotten: each instance is called once a minute, so with a
// longer one all of them would stay.
const sweepInterval = 10 * time.Second

// limiter keeps to the vendor's limit without ever sleeping: who is too early is told when to come back.
type limiter struct {
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

func newLimiter(qps float64) *limiter {
	l := &limiter{next: map[callKey]time.Time{}}
	if qps > 0 {
		l.total = rate.NewLimiter(rate.Limit(qps), max(int(qps), looksPerPass))
	}
	return l
}

// looksPerPass is the largest number of calls that one pass asks the total limit for at once.
const looksPerPass = 4

// take asks for one call of each method now. It returns 0 and reserves them all, or how long to wait and reserves
// none. Each reserved call must be ended by done.
func (l *limiter) take(now time.Time, instance keys.Instance, longest time.Duration, methods ...string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	var wait time.Duration
	for _, method := range methods {
		wait = max(wait, l.next[callKey{instance, method}].Sub(now))
	}
	if wait > 0 {
		return min(wait, callSpacing)
	}
	for _, method := range methods {
		// Until done says otherwise the call may take as long as a call can.
		l.next[callKey{instance, method}] = now.Add(longest + callSpacing)
	}
	return 0
}

// done ends a call: the next one may follow after the vendor's limit.
func (l *limiter) done(now time.Time, instance keys.Instance, method string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next[callKey{instance, method}] = now.Add(callSpacing)
	if now.Sub(l.swept) >= sweepInterval {
		l.sweepLocked(now)
	}
}

// sweep forgets what no longer holds a call back.
func (l *limiter) sweep(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sweepLocked(now)
}

func (l *limiter) sweepLocked(now time.Time) {
	l.swept = now
	maps.DeleteFunc(l.next, func(_ callKey, next time.Time) bool { return now.After(next) })
}

// reserve keeps a place for so many calls under the total limit and returns when it is.
func (l *limiter) reserve(now time.Time, calls int) time.Time {
	if l.total == nil {
		return now
	}
	return now.Add(l.total.ReserveN(now, calls).DelayFrom(now))
}

// release gives a reserved call back that was not made.
func (l *limiter) release(instance keys.Instance, method string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.next, callKey{instance, method})
}
