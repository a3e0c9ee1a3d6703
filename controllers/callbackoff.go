// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"time"

	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/schedule"
)

// callBackoff is what is remembered of calls of one method that changes something, and that certainly had no effect. Reads
// go on meanwhile: a quota on writes says nothing about them.
type callBackoff struct {
	schedule.Backoff
	// problem is what to tell of it, nil for nothing: a rate limit is not the user's business.
	problem passEnd
}

// callBackoffs are those of one resource by method. The zero value has none.
type callBackoffs map[string]*callBackoff

// of returns the one of a method, which is made if there is none.
func (c *callBackoffs) of(method string) *callBackoff {
	if (*c)[method] == nil {
		if *c == nil {
			*c = callBackoffs{}
		}
		(*c)[method] = &callBackoff{}
	}
	return (*c)[method]
}

// rest is how long calls of a method wait.
func (c callBackoffs) rest(method string, now time.Time) time.Duration {
	if known := c[method]; known != nil {
		return known.Rest(now)
	}
	return 0
}

// stalls reports whether a person has to act before calls of a method are made again.
func (c callBackoffs) stalls(method string) bool { return c[method] != nil && c[method].stalls() }

// mended forgets refusals of all methods.
func (c callBackoffs) mended() {
	for _, known := range c {
		known.mended()
	}
}

// mended forgets refusals: there is another token or another spec, so that the next call may go at once.
func (b *callBackoff) mended() {
	if b.stalls() || b.RefusedBefore() {
		*b = callBackoff{}
	}
}

// stalls reports whether a person has to act before the call is made again.
func (b *callBackoff) stalls() bool {
	_, stalls := b.problem.(*stalled)
	return stalls
}

// methodLimit is how long the vendor does not want one reading method to be called, by the error of a call; 0 if it said
// no such thing.
func methodLimit(err error) time.Duration {
	status, ok := errors.AsType[*greenapi.StatusError](err)
	switch {
	case ok && status.Cause == greenapi.CauseQuota:
		return schedule.Jitter(quotaWait)
	case ok && status.Cause == greenapi.CauseRateLimited:
		return status.RetryAfter
	default:
		return 0
	}
}

// callFailed notes a call that certainly had no effect, and plans the next one by the table of failures. It returns how long that
// waits.
func (r *Reconciler) callFailed(ctx context.Context, p *pass, method string, err error) time.Duration {
	b := p.memory.failedCalls.of(method)
	p.failing = append(p.failing, method)
	var (
		refusal *refused
		limited *waiting
		retry   *retrying
		stall   *stalled
	)
	b.problem = nil
	if p.meansCreating(err) {
		// The instance is not there for every method yet: nothing that anybody need know.
		b.Wait(p.now, r.Options.Limits.SettlePoll)
		return b.Rest(p.now)
	}
	switch end := classify(err); {
	case errors.As(end, &refusal):
		if refusal.rotates() && r.tokenRotated(ctx, p) {
			b.Wait(p.now, schedule.CallSpacing)
			break
		}
		message := "The vendor lets this token read and refuses the call that changes something. " + refusal.message
		if b.Refused() >= refusalsUntilStalled || stalledFor(&p.stored, p.generation(), refusal.reason) {
			b.Wait(p.now, schedule.Jitter(r.waitingSettingsInterval(p.core())))
			b.problem = &stalled{reason: refusal.reason, message: message}
			break
		}
		b.Wait(p.now, schedule.Jitter(r.waitingStateInterval(p.core())))
		b.problem = &retrying{reason: refusal.reason, message: message}
	case errors.As(end, &limited):
		b.Throttled(p.now, limited.after)
	case errors.As(end, &retry):
		b.Failed(p.now, retry.after)
		b.problem = &retrying{message: "The call was not taken, and is made again later: " + err.Error()}
		if status, ok := errors.AsType[*greenapi.StatusError](err); ok && status.Cause == greenapi.CauseStarting {
			// The instance is busy for a moment: nothing that anybody need know.
			b.problem = nil
		}
	case errors.As(end, &stall):
		b.Wait(p.now, schedule.Jitter(r.waitingSettingsInterval(p.core())))
		b.problem = stall
	}
	return b.Rest(p.now)
}
