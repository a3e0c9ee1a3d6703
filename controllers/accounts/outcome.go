// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package accounts

import (
	"errors"
	"time"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/partner"
	"github.com/greenapi-operator/greenapi-operator/internal/schedule"
)

// kind is how a look can end.
type kind int

const (
	// nothingNew: no list was due, or the vendor asked to wait. It says nothing to the user.
	nothingNew kind = iota
	// goodList: the list is the account's own.
	goodList
	// triedAgain: something failed that may pass by itself.
	triedAgain
	// needsPerson: a person has to act.
	needsPerson
)

// problem is what is wrong, in words. Without a reason it is about no credentials.
type problem struct {
	reason, message string
	// grace: it is tried again for a while before a person has to act.
	grace bool
}

// found is how a look ended.
type found struct {
	kind    kind
	problem problem
	counts  partner.Counts
	known   []int64
}

const (
	quotaWait = time.Hour
	// refusalsUntilStalled is how many looks must be refused before a token that was once accepted counts as wrong.
	refusalsUntilStalled = 3
)

// failed turns an error of the client into the end of a look, and says when the next one is due.
func (r *Reconciler) failed(p *pass, err error) found {
	m := p.memory
	if _, ok := errors.AsType[*greenapi.EndpointError](err); ok {
		m.listAt = p.now.Add(schedule.Jitter(listInterval))
		return found{kind: needsPerson, problem: endpointProblem(err)}
	}
	passing := problem{message: "Cannot read the list of instances: " + err.Error()}
	status, ok := errors.AsType[*greenapi.StatusError](err)
	if !ok {
		m.listAt = p.now.Add(m.backoff.Failed(p.now, 0))
		return found{kind: triedAgain, problem: passing}
	}
	switch status.Cause {
	case greenapi.CauseUnauthorized, greenapi.CauseForbidden, greenapi.CauseNotFound, greenapi.CauseRefused:
		// One of the vendor's hosts answers 400 where the others say 401 (green-api/issues #619).
		return r.refused(p)
	case greenapi.CauseRateLimited:
		m.listAt = p.now.Add(m.backoff.Throttled(p.now, status.RetryAfter))
		if m.stale(p.now) {
			return found{kind: triedAgain, problem: passing}
		}
		m.uneasy = !inOrder(&p.account.Status)
		return found{kind: nothingNew}
	case greenapi.CauseQuota:
		m.listAt = p.now.Add(m.backoff.Failed(p.now, quotaWait))
	default:
		m.listAt = p.now.Add(m.backoff.Failed(p.now, status.RetryAfter))
	}
	return found{kind: triedAgain, problem: passing}
}

// refused decides whether a refusal is final.
func (r *Reconciler) refused(p *pass) found {
	m := p.memory
	why := problem{reason: v1alpha1.ReasonUnauthorized,
		message: "The vendor refused the partner token. Put the account's partner token into the Secret that spec.partnerTokenSecretRef names, and compare spec.partnerApiUrl with the vendor's console"}
	if refusals := m.backoff.Refused(); m.accepted && refusals < refusalsUntilStalled && !stalledFor(&p.account.Status, p.account.Generation, why.reason) {
		m.listAt = p.now.Add(schedule.Jitter(refusalInterval))
		return found{kind: triedAgain, problem: why}
	}
	m.listAt = p.now.Add(schedule.Jitter(listInterval))
	return found{kind: needsPerson, problem: why}
}

func endpointProblem(err error) problem {
	return problem{reason: v1alpha1.ReasonEndpointNotAllowed,
		message: "The partner token is not sent to this address: " + err.Error() + ". Correct spec.partnerApiUrl, or let the operator's flags allow it"}
}
