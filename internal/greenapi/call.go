// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"
)

// LongestRead is how long an answer to a call that only reads may ever take: the vendor is known to need up to a minute now
// and then, and for qr at any time.
const LongestRead = time.Minute

type timeoutKey struct{}

// WithTimeout gives the calls with this context that only read that time together, in place of Options.Timeout for each of them:
// calls side by side share one timer. A call that changes something has Options.Timeout at most still.
func WithTimeout(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	return context.WithValue(ctx, timeoutKey{}, timeout), cancel
}

// TimeoutOf returns what WithTimeout put into a context; 0 if nothing.
func TimeoutOf(ctx context.Context) time.Duration {
	timeout, _ := ctx.Value(timeoutKey{}).(time.Duration)
	return timeout
}

// request is one call to be made.
type request struct {
	// verb is GET unless it is another.
	verb, method string
	body         []byte
	// query of the URL, with its question mark.
	query string
	// guard is the connection of a method that changes something, nil for one that only reads.
	guard *guardedConn
	// consume reads the body of a successful answer as a stream; without it decode reads it as a whole, and says, in words
	// of this package, what makes it unreadable.
	consume func(io.Reader) error
	decode  func(body []byte) (what string)
}

// call makes one request and has the body of a successful answer read. Its errors hold nothing of the URL, the body or
// the error of net/http.
func (i *Instance) call(ctx context.Context, transport http.RoundTripper, r request) error {
	if i.target.Token == "" {
		return &TransportError{Method: r.method, What: "there is no token to call with"}
	}
	if given := readingOf(ctx).Answers[r.method]; given != nil && r.guard == nil {
		_, err := i.interpret(r, given)
		return err
	}
	return i.observed(ctx, transport, r, func(response *http.Response, body io.Reader) (code string, err error) {
		return i.receive(ctx, response, body, r)
	})
}

// observed makes a call within its time, has its answer received, and tells the Observer of it.
func (i *Instance) observed(ctx context.Context, transport http.RoundTripper, r request, receive func(*http.Response, io.Reader) (code string, err error)) error {
	if r.guard != nil || TimeoutOf(ctx) == 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, i.client.options.Timeout)
		defer cancel()
	}
	started := time.Now()
	code, err := i.exchange(ctx, transport, r, receive)
	if i.client.options.Observer != nil {
		i.client.options.Observer(r.method, code, time.Since(started))
	}
	if failed, ok := errors.AsType[*TransportError](err); ok {
		failed.TimedOut = errors.Is(ctx.Err(), context.DeadlineExceeded)
	}
	return err
}

// exchange sends the request and has the answer received, whose code it returns; "error" if there is none.
func (i *Instance) exchange(ctx context.Context, transport http.RoundTripper, r request, receive func(*http.Response, io.Reader) (code string, err error)) (code string, err error) {
	var sent io.Reader
	if r.body != nil {
		sent = bytes.NewReader(r.body)
	}
	httpRequest, err := http.NewRequestWithContext(ctx, cmp.Or(r.verb, http.MethodGet), i.url(r.method)+r.query, sent)
	if err != nil {
		return codeNone, &TransportError{Method: r.method, What: "the request cannot be made"}
	}
	httpRequest.Header = i.client.headers
	if r.body != nil {
		httpRequest.Header = i.client.headers.Clone()
		httpRequest.Header.Set("Content-Type", "application/json")
	}
	response, err := transport.RoundTrip(httpRequest)
	if err != nil {
		return codeNone, callError(r.method, err, r.guard)
	}
	defer func() { _ = response.Body.Close() }()
	body := i.client.room.enter(ctx, response.Body)
	defer body.leave()
	return receive(response, body)
}

// codeNone is the code of a call without an answer, for the Observer.
const codeNone = "error"

// receive reads an answer.
func (i *Instance) receive(ctx context.Context, response *http.Response, body io.Reader, r request) (code string, err error) {
	if r.consume != nil && response.StatusCode >= http.StatusOK && response.StatusCode < http.StatusMultipleChoices {
		return strconv.Itoa(response.StatusCode), r.consume(body)
	}
	answer := wholeAnswer(response, body)
	readingOf(ctx).note(r.method, answer)
	return i.interpret(r, answer)
}

// wholeAnswer reads an answer whole.
func wholeAnswer(response *http.Response, body io.Reader) *Answer {
	answer := &Answer{status: response.StatusCode, retryAfter: response.Header.Get("Retry-After")}
	if answer.status >= http.StatusOK {
		// The body of 101 is the bare connection, which no time-out ends.
		answer.body, answer.err = readBody(body, response.ContentLength)
	}
	return answer
}

// interpret says what an answer means, and has its body decoded.
func (i *Instance) interpret(r request, answer *Answer) (code string, err error) {
	code = strconv.Itoa(answer.status)
	switch {
	case answer.status == 0:
		return codeNone, answer.err
	case answer.status < http.StatusOK:
		return code, &UnreadableError{Method: r.method, What: "it is of another protocol"}
	case answer.status >= http.StatusMultipleChoices:
		// Whatever could be read of a failed answer's body is enough: the code alone says what to do.
		return code, i.statusError(r.method, answer)
	case answer.err != nil:
		return code, callError(r.method, answer.err, r.guard)
	case len(answer.body) > maxBody:
		return code, &UnreadableError{Method: r.method, What: "it is longer than 1 MiB"}
	}
	if inBody := codeInBody(answer.body); inBody != 0 {
		return strconv.Itoa(inBody), i.failure(r.method, inBody, answer.body)
	}
	if what := r.decode(answer.body); what != "" {
		return code, &UnreadableError{Method: r.method, What: what}
	}
	return code, nil
}

// usualBody is for how much of an answer there is room before it has come, whatever its length is said to be.
const usualBody = 16 << 10

// readBody reads an answer, up to one byte more than maxBody.
func readBody(body io.Reader, length int64) ([]byte, error) {
	var answer bytes.Buffer
	answer.Grow(int(min(max(length, 0), usualBody)) + bytes.MinRead)
	_, err := answer.ReadFrom(io.LimitReader(body, maxBody+1))
	return answer.Bytes(), err
}
