// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import "golang.org/x/sync/errgroup"

// sideBySide is how many instances a verb looks at side by side. The vendor's own limit is one call a second of one method for
// one instance, so many instances do not wait for one another.
const sideBySide = 8

// inOrder does the same work for n things side by side, and hands over each result in the order of the things as soon as
// it and those before it are there.
func inOrder[T any](n int, work func(i int) T, done func(i int, result T)) {
	results := make([]chan T, n)
	for i := range results {
		results[i] = make(chan T, 1)
	}
	var workers errgroup.Group
	workers.SetLimit(sideBySide)
	go func() {
		for i := range n {
			workers.Go(func() error {
				results[i] <- work(i)
				return nil
			})
		}
	}()
	for i := range n {
		done(i, <-results[i])
	}
}
