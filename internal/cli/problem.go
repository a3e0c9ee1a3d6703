// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	utilnet "k8s.io/apimachinery/pkg/util/net"

	"github.com/greenapi-operator/greenapi-operator/internal/cli/doctor"
)

// Exit codes, which the documentation promises.
const (
	// exitDone: what was asked for is done or true.
	exitDone = 0
	// exitNo: the answer is no. diff found a difference, doctor something to mend, --wait and auth did not get there.
	exitNo = 1
	// exitFailed: it could not be done: a wrong flag, no such resource, no right, no connection.
	exitFailed = 2
	// exitInterrupted: Ctrl-C, as shells count it.
	exitInterrupted = 130
)

// problem is an error for a person: what is the matter, with which resource, and what to do next. Its text holds no
// secret and no stack trace.
type problem struct {
	// what is the matter, beginning with the resource where there is one.
	what string
	// next is what to do about it; "" only where what says it all.
	next string
	// code is the exit code; 0 means exitFailed.
	code int
	// cause is the error that it words, where somebody asks for it.
	cause error
}

// Unwrap returns the error that it words, if that is known.
func (p *problem) Unwrap() error { return p.cause }

// Error is part of error.
func (p *problem) Error() string {
	if p.next == "" {
		return p.what
	}
	return p.what + "\n" + p.next
}

// errNo ends a verb whose output has said already that the answer is no.
var errNo = errors.New("the answer is no")

// errSaid ends a verb that could not do everything and has reported each failure already.
var errSaid = errors.New("the failures are reported")

// failf makes a problem with a next step. Its first argument is the next step.
func failf(next, format string, args ...any) error {
	return &problem{what: fmt.Sprintf(format, args...), next: next}
}

// explain words an error of the API server for the subject of a call, such as "WhatsAppInstance shop/support-line".
func explain(err error, subject string) error {
	var known *problem
	switch {
	case err == nil, errors.As(err, &known), errors.Is(err, context.Canceled):
		return err
	case apimeta.IsNoMatchError(err):
		return failf("Install them"+doctor.HowToInstallCRDs(),
			"This cluster does not know the operator's resources: their CRDs are not installed")
	case apierrors.IsNotFound(err):
		return failf("List what there is: kubectl get greenapi -A", "%s is not there", subject)
	case apierrors.IsForbidden(err):
		return failf("Ask whoever runs the cluster for this right: "+rightOf(err), "%s: you may not do this", subject)
	case apierrors.IsUnauthorized(err):
		return failf("Log in to the cluster again, or choose another --context", "%s: the cluster does not know who you are", subject)
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err):
		return failf("Correct what it names", "%s: the API server refused it: %s", subject, rightOf(err))
	case unreachable(err):
		return failf("See whether the cluster is up, and whether --context, --kubeconfig or --server name the right one", "%s: the cluster does not answer", subject)
	default:
		return failf("See whether kubectl get greenapi works", "%s: %s", subject, err)
	}
}

// unreachable reports whether the API server gave no answer at all.
func unreachable(err error) bool {
	return utilnet.IsConnectionRefused(err) || utilnet.IsConnectionReset(err) || utilnet.IsTimeout(err) || utilnet.IsHTTP2ConnectionLost(err)
}

// rightOf is the right that was missing, in the words of the API server.
func rightOf(err error) string {
	if status := apierrors.APIStatus(nil); errors.As(err, &status) {
		return status.Status().Message
	}
	return err.Error()
}

// report prints an error for a person, and returns the exit code.
func report(errOut io.Writer, err error) int {
	var known *problem
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errNo):
		return exitNo
	case errors.Is(err, errSaid):
		return exitFailed
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.As(err, &known):
		fmt.Fprintln(errOut, "error:", known.what)
		if known.next != "" {
			fmt.Fprintln(errOut, "  "+known.next)
		}
		if known.code != 0 {
			return known.code
		}
		return exitFailed
	default:
		// What the command line itself is wrong about.
		fmt.Fprintf(errOut, "error: %s\n  See kubectl greenapi --help\n", err)
		return exitFailed
	}
}
