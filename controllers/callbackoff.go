// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"time"

	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
)

// callBackoff is what is remembered of calls of one method that changes something, and that certainly had no effect. Reads
// go on meanwhile: a quota on writes says nothing about them.
type callBackoff struct {
	// failures, throttled and refusals in a row; retryAt is when the next call may go.
	failures, throttled, refusals int
	retryAt                       time.Time
	// problem is what to tell of it, nil for nothing: a rate limit is not the user's business.
	problem passEnd
}

// rest is how long the next call has to wait still.
func (b *callBackoff) rest(now time.Time) time.Duration { return max(b.retryAt.Sub(now), 0) }

// mended forgets refusals: there is another token or another spec, so that the next call may go at once.
func (b *callBackoff) mended() {
	if b.stalls() || b.refusals > 0 {
		*b = callBackoff{}
	}
}

// stalls reports whether a person has to act before the call is made again.
func (b *callBackoff) stalls() bool {
	_, stalls := b.problem.(*stalled)
	return stalls
}

// methodLimit is the vendor's wish that one reading method is not called for a while.
type methodLimit struct {
	until time.Time
	err   error
}

// limits reports whether the method is not to be called yet.
func (l *methodLimit) limits(now time.Time) bool { return now.Before(l.until) }

// note notes what a call of the method came to, and reports whether it was refused for a while.
func (l *methodLimit) note(err error, now time.Time) bool {
	*l = methodLimit{}
	status, ok := errors.AsType[*greenapi.StatusError](err)
	switch {
	case ok && status.Cause == greenapi.CauseQuota:
		*l = methodLimit{until: now.Add(jitter(quotaWait)), err: err}
	case ok && status.Cause == greenapi.CauseRateLimited && status.RetryAfter > 0:
		*l = methodLimit{until: now.Add(status.RetryAfter), err: err}
	}
	return l.err != nil
}

// callFailed notes a call that certainly had no effect, and plans the next one by the table of failures.
func (r *Reconciler) callFailed(ctx context.Context, p *pass, b *callBackoff, err error) {
	var (
		refusal *refused
		limited *waiting
		retry   *retrying
		stall   *stalled
		wait    time.Duration
	)
	b.problem = nil
	switch end := classify(err); {
	case errors.As(end, &refusal):
		if refusal.rotates() && r.tokenRotated(ctx, p) {
			wait = callSpacing
			break
		}
		b.refusals++
		message := "The vendor lets this token read and refuses the call that changes something. " + refusal.message
		if b.refusals >= refusalsUntilStalled || stalledFor(&p.stored, p.generation(), refusal.reason) {
			wait = jitter(r.waitingSettingsInterval(p.core()))
			b.problem = &stalled{reason: refusal.reason, message: message}
			break
		}
		wait = jitter(r.waitingStateInterval(p.core()))
		b.problem = &retrying{reason: refusal.reason, message: message}
	case errors.As(end, &limited):
		b.throttled++
		if wait = limited.after; wait == 0 {
			wait = backoff(b.throttled, longestThrottle)
		}
	case errors.As(end, &retry):
		b.failures++
		if wait = retry.after; wait == 0 {
			wait = backoff(b.failures, longestBackoff)
		}
		b.problem = &retrying{message: "The call was not taken, and is made again later: " + err.Error()}
		if status, ok := errors.AsType[*greenapi.StatusError](err); ok && status.Cause == greenapi.CauseStarting {
			// The instance is busy for a moment: nothing that anybody need know.
			b.problem = nil
		}
	case errors.As(end, &stall):
		wait = jitter(r.waitingSettingsInterval(p.core()))
		b.problem = stall
	}
	b.retryAt = p.now.Add(wait)
}
