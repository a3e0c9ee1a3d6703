// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"maps"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/keys"
	"github.com/greenapi-operator/greenapi-operator/internal/schedule"
)

// memory is what this process remembers of one resource: due times, backoff, the secret values it read, and since when it has
// seen what a decision waits for, such as drift. A new process starts without it: it may look or call a little sooner, waits
// anew for what has to be seen twice, and writes nothing that this one would not.
type memory struct {
	pollMemory
	// rareMemory is there for as long as a pass has the memory, and longer only if something in it is not zero.
	*rareMemory

	uid types.UID
	// version is the resourceVersion of this process's last own write: a cache that is behind it is not believed.
	version string
	// writtenAt is when that was.
	writtenAt time.Time

	// apiToken and webhookToken are those that the latest look was made with.
	apiToken               secretValue
	webhookToken           *secretValue
	usedToken, usedWebhook string
	// digestToken is the API token that the digests of the webhook token in the status are keyed with.
	digestToken string

	// waits: what was decided last waits for another look.
	waits bool
	// parked: it waits for a time, or to be woken, and for nothing that is read.
	parked bool
	// awaitStart: a write waits for the instance to have started.
	awaitStart bool
	// met: a pass was made.
	met bool
	// accepted: the vendor accepted the present token.
	accepted bool
	// watched is the state that was seen at every look since watchedSince, with the generation and request of then.
	watched, watchedRequest string
	watchedGeneration       int64
	watchedSince            time.Time
	// putOff: the look waits for a place at its origin.
	putOff bool
}

// pollMemory is what a poll needs of it too. Who polls has it alone.
type pollMemory struct {
	since time.Time
	// schedule says when what is read.
	schedule schedule.Schedule
	// digests are those of the latest answers.
	digests digests
	// history is what is remembered of the vendor's history of states.
	history history
	// timeouts are those of reading calls in a row, from which the next time-out follows.
	timeouts int
	// hung: a call of the last look took so long that it counts as hanging.
	hung bool
	// reserved is when --api-qps lets the next look go.
	reserved time.Time

	// lastRead is when the state was last read, 0 for never, in nanoseconds since since, whose monotonic reading goes on whatever the
	// clock shows. Metrics read it while a pass is under way.
	lastRead atomic.Int64
}

// rareMemory is what is remembered of few resources at a time: of failures, requests and what is under way.
type rareMemory struct {
	// failedCalls is what is remembered of failed calls of the methods that change something.
	failedCalls callBackoffs
	// settingsLimited and accountLimited are quotas and rate limits of one reading method, which stop no other, by the vendor's word.
	settingsLimited, accountLimited error
	// logoutSince is since when the vendor has been logging the account out, zero if it is not by the latest look at the account.
	logoutSince time.Time
	// settingsFailedSince is since when the settings could not be read though they were asked for, zero while they can be.
	settingsFailedSince time.Time
	// lookedFor are the open requests that a look was made for, whatever came of it.
	lookedFor requests
	// rebootAsked is the latest request for a reboot; firstReboot and firstApply are the requests that the first pass met.
	rebootAsked, firstReboot, firstApply string
	rotation                             rotationMemory
	// failedSince is since when no look succeeded, zero while they do.
	failedSince time.Time
	// missingSince and tokenHoldSince are since when the Secret of the API or the webhook token is missing.
	missingSince, tokenHoldSince time.Time
	// driftSince is since when each setting differs that does without a change, nil if none does.
	driftSince map[string]time.Time
	// stuckTold: an event told that the instance is stuck.
	stuckTold bool
	// uncounted is a reboot that the vendor said yes to and that status.restarts does not count yet.
	uncounted *countedReboot
	// refusedSince is since when the vendor has refused a token that it never accepted, zero while it does not.
	refusedSince time.Time
}

// newMemory returns one that is fit for a pass.
func newMemory(uid types.UID, now time.Time) *memory {
	return &memory{uid: uid, pollMemory: pollMemory{since: now}, rareMemory: &rareMemory{}}
}

// wake makes the memory fit for a pass; rest leaves out what it can do without until then.
func (m *memory) wake() {
	if m.rareMemory == nil {
		m.rareMemory = &rareMemory{}
	}
}

func (m *memory) rest() {
	if reflect.ValueOf(m.rareMemory).Elem().IsZero() {
		m.rareMemory = nil
	}
}

// read notes that the state was read now; readAt is when it was.
func (m *pollMemory) read(now time.Time) { m.lastRead.Store(max(int64(now.Sub(m.since)), 1)) }
func (m *pollMemory) readAt() time.Time  { return m.since.Add(time.Duration(m.lastRead.Load())) }

// noteLogout notes whether the vendor is logging the account out.
func (m *memory) noteLogout(underWay bool, now time.Time) {
	switch {
	case !underWay:
		m.logoutSince = time.Time{}
	case m.logoutSince.IsZero():
		m.logoutSince = now
	}
}

// memories holds a memory for each resource.
type memories struct {
	mu    sync.Mutex
	byKey map[types.NamespacedName]*memory
}

func newMemories() *memories { return &memories{byKey: map[types.NamespacedName]*memory{}} }

// of returns the memory of a resource, a new one if it was created anew under the same name.
func (m *memories) of(key types.NamespacedName, uid types.UID, now time.Time) *memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	known := m.byKey[key]
	if known == nil || known.uid != uid {
		known = newMemory(uid, now)
		m.byKey[key] = known
	}
	return known
}

// renew returns a new memory for a resource whose instance is another one now. Only what this process wrote last is remembered.
func (m *memories) renew(key types.NamespacedName, now time.Time) *memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	old := m.byKey[key]
	renewed := newMemory(old.uid, now)
	renewed.version, renewed.writtenAt, renewed.met, renewed.rebootAsked = old.version, old.writtenAt, true, old.rebootAsked
	m.byKey[key] = renewed
	return renewed
}

// version returns the resourceVersion of the last own write to a resource, "" if there was none lately. A cache is behind
// for moments; where it seems to be for longer, versions began anew, as they do when etcd is restored.
func (m *memories) version(key types.NamespacedName, uid types.UID, now time.Time, lately time.Duration) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if known := m.byKey[key]; known != nil && known.uid == uid && now.Sub(known.writtenAt) <= lately {
		return known.version
	}
	return ""
}

// forget drops the memory of a resource, and reports whether there was one.
func (m *memories) forget(key types.NamespacedName) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, known := m.byKey[key]
	delete(m.byKey, key)
	return known
}

// oldestRead returns when the state was read longest ago, over all resources but those that are left out; false if there
// are none.
func (m *memories) oldestRead(leftOut map[types.NamespacedName]bool) (time.Time, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	oldest, found := time.Time{}, false
	for key, known := range m.byKey {
		if leftOut[key] {
			continue
		}
		if at := known.readAt(); !found || at.Before(oldest) {
			oldest, found = at, true
		}
	}
	return oldest, found
}

// ownWrite is a setSettings of this process.
type ownWrite struct {
	uid    types.UID
	record v1alpha1.ApplyRecord
}

// ownWrites remembers this process's writes for the settle time, even if the resource is deleted and created anew
// (R10), and even while the outcome cannot be stored.
type ownWrites struct {
	mu    sync.Mutex
	keep  time.Duration
	byKey map[keys.Instance]ownWrite
}

func newOwnWrites(keep time.Duration) *ownWrites {
	return &ownWrites{keep: keep, byKey: map[keys.Instance]ownWrite{}}
}

func (w *ownWrites) put(id keys.Instance, uid types.UID, record v1alpha1.ApplyRecord, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sweepLocked(now)
	w.byKey[id] = ownWrite{uid: uid, record: record}
}

// sweep forgets what is no longer needed.
func (w *ownWrites) sweep(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sweepLocked(now)
}

func (w *ownWrites) sweepLocked(now time.Time) {
	maps.DeleteFunc(w.byKey, func(_ keys.Instance, write ownWrite) bool { return now.Sub(write.record.StartedTime.Time) > w.keep })
}

func (w *ownWrites) get(id keys.Instance, now time.Time) (ownWrite, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	write, ok := w.byKey[id]
	return write, ok && now.Sub(write.record.StartedTime.Time) <= w.keep
}

// holds reports whether a record of a resource is one of this process's own.
func (w *ownWrites) holds(uid types.UID, record *v1alpha1.ApplyRecord, now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sweepLocked(now)
	for _, write := range w.byKey {
		if write.uid == uid && write.record.SameCall(record) {
			return true
		}
	}
	return false
}
