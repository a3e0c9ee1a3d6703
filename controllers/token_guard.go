// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// Whoever may write instances, but not read Secrets, must not have somebody's API token sent to a webhook. Four things hold it,
// of which each closes what the others leave open: the name of the key, the references of all resources of the namespace (what
// their specs name and what their statuses say was accepted), the values that this process used, and, for those who want it
// strict, a label that the Secrets of webhook tokens must have.

// maxUsedTokens bounds how many API tokens are remembered; the oldest go first. At 32 bytes each that is some megabytes.
const maxUsedTokens = 1 << 16

// usedTokens remembers which values were API tokens, as digests with a key that nobody else has.
type usedTokens struct {
	mu    sync.Mutex
	key   []byte
	known map[[sha256.Size]byte]struct{}
	order [][sha256.Size]byte
}

func newUsedTokens() *usedTokens {
	key := make([]byte, sha256.Size)
	// It never fails; a program whose random numbers are out of reach ends.
	_, _ = rand.Read(key)
	return &usedTokens{key: key, known: map[[sha256.Size]byte]struct{}{}}
}

func (u *usedTokens) digest(token string) (sum [sha256.Size]byte) {
	mac := hmac.New(sha256.New, u.key)
	mac.Write([]byte(token))
	mac.Sum(sum[:0])
	return sum
}

func (u *usedTokens) add(token string) {
	sum := u.digest(token)
	u.mu.Lock()
	defer u.mu.Unlock()
	if _, ok := u.known[sum]; ok {
		return
	}
	if len(u.order) == maxUsedTokens {
		delete(u.known, u.order[0])
		u.order = slices.Delete(u.order, 0, 1)
	}
	u.known[sum] = struct{}{}
	u.order = append(u.order, sum)
}

func (u *usedTokens) has(token string) bool {
	sum := u.digest(token)
	u.mu.Lock()
	defer u.mu.Unlock()
	_, ok := u.known[sum]
	return ok
}

// guardedValue refuses a webhook token whose value is or was an API token.
func (r *Reconciler) guardedValue(ref v1alpha1.SecretKeyReference, token string) *stalled {
	if !r.usedTokens.has(token) {
		return nil
	}
	return refusedToken(fmt.Sprintf("Key %q of Secret %q holds a value that is or was used as an API token, which is sent to nobody but the vendor. Put another webhook token into it", ref.Key, ref.Name))
}

// refusedToken holds writes back because of a reference to a webhook token that is not to be followed.
func refusedToken(message string) *stalled {
	return &stalled{condition: v1alpha1.SyncedCondition, reason: v1alpha1.ReasonTokenMalformed, message: message}
}

// maxAcceptedRefs is the MaxItems of status.acceptedTokenRefs.
const maxAcceptedRefs = 16

// composeAcceptedRef notes with which reference the vendor accepted a token, the latest at the end.
func (w statusWriter) composeAcceptedRef(p *pass) {
	ref := instance.APITokenRef(p.instance)
	if last := len(w.AcceptedTokenRefs) - 1; last >= 0 && w.AcceptedTokenRefs[last] == ref {
		return
	}
	list := slices.DeleteFunc(slices.Clone(w.AcceptedTokenRefs), func(known v1alpha1.SecretKeyReference) bool { return known == ref })
	list = append(list, ref)
	w.AcceptedTokenRefs = list[max(len(list)-maxAcceptedRefs, 0):]
}
