// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// foundIn are the first groups of all matches in the Go files of a folder, without its tests.
func foundIn(t *testing.T, folder, pattern string) []string {
	t.Helper()
	g := NewWithT(t)
	files, err := filepath.Glob(filepath.Join(root, folder, "*.go"))
	g.Expect(err).NotTo(HaveOccurred())
	var found []string
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		source, err := os.ReadFile(name)
		g.Expect(err).NotTo(HaveOccurred())
		for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(source), -1) {
			found = append(found, match[1])
		}
	}
	return found
}

func TestEveryFlagAndMetricOfTheManagerIsExplained(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	operating, err := os.ReadFile("operating.md")
	g.Expect(err).NotTo(HaveOccurred())
	flags := foundIn(t, "cmd/manager", `f\.\w+Var\([^,]+, "([a-z-]+)"`)
	g.Expect(len(flags)).To(BeNumerically(">", 25))
	for _, name := range flags {
		g.Expect(string(operating)).To(ContainSubstring("`--"+name+"`"), "docs/operating.md says nothing of this flag")
	}
	var metrics []string
	for _, folder := range []string{"controllers", "controllers/accounts", "controllers/claims"} {
		metrics = append(metrics, foundIn(t, folder, `"(greenapi_[a-z_]+)"`)...)
	}
	g.Expect(len(metrics)).To(BeNumerically(">=", 12))
	// Metrics may be explained beside the alerts that they are for.
	list, err := filepath.Glob("*.md")
	g.Expect(err).NotTo(HaveOccurred())
	var all strings.Builder
	for _, page := range list {
		source, err := os.ReadFile(page)
		g.Expect(err).NotTo(HaveOccurred())
		all.Write(source)
	}
	for _, name := range metrics {
		g.Expect(all.String()).To(MatchRegexp("`"+name+`[{`+"`]"), "no page of docs/ says anything of this metric")
	}
}
