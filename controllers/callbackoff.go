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

// callFailed notes a call that certainly had no effect, and plans the next one by the table of failures.
func (r *Reconciler) callFailed(ctx context.Context, p *pass, b *callBackoff, err error) {
	var (
		refusal *refused
		limited *waiting
		retry   *retrying
		stall   *stalled
	)
	b.problem = nil
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
}
