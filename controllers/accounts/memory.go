// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package accounts

import (
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/schedule"
)

const (
	// listInterval is how often a list is read, and listSpacing how long after the end of one the next may begin (P13).
	listInterval = 10 * time.Minute
	listSpacing  = 20 * time.Second
	// youngFor is how long an instance that was bought need not show in the list, and youngInterval how often that is read while the
	// account is known by nothing else.
	youngFor      = 15 * time.Minute
	youngInterval = time.Minute
	// secretInterval is how often the Secret is read while something is wrong, which calls nobody but the API server.
	secretInterval = 30 * time.Second
	// secretGrace is how long a missing Secret is not the user's mistake yet: another tool may be about to make it.
	secretGrace = 2 * time.Minute
	// refusalInterval is how long after a refusal of a token that was accepted once the next look comes.
	refusalInterval = time.Minute
	// staleAfter is how long after a good list what is known may no longer be true.
	staleAfter = 3 * listInterval
)

// memory is what the process remembers of an account.
type memory struct {
	uid types.UID
	// generation, address and token are those of the latest look.
	generation     int64
	address, token string
	// accepted: the vendor accepted this token, or one before this process began.
	accepted bool
	backoff  schedule.Backoff
	// unread: something kept the list from being read, so that it is due once that is gone.
	unread bool
	// listAt is when the next list is due, and notBefore the earliest time for it.
	listAt, notBefore time.Time
	// well: the latest list was a good one, so that claims may ask for another.
	well bool
	// goodAt is when the last good list was read, or when the process began to look.
	goodAt time.Time
	// missingSince is when the Secret or its key was first missed.
	missingSince time.Time
	// uneasy: something is wrong, so that the Secret is looked at often; lookAt is when that is next.
	uneasy bool
	lookAt time.Time
}

// memoryOf returns what is remembered of an account.
func (r *Reconciler) memoryOf(account *v1alpha1.PartnerAccount) *memory {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m := r.memories[account.Name]; m != nil && m.uid == account.UID {
		return m
	}
	if r.memories == nil {
		r.memories = map[string]*memory{}
	}
	m := &memory{uid: account.UID, goodAt: r.Clock.Now(), accepted: apimeta.IsStatusConditionTrue(account.Status.Conditions, v1alpha1.CredentialsValidCondition)}
	r.memories[account.Name] = m
	return m
}

func (r *Reconciler) forget(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.memories, name)
}

// stale reports whether the last good list is so old that what is known may no longer be true.
func (m *memory) stale(now time.Time) bool { return now.Sub(m.goodAt) >= staleAfter }

// due is when the next list is due. wanted is when claims need one, the zero time if none does.
func (m *memory) due(wanted time.Time) time.Time {
	next := m.listAt
	if m.well && !wanted.IsZero() && wanted.Before(next) {
		next = wanted
	}
	if m.notBefore.After(next) {
		next = m.notBefore
	}
	return next
}

// rest is how long until the next pass.
func (m *memory) rest(now, wanted time.Time) time.Duration {
	next := m.due(wanted)
	if m.uneasy && m.lookAt.Before(next) {
		next = m.lookAt
	}
	return max(next.Sub(now), time.Second)
}
