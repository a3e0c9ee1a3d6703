// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"context"
	"errors"
	"hash/maphash"
	"io"
	"net/http"
	"sync"
)

// Answer is what a call that only reads came to, before anything of it is decoded.
type Answer struct {
	// status is the HTTP code, 0 if there is no answer; err says why there is none, or why its body could not be read.
	status     int
	retryAfter string
	body       []byte
	err        error
}

// NoAnswer is what a call came to that failed with an error.
func NoAnswer(err error) *Answer { return &Answer{err: err} }

// seed keys the digests of answers: nobody else can make two of one digest.
var seed = maphash.MakeSeed()

// Digest tells one answer from another within a process. It is 0, which is nothing's digest, for whatever is not a whole answer
// with the code 200.
func (a *Answer) Digest() uint64 {
	if a.status != http.StatusOK || a.err != nil {
		return 0
	}
	return max(maphash.Bytes(seed, a.body), 1)
}

// Err says why there is no whole answer, nil if there is one. It holds no secret.
func (a *Answer) Err() error { return a.err }

// Reading is what goes along with the context of calls that only read.
type Reading struct {
	// Answers are given: no call of these methods is made.
	Answers map[string]*Answer

	mu      sync.Mutex
	digests map[string]uint64
}

type readingKey struct{}

var noReading = &Reading{}

// WithReading has calls with this context take answers from a Reading, and note in it the digests of the others.
func WithReading(ctx context.Context, reading *Reading) context.Context {
	return context.WithValue(ctx, readingKey{}, reading)
}

func readingOf(ctx context.Context) *Reading {
	if reading, ok := ctx.Value(readingKey{}).(*Reading); ok {
		return reading
	}
	return noReading
}

// note notes the digest of an answer.
func (r *Reading) note(method string, answer *Answer) {
	if r == noReading {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.digests == nil {
		r.digests = map[string]uint64{}
	}
	r.digests[method] = answer.Digest()
}

// Digest is that of the answer to a method, given or not; 0 if there was none.
func (r *Reading) Digest(method string) uint64 {
	if given := r.Answers[method]; given != nil {
		return given.Digest()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.digests[method]
}

// Peek calls a method that only reads, and returns what came of it undecoded. Given to WithReading, it is decoded as if the call
// were made then.
func (i *Instance) Peek(ctx context.Context, method string) *Answer {
	answer := &Answer{}
	r := request{method: method, query: queryOf(method), decode: func([]byte) string { return "" }}
	err := i.observed(ctx, i.client.reading, r, func(response *http.Response, body io.Reader) (code string, err error) {
		answer = wholeAnswer(response, body)
		return i.interpret(r, answer)
	})
	if _, broken := errors.AsType[*TransportError](err); broken || answer.status == 0 {
		// Whether it had run out of time is known now alone.
		return NoAnswer(err)
	}
	return answer
}
