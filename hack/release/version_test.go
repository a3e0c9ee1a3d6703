// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

const root = "../.."

// release is the version that the Makefile names.
func release(t *testing.T) string {
	t.Helper()
	g := NewWithT(t)
	content, err := os.ReadFile(filepath.Join(root, "Makefile"))
	g.Expect(err).NotTo(HaveOccurred())
	match := regexp.MustCompile(`(?m)^RELEASE := (\S+)$`).FindSubmatch(content)
	g.Expect(match).NotTo(BeNil())
	return string(match[1])
}

func TestAllPlacesAgreeOnTheVersion(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	version := release(t)
	g.Expect(checkVersion(version)).To(Succeed())
	g.Expect(check(root, version)).To(Succeed())
}

// checkout copies what git knows of this checkout, so that a test may change it.
func checkout(t *testing.T) string {
	t.Helper()
	g, folder := NewWithT(t), t.TempDir()
	list, err := tracked(root)
	g.Expect(err).NotTo(HaveOccurred())
	for _, file := range list {
		if !looked.MatchString(file) {
			continue
		}
		content, err := os.ReadFile(filepath.Join(root, file))
		g.Expect(err).NotTo(HaveOccurred())
		write(t, folder, file, string(content))
	}
	output, err := exec.CommandContext(t.Context(), "git", "init", "-q", folder).CombinedOutput()
	g.Expect(err).NotTo(HaveOccurred(), "%s", output)
	return folder
}

func write(t *testing.T, folder, file, text string) {
	t.Helper()
	g, path := NewWithT(t), filepath.Join(folder, file)
	g.Expect(os.MkdirAll(filepath.Dir(path), 0o755)).To(Succeed())
	g.Expect(os.WriteFile(path, []byte(text), 0o600)).To(Succeed())
}

// TestPrepareWritesTheVersionIntoAllPlaces: in a copy of this checkout, and in files of every kind that states it.
func TestPrepareWritesTheVersionIntoAllPlaces(t *testing.T) {
	t.Parallel()
	g, folder, version := NewWithT(t), checkout(t), release(t)
	write(t, folder, "charts/other/Chart.yaml", "version: "+plain(version)+"\nappVersion: \""+version+"\"\n")
	write(t, folder, "docs/example.md", strings.ReplaceAll(`
docker pull ghcr.io/greenapi-operator/greenapi-emulator:vX
helm install x oci://ghcr.io/greenapi-operator/charts/greenapi-operator -n ns --version X
cosign verify ghcr.io/greenapi-operator/charts/greenapi-operator:X
kubectl apply -f https://github.com/greenapi-operator/greenapi-operator/releases/download/vX/install.yaml
kubectl apply -k 'https://github.com/greenapi-operator/greenapi-operator//config/default?ref=vX'
tar xf kubectl-greenapi_vX_linux_amd64.tar.gz
helm install x greenapi-operator-X.tgz
`, "X", plain(version)))
	write(t, folder, "argo.yaml", "targetRevision: "+plain(version)+"\n")
	g.Expect(check(folder, version)).To(Succeed())

	const next = "v97.3.1-rc.1"
	g.Expect(prepare(folder, next)).To(Succeed())
	g.Expect(check(folder, next)).To(Succeed())
	for _, file := range []string{"docs/example.md", "argo.yaml", "charts/other/Chart.yaml"} {
		text, err := os.ReadFile(filepath.Join(folder, file))
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(string(text)).NotTo(MatchRegexp(`\b`+regexp.QuoteMeta(plain(version))+`\b`), file)
	}
	old := check(folder, version)
	for _, file := range []string{"Makefile:", "config/manager/kustomization.yaml:", "charts/other/Chart.yaml:1", "charts/other/Chart.yaml:2", "docs/example.md:2", "docs/example.md:8", "argo.yaml:1"} {
		g.Expect(old).To(MatchError(ContainSubstring(file)))
	}
	g.Expect(prepare(folder, version)).To(Succeed(), "and a release after a candidate")
	g.Expect(check(folder, version)).To(Succeed())
}

// TestAPlaceThatIsNotFoundIsAProblem: a form that matches nothing would check nothing.
func TestAPlaceThatIsNotFoundIsAProblem(t *testing.T) {
	t.Parallel()
	g, folder, version := NewWithT(t), checkout(t), release(t)
	write(t, folder, "config/manager/kustomization.yaml", "resources: []\n")
	write(t, folder, "charts/greenapi-operator/Chart.yaml", "version: "+plain(version)+"\n")
	g.Expect(check(folder, version)).To(MatchError(And(
		ContainSubstring("config/manager/kustomization.yaml does not say its version"),
		ContainSubstring("charts/greenapi-operator/Chart.yaml does not say its version as"))))
	g.Expect(os.Remove(filepath.Join(folder, "Makefile"))).To(Succeed())
	g.Expect(check(folder, version)).To(MatchError(ContainSubstring("there is no Makefile")))
}

func TestTheNotesAreTheSectionOfTheChangelog(t *testing.T) {
	t.Parallel()
	g, folder := NewWithT(t), checkout(t)
	version := release(t)
	g.Expect(os.RemoveAll(filepath.Join(folder, "CHANGELOG.md"))).To(Succeed())
	g.Expect(checkRelease(folder, version)).To(MatchError(ContainSubstring("CHANGELOG.md")))
	write(t, folder, "CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n\n- later\n\n## ["+plain(version)+"] - 2026-01-02\n\n### Added\n\n- a thing\n\n## v0.0.9\n\n## 0.0.8\n\n- older\n\n[Unreleased]: https://x\n")
	g.Expect(checkRelease(folder, version)).To(Succeed())
	g.Expect(notes(folder, version)).To(Equal("### Added\n\n- a thing\n"))
	g.Expect(notes(folder, "v0.0.8")).To(Equal("- older\n"))
	for version, problem := range map[string]string{"v0.0.9": "says nothing", "v0.0.10": "has no section for v0.0.10", "v0.0": "has no section"} {
		_, err := notes(folder, version)
		g.Expect(err).To(MatchError(ContainSubstring(problem)))
	}
}

func TestOnlyVersionsOfReleasesAreTaken(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	for _, version := range []string{"", "1.2.3", "v1.2", "v1.2.3-", "v1.2.3 ", "latest", "v1.2.3+x"} {
		for _, command := range []string{"archives", "prepare", "check", "notes"} {
			g.Expect(run([]string{command, "--root", t.TempDir(), "--version", version})).To(MatchError(ContainSubstring("must look like v1.2.3")), version)
		}
	}
	g.Expect(run([]string{"publish", "--version", "v1.2.3"})).To(MatchError(ContainSubstring("no command")))
	g.Expect(run([]string{"--version", "v1.2.3"})).To(MatchError(ContainSubstring("want one command")))
}
