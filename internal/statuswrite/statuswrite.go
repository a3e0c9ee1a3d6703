// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package statuswrite stores what a pass found though somebody edits the resource meanwhile.
package statuswrite

import (
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Timeout is how long the status of a pass may take to be stored.
const Timeout = 5 * time.Second

// attempts bounds how often a status is put onto a fresh copy in one pass. After that the process remembers the outcome of a call, and
// the next pass finds out the rest again.
const attempts = 5

// OntoFresh writes, and where somebody wrote the resource meanwhile it reads the resource from the API server and writes again once carry
// has put the status onto that: what was found holds for the generation that was looked at. carry returns false where the resource is
// another one, or its status is not the one that the pass began with; the conflict is returned then.
func OntoFresh[T any](write func() error, read func() (T, error), carry func(fresh T) bool) error {
	err := write()
	for range attempts {
		if !apierrors.IsConflict(err) {
			return err
		}
		fresh, unread := read()
		if unread != nil {
			return unread
		}
		if !carry(fresh) {
			return err
		}
		err = write()
	}
	return err
}
