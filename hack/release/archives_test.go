// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/yaml"
)

const tested = "v0.8.15"

// tool is a tool that the Makefile builds.
func tool(t *testing.T, variable, target string) string {
	t.Helper()
	path := os.Getenv(variable)
	if path == "" {
		t.Fatalf("%s is not set: run the tests by `make test`, or set it to what `make %s` prints", variable, target)
	}
	return path
}

// buildHere builds for the present platform only: a build for each takes minutes, and packing one is no different.
func buildHere(root, platform, version, file string) error {
	if platform == runtime.GOOS+"/"+runtime.GOARCH {
		return buildPlugin(root, platform, version, file)
	}
	return os.WriteFile(file, []byte("the plugin for "+platform), 0o700)
}

// members lists an archive.
func members(t *testing.T, file string) map[string]entry {
	t.Helper()
	g, found := NewWithT(t), map[string]entry{}
	content, err := os.ReadFile(file)
	g.Expect(err).NotTo(HaveOccurred())
	if strings.HasSuffix(file, ".zip") {
		packed, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
		g.Expect(err).NotTo(HaveOccurred())
		for _, member := range packed.File {
			reader, err := member.Open()
			g.Expect(err).NotTo(HaveOccurred())
			text, err := io.ReadAll(reader)
			g.Expect(err).NotTo(HaveOccurred())
			found[member.Name] = entry{mode: member.Mode(), content: text}
		}
		return found
	}
	compressed, err := gzip.NewReader(bytes.NewReader(content))
	g.Expect(err).NotTo(HaveOccurred())
	for packed := tar.NewReader(compressed); ; {
		header, err := packed.Next()
		if errors.Is(err, io.EOF) {
			return found
		}
		g.Expect(err).NotTo(HaveOccurred())
		text, err := io.ReadAll(packed)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(header.Uname+header.Gname).To(BeEmpty(), "who packed it is nobody's business")
		found[header.Name] = entry{mode: header.FileInfo().Mode(), content: text}
	}
}

// TestArchivesOfThePlugin: their layout, the checksums, the same bytes each time, and krew's own installation of each.
func TestArchivesOfThePlugin(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "1767225600")
	g, folder, again := NewWithT(t), t.TempDir(), t.TempDir()
	for _, out := range []string{folder, again} {
		what := assets{out: out, platforms: Platforms, include: []string{"config/manager/namespace.yaml"}, build: buildHere}
		g.Expect(archives(root, tested, what)).To(Succeed())
	}

	license, err := os.ReadFile(filepath.Join(root, "LICENSE"))
	g.Expect(err).NotTo(HaveOccurred())
	completion, err := os.ReadFile(filepath.Join(root, "cmd", "kubectl-greenapi", "kubectl_complete-greenapi"))
	g.Expect(err).NotTo(HaveOccurred())
	for _, platform := range Platforms {
		name := archiveName(tested, platform)
		content, err := os.ReadFile(filepath.Join(folder, name))
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(os.ReadFile(filepath.Join(again, name))).To(Equal(content), "%s is not reproducible", name)
		found := members(t, filepath.Join(folder, name))
		g.Expect(found).To(HaveLen(3), name)
		g.Expect(found["LICENSE"].content).To(Equal(license))
		g.Expect(found["LICENSE"].mode).To(Equal(fs.FileMode(0o644)))
		g.Expect(found["kubectl_complete-greenapi"].content).To(Equal(completion))
		g.Expect(found["kubectl_complete-greenapi"].mode).To(Equal(fs.FileMode(0o755)))
		g.Expect(found).To(HaveKey(pluginName(platform)), name)
		g.Expect(found[pluginName(platform)].mode).To(Equal(fs.FileMode(0o755)))
	}
	sum := exec.CommandContext(t.Context(), "sha256sum", "--check", "--strict", "checksums.txt")
	sum.Dir = folder
	output, err := sum.CombinedOutput()
	g.Expect(err).NotTo(HaveOccurred(), "%s", output)
	names, err := filepath.Glob(filepath.Join(folder, "*"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(names).To(HaveLen(len(Platforms)+3), "archives, the included file, greenapi.yaml and checksums.txt, no more")
	g.Expect(strings.Count(string(output), ": OK\n")).To(Equal(len(Platforms)+2), "all but the list itself is on it")

	for _, platform := range Platforms {
		t.Run(strings.ReplaceAll(platform, "/", "-"), func(t *testing.T) { installByKrew(t, folder, platform) })
	}
}

// installByKrew has krew install an archive by the manifest, and runs what it installed if it is for this platform.
func installByKrew(t *testing.T, folder, platform string) {
	t.Helper()
	t.Parallel()
	g, home := NewWithT(t), t.TempDir()
	goos, arch, _ := strings.Cut(platform, "/")
	environment := append(os.Environ(), "KREW_ROOT="+home, "KREW_OS="+goos, "KREW_ARCH="+arch, "KREW_NO_UPGRADE_CHECK=1",
		"PATH="+filepath.Join(home, "bin")+string(os.PathListSeparator)+os.Getenv("PATH"))
	install := func(archive string) (string, error) {
		command := exec.CommandContext(t.Context(), tool(t, "TEST_KREW", "krew"), "install",
			"--manifest", filepath.Join(folder, "greenapi.yaml"), "--archive", archive)
		command.Env = environment
		output, err := command.CombinedOutput()
		return string(output), err
	}
	other := filepath.Join(t.TempDir(), "other.tar.gz")
	g.Expect(os.WriteFile(other, []byte("something else"), 0o600)).To(Succeed())
	output, err := install(other)
	g.Expect(err).To(HaveOccurred(), output)
	g.Expect(output).To(ContainSubstring("checksum does not match"))

	archive := filepath.Join(folder, archiveName(tested, platform))
	output, err = install(archive)
	g.Expect(err).NotTo(HaveOccurred(), output)
	store := filepath.Join(home, "store", "greenapi", tested)
	for _, name := range []string{"LICENSE", "kubectl_complete-greenapi", pluginName(platform)} {
		g.Expect(filepath.Join(store, name)).To(BeAnExistingFile(), output)
	}
	// The link that the manifest's caveat tells to make leads somewhere.
	g.Expect(output).To(ContainSubstring("/store/greenapi/" + tested + "/kubectl_complete-greenapi"))
	if platform != runtime.GOOS+"/"+runtime.GOARCH {
		return
	}
	command := exec.CommandContext(t.Context(), tool(t, "TEST_KUBECTL", "kubectl"), "greenapi", "--version")
	command.Env = environment
	version, err := command.CombinedOutput()
	g.Expect(err).NotTo(HaveOccurred(), "%s", version)
	g.Expect(string(version)).To(HavePrefix(tested + " ("))
}

// TestTheManifestNamesWhatAReleasePublishes: krew downloads from there.
func TestTheManifestNamesWhatAReleasePublishes(t *testing.T) {
	t.Parallel()
	g, sums := NewWithT(t), map[string]string{}
	for n, platform := range Platforms {
		sums[archiveName(tested, platform)] = fmt.Sprintf("%064d", n)
	}
	text, err := krewManifest(tested, Platforms, sums)
	g.Expect(err).NotTo(HaveOccurred())
	var manifest struct {
		Spec struct {
			Version, ShortDescription string
			Platforms                 []struct{ URI, SHA256, Bin string }
		}
	}
	g.Expect(yaml.Unmarshal(text, &manifest)).To(Succeed())
	g.Expect(manifest.Spec.Version).To(Equal(tested))
	g.Expect(len(manifest.Spec.ShortDescription)).To(BeNumerically("<=", 50), "krew's index asks for this")
	g.Expect(manifest.Spec.Platforms).To(HaveLen(len(Platforms)))
	for n, platform := range Platforms {
		found, name := manifest.Spec.Platforms[n], archiveName(tested, platform)
		g.Expect(found.URI).To(Equal("https://github.com/greenapi-operator/greenapi-operator/releases/download/" + tested + "/" + name))
		g.Expect(found.SHA256).To(Equal(sums[name]))
		g.Expect(found.Bin).To(Equal(pluginName(platform)))
	}
}

func TestArchivesAreRefusedForOtherPlatforms(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	build := func(_, _, _, file string) error { return os.WriteFile(file, nil, 0o600) }
	err := archives(root, tested, assets{out: t.TempDir(), platforms: []string{"plan9/mips"}, build: build})
	g.Expect(err).To(MatchError(ContainSubstring(`no archive is made for "plan9/mips": choose of darwin/amd64`)))
}
