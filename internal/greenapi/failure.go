// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"bytes"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/greenapi-operator/greenapi-operator/internal/jsonvalue"
)

const specialNetwork = "a private, loopback or otherwise special network"

func callError(method string, err error, guard *guardedConn) error {
	if errors.Is(err, errAddressRefused) {
		return &EndpointError{What: "the host's address lies in " + specialNetwork, Resolved: true}
	}
	return &TransportError{Method: method, What: describe(err), Begun: guard == nil || guard.sent.Load() > 0}
}

// statusError makes an error of an answer with a code of 300 or more.
func (i *Instance) statusError(method string, answer *Answer) error {
	if answer.status < http.StatusBadRequest {
		return &EndpointError{What: "the host redirects the call elsewhere, where the token is not sent", Resolved: true}
	}
	failed := i.failure(method, answer.status, answer.body)
	failed.RetryAfter = retryAfter(answer.retryAfter)
	if method == MethodGetInstances && failed.Cause == CauseRefused {
		// It sends nothing but the token that could be refused, and one of the vendor's hosts answers a wrong one so.
		failed.Cause = CauseUnauthorized
	}
	return failed
}

// failure makes an error of a code and what the vendor says to it.
func (i *Instance) failure(method string, code int, answer []byte) *StatusError {
	message, said := vendorMessage(answer)
	if showsTokens[method] && slices.ContainsFunc(formsOf(message), likeToken.MatchString) {
		message = concealed
	}
	return &StatusError{Method: method, Code: code, Cause: causeOf(code, said),
		Message: i.hidden.message(message, maxMessageLength)}
}

// vendorMessage returns the message of an error body, which may be shown, and in lower case all that the body says,
// which is only for causeOf.
func vendorMessage(answer []byte) (message, said string) {
	object, what := decodeObject(answer)
	if what != "" {
		return "", strings.ToLower(string(answer))
	}
	var texts strings.Builder
	for name, value := range object {
		// The path holds the token.
		if name != "path" && value.Type == jsonvalue.String {
			texts.WriteString(strings.ToLower(value.Text) + "\n")
		}
	}
	return object["message"].Text, texts.String()
}

// codeInBody returns the code of an answer such as {"code":401,"description":"Unauthorized"}, which the vendor sends
// with 200 (documented for updateApiToken and the partner API); 0 if there is none.
func codeInBody(answer []byte) int {
	if !mayHoldCode(answer) {
		return 0
	}
	object, what := decodeObject(answer)
	if what != "" {
		return 0
	}
	for _, name := range []string{"code", "statusCode"} {
		code, err := strconv.Atoi(object[name].Text)
		if err == nil && code >= http.StatusBadRequest && code < 600 {
			return code
		}
	}
	return 0
}

// mayHoldCode reports whether an answer may have a code, so that others are not read twice. A name that is not written as
// it is has an escape.
func mayHoldCode(answer []byte) bool {
	return bytes.Contains(answer, []byte(`"code"`)) || bytes.Contains(answer, []byte(`"statusCode"`)) || bytes.Contains(answer, []byte(`\u`))
}

// retryAfter reads the header's seconds or date; 0 if there is none. At most an hour is waited.
func retryAfter(header string) time.Duration {
	var wait time.Duration
	if seconds, err := strconv.Atoi(strings.TrimSpace(header)); err == nil {
		wait = time.Duration(min(max(seconds, 0), 3600)) * time.Second
	} else if at, err := http.ParseTime(header); err == nil {
		wait = time.Until(at)
	}
	return min(max(wait, 0), time.Hour)
}

// codeQuota is the vendor's own code for a used-up quota, codeClientClosed the one for a request it gave up (documented
// among the common errors).
const (
	codeQuota        = 466
	codeClientClosed = 499
)

// causeOf says what a failed answer means. said is what the body says, in lower case: five causes share 400, and the
// vendor tells them apart in words only. The words are those of its page of common errors.
func causeOf(code int, said string) Cause {
	switch code {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return causeOfBadRequest(said)
	case http.StatusUnauthorized:
		return CauseUnauthorized
	case http.StatusForbidden:
		return CauseForbidden
	case http.StatusNotFound:
		return CauseNotFound
	case http.StatusTooManyRequests:
		return CauseRateLimited
	case codeQuota:
		return CauseQuota
	case http.StatusRequestTimeout, codeClientClosed:
		return CauseUnavailable
	case http.StatusConflict, http.StatusLocked, http.StatusTooEarly:
		return CauseStarting
	}
	switch {
	case code >= http.StatusInternalServerError:
		return CauseUnavailable
	case saysBusy(said):
		return CauseStarting
	}
	return CauseOther
}

// saysBusy reports whether an answer asks to come back later.
func saysBusy(said string) bool {
	for _, words := range []string{"starting", "try later", "try again"} {
		if strings.Contains(said, words) {
			return true
		}
	}
	return false
}

func causeOfBadRequest(said string) Cause {
	// A refused value may quote any word, so what names validation comes first.
	for _, words := range []struct {
		text  string
		cause Cause
	}{
		{"validation", CauseRefused},
		{"bad request data", CauseRefused},
		{"is expired", CauseExpired},
		{"is deleted", CauseDeleted},
		{"not authorized", CauseNotAuthorized},
	} {
		// The vendor says "is starting or not authorized" of an instance that starts.
		if words.cause == CauseNotAuthorized && saysBusy(said) {
			break
		}
		if strings.Contains(said, words.text) {
			return words.cause
		}
	}
	if saysBusy(said) {
		return CauseStarting
	}
	return CauseRefused
}
