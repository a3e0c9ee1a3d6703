// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"path/filepath"
	"testing"

	"github.com/greenapi-operator/greenapi-operator/internal/installation"
)

// render renders a folder of config/ as `kubectl apply -k` does. With lines of a kustomization the folder is the base of
// one that has these.
func render(t *testing.T, folder string, overlay ...string) installation.Objects {
	t.Helper()
	return installation.Render(t, filepath.Join("..", "..", "config", folder), overlay...)
}
