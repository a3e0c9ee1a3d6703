// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// keysOfLines are the keys of each message in a log of JSON lines about resources.
func keysOfLines(t *testing.T, log string) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	for line := range strings.Lines(log) {
		var entry map[string]any
		if json.Unmarshal([]byte(line), &entry) != nil {
			continue
		}
		if message, ok := entry["msg"].(string); ok && entry["name"] != nil {
			found[message] = slices.Sorted(maps.Keys(entry))
		}
	}
	return found
}

// TestTheLogOfAProcess: a real process with the default level logs lines about resources with the keys that
// docs/observability.md shows, and no other ones.
func TestTheLogOfAProcess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "observability.md"))
	w.Expect(err).NotTo(HaveOccurred())
	documented := keysOfLines(t, string(page))
	w.serving("--zap-log-level=info")
	w.awaitReady()
	w.Eventually(w.output.String, patience).Should(ContainSubstring("Settings confirmed"))
	logged := keysOfLines(t, w.output.String())
	w.Expect(logged).To(HaveKey("Settings written"))
	for message, keys := range logged {
		w.Expect(documented).To(HaveKeyWithValue(message, keys))
	}
}
