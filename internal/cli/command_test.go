// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/greenapi-operator/greenapi-operator/internal/version"
)

func TestTheHelpOfThePluginListsEveryVerb(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	help := d.kubectl("--help")
	d.Expect(help.code).To(Equal(exitDone), help.err)
	for _, verb := range verbs(&session{}) {
		d.Expect(help.out).To(ContainSubstring("\n  " + verb.Name() + " "))
	}
}

func TestAWrongFlagIsExplained(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	wrong := d.kubectl("--no-such-flag")
	d.Expect(wrong.code).To(Equal(exitFailed))
	d.Expect(wrong.err).To(Equal("error: unknown flag: --no-such-flag\n  See kubectl greenapi --help\n"))
	d.Expect(d.kubectl("no-such-verb").err).To(Equal("error: unknown command \"no-such-verb\" for \"kubectl greenapi\"\n  See kubectl greenapi --help\n"))
}

// TestEveryVerbThatIsNamedExists: no next step leads to a verb that is not there.
func TestEveryVerbThatIsNamedExists(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	known := map[string]bool{"VERB": true}
	for _, verb := range verbs(&session{}) {
		known[verb.Name()] = true
	}
	files, err := filepath.Glob("*.go")
	g.Expect(err).NotTo(HaveOccurred())
	named := 0
	for _, file := range append(files, filepath.Join("..", "..", "docs", "kubectl-greenapi.md"), filepath.Join("..", "..", "docs", "troubleshooting.md")) {
		text, err := os.ReadFile(file)
		g.Expect(err).NotTo(HaveOccurred())
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		// Comments speak of the command as well.
		code := regexp.MustCompile(`(?m)^\s*//.*$`).ReplaceAllString(string(text), "")
		for _, match := range regexp.MustCompile(`kubectl greenapi ([A-Za-z]+)`).FindAllStringSubmatch(code, -1) {
			g.Expect(known).To(HaveKey(match[1]), file)
			named++
		}
	}
	g.Expect(named).To(BeNumerically(">", 20))
}

func TestThePluginSaysItsVersion(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for _, arguments := range [][]string{{"--version"}, {"version"}} {
		shown := d.plainly(arguments...)
		d.Expect(shown.code).To(Equal(exitDone), shown.err)
		d.Expect(shown.out).To(Equal(version.Full() + "\n"))
	}
	d.Expect(d.kubectl("version", "word").code).To(Equal(exitFailed))
	d.Expect(d.kubectl("-v").err).To(ContainSubstring("unknown shorthand flag"), "-v is no other word for --version")
}
