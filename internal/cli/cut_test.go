// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"testing"

	. "github.com/onsi/gomega"
)

func TestLinesAreCutByTheColumnsTheyTake(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	for _, c := range []struct {
		line    string
		columns int
		want    string
	}{{"hello", 0, "hello"}, {"hello", 5, "hello"}, {"hello", 4, "hel…"}, {"hello", 1, "…"}, {"日本語", 6, "日本語"}, {"日本語", 5, "日本…"}, {"日本語", 4, "日…"}, {"e\u0301e\u0301e\u0301", 3, "e\u0301e\u0301e\u0301"}, {"", 3, ""}} {
		g.Expect(cut(c.line, c.columns)).To(Equal(c.want), fmt.Sprint(c))
	}
}
