// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/schedule"
)

// passEnd is how a step ends a pass; report turns it into conditions. It is one of the four types below, unclaimed or creating. Any other
// error of a step is a failure of the API server, which the queue retries.
type passEnd interface {
	error
	endsPass()
}

// paused ends a pass because the spec asks for no call.
type paused struct{}

func (*paused) Error() string { return "paused" }
func (*paused) endsPass()     {}

// waiting ends a pass because nothing is due yet, or the vendor's rate limit has to pass first. It says nothing to
// the user.
type waiting struct{ after time.Duration }

func (*waiting) Error() string { return "waiting" }
func (*waiting) endsPass()     {}

// retrying ends a pass because something failed that is tried again by itself.
type retrying struct {
	// condition that turns False with the reason; "" if the last known conditions stay.
	condition, reason, message string
	// after is the wait before the next look; 0 means a backoff that doubles.
	after time.Duration
}

func (e *retrying) Error() string { return e.message }
func (*retrying) endsPass()       {}

// stalled ends a pass because a person has to act.
type stalled struct {
	// condition that turns False with the reason; "" if only Ready and Stalled show it.
	condition, reason, message string
	// noPolling: only an edit or a change of a Secret can help, so that no look at intervals is needed.
	noPolling bool
	// messenger is the vendor's name of the instance's messenger if that is the trouble.
	messenger string
}

func (e *stalled) Error() string { return e.message }
func (*stalled) endsPass()       {}

// refused is what classify makes of an answer that says that the token or the instance is not valid. It becomes
// retrying or stalled, depending on whether the token was once accepted: an outage of the vendor must not turn a
// fleet red.
type refused struct{ condition, reason, message string }

func (e *refused) Error() string { return e.message }

// rotates reports whether a new API token may help, which the Secret may hold by now.
func (e *refused) rotates() bool { return e.reason == v1alpha1.ReasonUnauthorized }

const quotaWait = time.Hour

// classify turns an error of the client into the end of a pass.
func classify(err error) error {
	if endpoint, ok := errors.AsType[*greenapi.EndpointError](err); ok {
		return &stalled{condition: v1alpha1.CredentialsValidCondition, reason: v1alpha1.ReasonEndpointNotAllowed,
			message:   "The token is not sent to this address: " + endpoint.Error() + ". Correct spec.apiUrl, or let the operator's flags allow it",
			noPolling: !endpoint.Resolved}
	}
	status, ok := errors.AsType[*greenapi.StatusError](err)
	if !ok {
		return &retrying{message: "Cannot read the instance: " + err.Error()}
	}
	switch status.Cause {
	case greenapi.CauseUnauthorized:
		return &refused{condition: v1alpha1.CredentialsValidCondition, reason: v1alpha1.ReasonUnauthorized,
			message: "The vendor refused the API token. Put the instance's apiTokenInstance into the Secret that spec.apiTokenSecretRef names"}
	case greenapi.CauseNotFound, greenapi.CauseForbidden:
		return &refused{condition: v1alpha1.CredentialsValidCondition, reason: v1alpha1.ReasonInstanceNotFound,
			message: "The vendor knows no such instance at this address. Compare spec.idInstance and spec.apiUrl with the vendor's console"}
	case greenapi.CauseExpired:
		return &refused{condition: v1alpha1.AvailableCondition, reason: v1alpha1.ReasonExpired,
			message: "The instance has expired. Renew it in the vendor's console"}
	case greenapi.CauseDeleted:
		return &refused{condition: v1alpha1.AvailableCondition, reason: v1alpha1.ReasonDeleted,
			message: "The instance was deleted at the vendor. Delete this resource, or create it anew for another instance"}
	case greenapi.CauseRateLimited:
		return &waiting{after: status.RetryAfter}
	case greenapi.CauseQuota:
		return &retrying{message: "A quota of the account is used up: " + err.Error(), after: quotaWait}
	default:
		return &retrying{message: "Cannot read the instance: " + err.Error()}
	}
}

// failed turns a failed look into the end of the pass.
func (r *Reconciler) failed(ctx context.Context, p *pass, err error) error {
	m := p.memory
	if ctx.Err() != nil {
		// The process stops: what failed says nothing about the vendor.
		return &waiting{after: schedule.CallSpacing}
	}
	m.schedule.Failed()
	if p.meansCreating(err) {
		return r.notYet(ctx, p, err)
	}
	end, reads := classify(err), &m.schedule.Reads
	var (
		refusal *refused
		limited *waiting
		retry   *retrying
		stall   *stalled
	)
	switch {
	case errors.As(end, &refusal):
		p.nameClaim(refusal)
		end = r.refuse(ctx, p, refusal)
	case errors.As(end, &limited):
		limited.after = reads.Throttled(p.now, limited.after)
	case errors.As(end, &retry):
		retry.after = reads.Failed(p.now, retry.after)
	case errors.As(end, &stall):
		reads.Wait(p.now, schedule.Jitter(r.waitingSettingsInterval(p.core())))
	}
	return end
}

// refusalsUntilStalled is how many looks, a stateInterval apart, must be refused before a token that was once accepted
// counts as wrong.
const refusalsUntilStalled = 3

// refuse decides whether a refusal is final.
func (r *Reconciler) refuse(ctx context.Context, p *pass, refusal *refused) error {
	m := p.memory
	if refusal.rotates() && r.tokenRotated(ctx, p) {
		return &waiting{after: schedule.CallSpacing}
	}
	if end := r.refuseReplaced(ctx, p, refusal); end != nil {
		return end
	}
	reads := &m.schedule.Reads
	refusals := reads.Refused()
	if r.isNew(p, refusal) {
		wait := reads.Wait(p.now, schedule.Doubling(refusals, r.waitingStateInterval(p.core())))
		return &retrying{condition: refusal.condition, reason: refusal.reason, after: wait,
			message: refusal.message + ". The vendor answers so for some minutes after an instance was made, so it is asked again"}
	}
	if !m.accepted || refusals >= refusalsUntilStalled || stalledFor(&p.stored, p.generation(), refusal.reason) {
		reads.Wait(p.now, schedule.Jitter(r.waitingSettingsInterval(p.core())))
		return &stalled{condition: refusal.condition, reason: refusal.reason, message: refusal.message}
	}
	wait := reads.Wait(p.now, schedule.Jitter(r.waitingStateInterval(p.core())))
	return &retrying{condition: refusal.condition, reason: refusal.reason, message: refusal.message, after: wait}
}

// newFor is how long a token that was never accepted may be refused before a person has to act: a new instance answers 401 for
// some minutes, and may say expired (green-api/issues #197, #997).
const newFor = 10 * time.Minute

// isNew reports whether a refusal may be the beginning of a new instance (R38).
func (r *Reconciler) isNew(p *pass, refusal *refused) bool {
	m := p.memory
	if instance.AcceptedOnce(&p.stored) || refusal.reason == v1alpha1.ReasonDeleted || stalledFor(&p.stored, p.generation(), refusal.reason) {
		return false
	}
	if m.refusedSince.IsZero() {
		m.refusedSince = p.now
		if known := apimeta.FindStatusCondition(p.stored.Conditions, refusal.condition); known != nil && known.Reason == refusal.reason &&
			known.LastTransitionTime.Time.Before(p.now) {
			// The process before this one saw it first.
			m.refusedSince = known.LastTransitionTime.Time
		}
	}
	return p.now.Sub(m.refusedSince) < newFor
}
