// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"errors"
	"fmt"
	"time"
)

// Cause says what a failed answer of the vendor means.
type Cause string

// The causes of a StatusError.
const (
	// CauseUnauthorized: the token is wrong (401, which may have an empty body; or 200 with code 401).
	CauseUnauthorized Cause = "Unauthorized"
	// CauseNotFound: no such instance at this address (404, as HTML or JSON).
	CauseNotFound Cause = "NotFound"
	// CauseForbidden: 403, which means a wrong instance or address on the account's own methods, and a missing
	// subscription on beta methods.
	CauseForbidden Cause = "Forbidden"
	// CauseRateLimited: more than one call a second of one method for one instance (429).
	CauseRateLimited Cause = "RateLimited"
	// CauseQuota: a quota of the account is used up (466).
	CauseQuota Cause = "Quota"
	// CauseStarting: the instance is starting or busy and takes no settings now (409, 423, 425, or any 4xx that says so in words;
	// 400 "instance in starting process try later" is documented for setSettings).
	CauseStarting Cause = "Starting"
	// CauseNotAuthorized: the method needs an authorized account (400).
	CauseNotAuthorized Cause = "NotAuthorized"
	// CauseExpired: the instance is not paid for (400).
	CauseExpired Cause = "Expired"
	// CauseDeleted: the instance was deleted (400).
	CauseDeleted Cause = "Deleted"
	// CauseRefused: the request was not valid for the vendor (400 and 422).
	CauseRefused Cause = "Refused"
	// CauseOther: the vendor said no for a reason that says nothing about the values (other 4xx).
	CauseOther Cause = "Other"
	// CauseUnavailable: the vendor failed, and nobody knows what it did before (408, 499, 5xx).
	CauseUnavailable Cause = "Unavailable"
)

// StatusError is an answer of the vendor that says no.
type StatusError struct {
	// Method is the vendor's name of the method that was called.
	Method string
	// Code is the HTTP code, or the code in the body where the vendor sends one with 200.
	Code int
	// Cause is what it means.
	Cause Cause
	// Message is the vendor's own message, concealed and at most 200 characters; it may be empty.
	Message string
	// RetryAfter is how long the vendor asks to wait, 0 if it does not say.
	RetryAfter time.Duration
}

// Error returns one line without any secret.
func (e *StatusError) Error() string {
	if e.Message == "" {
		return fmt.Sprintf("%s: the vendor answered %d", e.Method, e.Code)
	}
	return fmt.Sprintf("%s: the vendor answered %d: %s", e.Method, e.Code, e.Message)
}

// UnreadableError is an answer from which nothing can be concluded.
type UnreadableError struct {
	// Method is the vendor's name of the method that was called.
	Method string
	// What is wrong with the answer, in words of this package.
	What string
}

// Error returns one line without any secret.
func (e *UnreadableError) Error() string {
	return fmt.Sprintf("%s: the answer cannot be read: %s", e.Method, e.What)
}

// Empty reports whether the vendor answered with nothing at all: an empty body, or null.
func (e *UnreadableError) Empty() bool { return e.What == emptyBody || e.What == nullBody }

// TransportError is a call that got no complete answer.
type TransportError struct {
	// Method is the vendor's name of the method that was called.
	Method string
	// What happened, in words of this package.
	What string
	// Begun reports whether a byte of the request may have left, so that the call may have taken effect.
	Begun bool
	// TimedOut reports whether the call had no complete answer when its time was over.
	TimedOut bool
}

// Error returns one line without any secret and without an address, so that it is the same each time.
func (e *TransportError) Error() string { return fmt.Sprintf("%s: %s", e.Method, e.What) }

// EndpointError is an address to which the token may not be sent.
type EndpointError struct {
	// What is wrong with the address.
	What string
	// Resolved reports whether the reason was found only while connecting (the resolved address, a redirect), so
	// that it can change without a change of the spec.
	Resolved bool
}

// Error returns one line without any secret.
func (e *EndpointError) Error() string { return e.What }

// TookNoEffect reports whether a call that failed with err certainly changed nothing at the vendor. An unknown
// error may have.
func TookNoEffect(err error) bool {
	if transport, ok := errors.AsType[*TransportError](err); ok {
		return !transport.Begun
	}
	if _, ok := errors.AsType[*EndpointError](err); ok {
		return true
	}
	if status, ok := errors.AsType[*StatusError](err); ok {
		return status.Cause != CauseUnavailable
	}
	return false
}
