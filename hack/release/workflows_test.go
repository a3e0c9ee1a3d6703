// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/yaml"
)

// workflow is what these tests look at in a workflow; actionlint looks at all else.
type workflow struct {
	Permissions *map[string]string
	Jobs        map[string]struct {
		Uses, If       string
		RunsOn         string `json:"runs-on"`
		TimeoutMinutes int    `json:"timeout-minutes"`
		Permissions    *map[string]string
		Steps          []struct {
			Uses, Run string
			With      map[string]any
		}
	}
}

var (
	pinned = regexp.MustCompile(`^[\w.-]+/[\w./-]+@[0-9a-f]{40} # v[0-9]+(\.[0-9]+)*$`)
	called = regexp.MustCompile(`^make((?: [\w.-]+| [A-Z_]+=\S+)+)(?: >>"\$GITHUB_OUTPUT")?$`)
)

// targets are those of the Makefile and what it includes.
func targets(t *testing.T) map[string]bool {
	t.Helper()
	g, found := NewWithT(t), map[string]bool{}
	for _, file := range []string{"Makefile", "hack/release/release.mk", "hack/tools/tools.mk"} {
		text, err := os.ReadFile(filepath.Join(root, file))
		g.Expect(err).NotTo(HaveOccurred())
		for _, match := range regexp.MustCompile(`(?m)^([\w-]+):(?:[^=]|$)`).FindAllStringSubmatch(string(text), -1) {
			found[match[1]] = true
		}
	}
	g.Expect(found).To(HaveKey("test"))
	return found
}

// problems says what is wrong with a workflow. Only those that publish may have a right to write.
func problems(text string, known map[string]bool, publishes bool) []string {
	var w workflow
	if err := yaml.UnmarshalStrict([]byte(text), &map[string]any{}); err != nil {
		return []string{err.Error()}
	}
	if err := yaml.Unmarshal([]byte(text), &w); err != nil {
		return []string{err.Error()}
	}
	var found []string
	add := func(format string, a ...any) { found = append(found, fmt.Sprintf(format, a...)) }
	if w.Permissions == nil || len(*w.Permissions) > 0 {
		add("the workflow's permissions are not {}")
	}
	if strings.Contains(text, "pull_request_target") || strings.Contains(text, "workflow_run") {
		add("code of a pull request may run with rights of this repository")
	}
	for _, match := range regexp.MustCompile(`(?m)^\s*(?:- )?uses: (.*)$`).FindAllStringSubmatch(text, -1) {
		if !strings.HasPrefix(match[1], "./.github/workflows/") && !pinned.MatchString(match[1]) {
			add("%s is not pinned by a digest with its version behind it", match[1])
		}
	}
	for name, job := range w.Jobs {
		if job.Permissions == nil {
			add("job %s does not say its permissions", name)
		} else if !publishes {
			for scope, right := range *job.Permissions {
				if right != "read" {
					add("job %s has %s: %s", name, scope, right)
				}
			}
		}
		if job.Uses == "" && (job.TimeoutMinutes == 0 || job.RunsOn == "" || strings.Contains(job.RunsOn, "latest")) {
			add("job %s has no timeout or no fixed runner", name)
		}
		for _, step := range job.Steps {
			if step.Run != "" {
				found = append(found, wrongCommand(step.Run, known)...)
			}
			if strings.HasPrefix(step.Uses, "actions/checkout@") && step.With["persist-credentials"] != false {
				add("job %s leaves its token in the checkout", name)
			}
		}
	}
	return found
}

// wrongCommand says what is wrong with a step's command: it calls targets of the Makefile, and all of these exist.
func wrongCommand(run string, known map[string]bool) []string {
	match := called.FindStringSubmatch(run)
	if match == nil {
		return []string{fmt.Sprintf("%q is no call of make alone", run)}
	}
	var found []string
	for word := range strings.FieldsSeq(match[1]) {
		if !strings.Contains(word, "=") && !strings.HasPrefix(word, "--") && !known[word] {
			found = append(found, fmt.Sprintf("there is no target %s", word))
		}
	}
	return found
}

func workflows(t *testing.T) []string {
	t.Helper()
	g := NewWithT(t)
	files, err := filepath.Glob(filepath.Join(root, ".github", "workflows", "*.y*ml"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(files).To(ContainElement(HaveSuffix("ci.yml")))
	g.Expect(files).To(ContainElement(HaveSuffix("release.yml")))
	return files
}

func TestWorkflowsRunTheMakefileWithFewRights(t *testing.T) {
	t.Parallel()
	g, known, digests := NewWithT(t), targets(t), map[string]string{}
	for _, file := range workflows(t) {
		text, err := os.ReadFile(file)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(problems(string(text), known, filepath.Base(file) == "release.yml")).To(BeEmpty(), file)
		for _, match := range regexp.MustCompile(`uses: ([\w./-]+)@(.*)`).FindAllStringSubmatch(string(text), -1) {
			if other, ok := digests[match[1]]; ok {
				g.Expect(match[2]).To(Equal(other), "%s is of one version in all workflows", match[1])
			}
			digests[match[1]] = match[2]
		}
	}
}

// TestProblemsOfWorkflowsAreFound: each change of a good workflow is seen.
func TestProblemsOfWorkflowsAreFound(t *testing.T) {
	t.Parallel()
	g, known := NewWithT(t), targets(t)
	text, err := os.ReadFile(filepath.Join(root, ".github", "workflows", "ci.yml"))
	g.Expect(err).NotTo(HaveOccurred())
	for _, change := range [][3]string{
		{"\npermissions: {}\n", "\n", "permissions are not {}"},
		{"\npermissions: {}\n", "\npermissions:\n  contents: read\n", "permissions are not {}"},
		{"      contents: read\n", "      contents: write\n", "has contents: write"},
		{"    permissions:\n      contents: read\n", "", "does not say its permissions"},
		{"    timeout-minutes: 60\n", "", "no timeout"},
		{"ubuntu-24.04", "ubuntu-latest", "no fixed runner"},
		{" # v7.0.1", "", "is not pinned"},
		{"@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1", "@v7 # v7", "is not pinned"},
		{"          persist-credentials: false\n", "          persist-credentials: true\n", "leaves its token"},
		{"make verify", "make verify && make lint", "no call of make alone"},
		{"make verify", "hack/verify.sh", "no call of make alone"},
		{"make verify", "make verify X=${{ github.head_ref }}", "no call of make alone"},
		{"make verify", "make verifi", "there is no target verifi"},
		{"  pull_request:\n", "  pull_request_target:\n", "code of a pull request"},
	} {
		g.Expect(string(text)).To(ContainSubstring(change[0]))
		found := problems(strings.Replace(string(text), change[0], change[1], 1), known, false)
		g.Expect(found).To(ContainElement(ContainSubstring(change[2])), "%q for %q", change[1], change[0])
	}
}

// TestDependabotLooksAfterEveryModule: but the one whose many replacements are moved by hand.
func TestDependabotLooksAfterEveryModule(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	text, err := os.ReadFile(filepath.Join(root, ".github", "dependabot.yml"))
	g.Expect(err).NotTo(HaveOccurred())
	var config struct {
		Updates []struct {
			PackageEcosystem string `json:"package-ecosystem"`
			Directories      []string
		}
	}
	g.Expect(yaml.Unmarshal(text, &config)).To(Succeed())
	var patterns []string
	for _, update := range config.Updates {
		if update.PackageEcosystem == "gomod" {
			patterns = append(patterns, update.Directories...)
		}
	}
	list, err := tracked(root)
	g.Expect(err).NotTo(HaveOccurred())
	looked := 0
	for _, file := range list {
		folder := strings.TrimSuffix("/"+filepath.Dir(file), "/.")
		if filepath.Base(file) != "go.mod" || folder == "/hack/controlplane" {
			continue
		}
		if folder == "" {
			folder = "/"
		}
		g.Expect(slices.ContainsFunc(patterns, func(pattern string) bool {
			matches, err := filepath.Match(pattern, folder)
			return err == nil && matches
		})).To(BeTrue(), "%s is in none of %v", file, patterns)
		looked++
	}
	g.Expect(looked).To(BeNumerically(">", 8))
}
