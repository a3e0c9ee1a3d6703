// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
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

// sourceFiles are the files that the plugin is made of: this package and those below it.
func sourceFiles(g *WithT) []string {
	var all []string
	for _, pattern := range []string{"*.go", filepath.Join("*", "*.go")} {
		files, err := filepath.Glob(pattern)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(files).NotTo(BeEmpty())
		all = append(all, files...)
	}
	return slices.DeleteFunc(all, func(file string) bool { return strings.HasSuffix(file, "_test.go") })
}

// TestEveryVerbThatIsNamedExists: no next step leads to a verb that is not there.
func TestEveryVerbThatIsNamedExists(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	known := map[string]bool{"VERB": true}
	for _, verb := range verbs(&session{}) {
		known[verb.Name()] = true
	}
	named := 0
	for _, file := range append(sourceFiles(g), filepath.Join("..", "..", "docs", "kubectl-greenapi.md"), filepath.Join("..", "..", "docs", "troubleshooting.md")) {
		text, err := os.ReadFile(file)
		g.Expect(err).NotTo(HaveOccurred())
		// Comments speak of the command as well.
		code := regexp.MustCompile(`(?m)^\s*//.*$`).ReplaceAllString(string(text), "")
		for _, match := range regexp.MustCompile(`kubectl greenapi ([A-Za-z][A-Za-z-]*)`).FindAllStringSubmatch(code, -1) {
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

// TestAdviceLeadsOn: what the plugin tells people to type can be typed as it stands: a kind and a namespace with every
// name, and nothing that needs a checkout of the operator.
func TestAdviceLeadsOn(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	for _, file := range sourceFiles(g) {
		text, err := os.ReadFile(file)
		g.Expect(err).NotTo(HaveOccurred())
		code := regexp.MustCompile(`(?m)^\s*//.*$`).ReplaceAllString(string(text), "")
		g.Expect(code).NotTo(MatchRegexp(`kubectl greenapi (status|reconcile|resume|pause|reboot|auth|diff|events) "\+[a-z]+\.GetName`), file)
		g.Expect(code).NotTo(MatchRegexp(`checkout of the operator|\bmake (install|deploy|run)\b`), file)
	}
}

func TestAWrongEntryOfTheKubeconfigIsNamed(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for flag, want := range map[string]string{
		"--context": "error: The kubeconfig has no context \"nope\"\n  List what it has: kubectl config get-contexts\n",
		"--cluster": "error: The kubeconfig has no cluster \"nope\"\n  List what it has: kubectl config get-clusters\n",
		"--user":    "error: The kubeconfig has no user \"nope\"\n  List what it has: kubectl config get-users\n",
	} {
		for _, verb := range [][]string{{"status"}, {"status", "-A"}, {"doctor"}, {"events", "line"}} {
			refused := d.kubectl(append(verb, flag+"=nope")...)
			d.Expect(refused.code).To(Equal(exitFailed), flag)
			d.Expect(refused.err).To(Equal(want), "%s %s", verb, flag)
		}
	}
}

// TestAKindBeforeNames: as kubectl get takes it.
func TestAKindBeforeNames(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.line("one", 1, incoming)
	d.line("two", 2, incoming)
	page := d.kubectl("status", "wai", "one")
	d.Expect(page.code).To(Equal(exitDone), page.err)
	title, _, _ := strings.Cut(d.kubectl("status", "wai/one").out, "\n")
	d.Expect(page.out).To(HavePrefix(title+"\n"), "a page, as with one name")
	both := d.kubectl("status", "whatsappinstances", "one", "two")
	d.Expect(both.code).To(Equal(exitDone), both.err)
	d.Expect(both.out).To(And(ContainSubstring("one"), ContainSubstring("two")))
	other := d.kubectl("pause", "maxi", "one")
	d.Expect(other.err).To(ContainSubstring("There is no instance maxi/one"))
	d.Expect(d.kubectl("events", "wai", "one").err).To(ContainSubstring("Write kubectl greenapi events wai/one"))
}
