// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// counting is a reader that gives two items at a time, and counts how often it is asked for a list.
type counting struct {
	client.Reader
	lists int
}

func (c *counting) List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	c.lists++
	var asked client.ListOptions
	asked.ApplyOptions(options)
	if asked.Limit == chunk {
		options = append(options, client.Limit(2))
	}
	return c.Reader.List(ctx, list, options...)
}
