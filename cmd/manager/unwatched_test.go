// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/cache/informertest"
)

// TestNothingThatCanBeServedIsNotReady, also where the rights were taken away while the process runs.
func TestNothingThatCanBeServedIsNotReady(t *testing.T) {
	n := &namespaces{all: []string{"a", "b"}, left: map[string]bool{}, refused: map[string]string{"a": "list secrets", "b": "list secrets"}}
	if err := n.ready(&informertest.FakeInformers{})(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", http.NoBody)); err == nil {
		t.Error("ready, though no namespace can be watched any more")
	}
}
