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

var (
	fenced  = regexp.MustCompile("(?ms)^ *```(sh|yaml)\n(.*?)^ *```$")
	comment = regexp.MustCompile(`(?m) *#.*$`)
)

// TestBothReadmesSayToTypeTheSame: the commands and manifests of README.md are those of README.ru.md, comments aside, and
// both have as many sections.
func TestBothReadmesSayToTypeTheSame(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	read := func(name string) (code []string, sections int) {
		source, err := os.ReadFile(filepath.Join(root, name))
		g.Expect(err).NotTo(HaveOccurred())
		for _, block := range fenced.FindAllStringSubmatch(string(source), -1) {
			code = append(code, comment.ReplaceAllString(block[2], ""))
		}
		return code, strings.Count(string(source), "\n## ")
	}
	english, sections := read("README.md")
	russian, others := read("README.ru.md")
	g.Expect(len(english)).To(BeNumerically(">", 5))
	g.Expect(russian).To(Equal(english))
	g.Expect(others).To(Equal(sections))
}
