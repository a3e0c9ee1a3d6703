// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/yaml"
)

// here is the platform of Linux whose images this machine may run.
var here = v1.Platform{OS: "linux", Architecture: runtime.GOARCH}

var bothPlatforms = []v1.Platform{{OS: "linux", Architecture: "amd64"}, {OS: "linux", Architecture: "arm64"}}

// TestTheImages: what `make image` and `make emulator-image` push, and that their binaries run.
func TestTheImages(t *testing.T) {
	for _, which := range []struct {
		target, variable, title, starts string
		platforms                       []v1.Platform
	}{
		// The manager's for both platforms would take minutes in a fresh checkout; in this the two do not differ.
		{"image", "IMG", "greenapi-operator", "no access to a cluster", []v1.Platform{here}},
		{"emulator-image", "EMULATOR_IMG", "greenapi-emulator", "listening on http://127.0.0.1:", bothPlatforms},
	} {
		t.Run(which.title, func(t *testing.T) {
			h := newHarbor(t)
			repository := h.host + "/team/" + which.title
			pushed := h.push(which.target, which.variable, repository+":"+tested, which.platforms)
			again := h.push(which.target, which.variable, repository+":again", which.platforms)
			h.Expect(again.digest).To(Equal(pushed.digest), "the image is not reproducible")

			h.describes(pushed.annotations, which.title)
			h.hasSBOM(repository, pushed.digest)
			h.Expect(pushed.images).To(HaveLen(len(which.platforms)))
			for _, platform := range which.platforms {
				image := pushed.images[platform.String()]
				h.Expect(image).NotTo(BeNil(), "there is none for %s", platform)
				h.looks(image, platform, which.title)
				digest, err := image.Digest()
				h.Expect(err).NotTo(HaveOccurred())
				h.hasSBOM(repository, digest)
			}
			h.runs(pushed.images[here.String()], which.starts)
		})
	}
}

// describes checks what registries and tools read of an image.
func (h *harbor) describes(annotations map[string]string, title string) {
	h.t.Helper()
	revision, err := exec.CommandContext(h.t.Context(), "git", "-C", root, "rev-parse", "HEAD").Output()
	h.Expect(err).NotTo(HaveOccurred())
	for key, want := range map[string]string{
		"title": title, "version": tested, "revision": strings.TrimSpace(string(revision)),
		"source": "https://github.com/greenapi-operator/greenapi-operator", "licenses": "Apache-2.0",
	} {
		h.Expect(annotations).To(HaveKeyWithValue("org.opencontainers.image."+key, want))
	}
}

// looks checks the image of one platform: who it runs as, what it runs, and that there is nothing else in it.
func (h *harbor) looks(image v1.Image, platform v1.Platform, title string) {
	h.t.Helper()
	config, err := image.ConfigFile()
	h.Expect(err).NotTo(HaveOccurred())
	h.Expect(config.OS + "/" + config.Architecture).To(Equal(platform.String()))
	h.Expect(config.Config.User).To(Equal("65532:65532"), "a number, so that the kubelet sees that it is not root")
	h.Expect(config.Config.Entrypoint).To(HaveLen(1))
	h.Expect(config.Config.Cmd).To(BeEmpty())
	h.describes(config.Config.Labels, title)
	manifest, err := image.Manifest()
	h.Expect(err).NotTo(HaveOccurred())
	h.describes(manifest.Annotations, title)
	h.Expect(manifest.Annotations).To(HaveKeyWithValue("org.opencontainers.image.base.name", h.base))

	var files []string
	h.extract(image, func(header *tar.Header, _ io.Reader) {
		if header.Typeflag == tar.TypeReg {
			files = append(files, header.Name)
			h.Expect(header.Mode&0o222).To(BeZero(), "%s can be changed", header.Name)
		}
	})
	h.Expect(files).To(ConsistOf(config.Config.Entrypoint[0]), "no shell, nothing but the binary")
}

// extract goes through the files of an image.
func (h *harbor) extract(image v1.Image, each func(*tar.Header, io.Reader)) {
	h.t.Helper()
	reader := mutate.Extract(image)
	defer func() { _ = reader.Close() }()
	for packed := tar.NewReader(reader); ; {
		header, err := packed.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		h.Expect(err).NotTo(HaveOccurred())
		header.Name = "/" + strings.TrimPrefix(header.Name, "/")
		each(header, packed)
	}
}

// hasSBOM looks for the SPDX document where cosign and scanners look for it.
func (h *harbor) hasSBOM(repository string, digest v1.Hash) {
	h.t.Helper()
	image, err := remote.Image(h.reference(repository + ":" + strings.Replace(digest.String(), ":", "-", 1) + ".sbom"))
	h.Expect(err).NotTo(HaveOccurred())
	layers, err := image.Layers()
	h.Expect(err).NotTo(HaveOccurred())
	h.Expect(layers).To(HaveLen(1))
	h.Expect(layers[0].MediaType()).To(BeEquivalentTo("text/spdx+json"))
	reader, err := layers[0].Uncompressed()
	h.Expect(err).NotTo(HaveOccurred())
	var document struct{ SPDXVersion string }
	h.Expect(json.NewDecoder(reader).Decode(&document)).To(Succeed())
	h.Expect(document.SPDXVersion).To(HavePrefix("SPDX-2."))
}

// runs starts the binary out of an image: its version, its help, and as far as it gets alone.
func (h *harbor) runs(image v1.Image, starts string) {
	h.t.Helper()
	binary := filepath.Join(h.t.TempDir(), "binary")
	h.extract(image, func(header *tar.Header, content io.Reader) {
		if header.Typeflag == tar.TypeReg {
			file, err := os.OpenFile(binary, os.O_CREATE|os.O_WRONLY, 0o700)
			h.Expect(err).NotTo(HaveOccurred())
			_, err = io.Copy(file, content)
			h.Expect(errors.Join(err, file.Close())).To(Succeed())
		}
	})
	version, err := exec.CommandContext(h.t.Context(), binary, "--version").CombinedOutput()
	h.Expect(err).NotTo(HaveOccurred(), "%s", version)
	h.Expect(string(version)).To(HavePrefix(tested + " ("))
	help, err := exec.CommandContext(h.t.Context(), binary, "--help").CombinedOutput()
	h.Expect(err).NotTo(HaveOccurred(), "%s", help)
	h.Expect(string(help)).To(ContainSubstring("-version"))

	// With nothing in its environment, as in a container.
	alone := exec.CommandContext(h.t.Context(), binary)
	if strings.Contains(starts, "listening") {
		alone.Args = append(alone.Args, "--listen=127.0.0.1:0")
	}
	alone.Env = []string{"HOME=/nonexistent", "PATH=/ko-app"}
	output, err := alone.StdoutPipe()
	h.Expect(err).NotTo(HaveOccurred())
	alone.Stderr = alone.Stdout
	h.Expect(alone.Start()).To(Succeed())
	said := ""
	for lines := bufio.NewScanner(output); !strings.Contains(said, starts) && lines.Scan(); {
		said += lines.Text() + "\n"
	}
	_ = alone.Process.Kill()
	_ = alone.Wait()
	h.Expect(said).To(ContainSubstring(starts))
}

// TestAnImageWithoutANameIsWrittenIntoAFolder: `make image` alone pushes nothing.
func TestAnImageWithoutANameIsWrittenIntoAFolder(t *testing.T) {
	h, folder := newHarbor(t), t.TempDir()
	write(t, folder, "greenapi-emulator/of-an-earlier-build", "")
	output, err := h.make("emulator-image", "BASE_IMAGE="+h.base, "PLATFORMS="+here.String(), "IMAGE_DIR="+folder)
	h.Expect(err).NotTo(HaveOccurred(), output)
	written, err := layout.ImageIndexFromPath(filepath.Join(folder, "greenapi-emulator"))
	h.Expect(err).NotTo(HaveOccurred(), output)
	manifest, err := written.IndexManifest()
	h.Expect(err).NotTo(HaveOccurred())
	h.Expect(manifest.Manifests).To(HaveLen(1), "an earlier build's are gone")
	image, err := written.Image(manifest.Manifests[0].Digest)
	h.Expect(err).NotTo(HaveOccurred())
	h.runs(image, "listening on http://127.0.0.1:")
	reference, err := os.ReadFile(filepath.Join(folder, "greenapi-emulator.ref"))
	h.Expect(err).NotTo(HaveOccurred())
	h.Expect(string(reference)).To(ContainSubstring("@" + manifest.Manifests[0].Digest.String()))
	documents, err := filepath.Glob(filepath.Join(folder, "greenapi-emulator.sbom", "*.spdx.json"))
	h.Expect(err).NotTo(HaveOccurred())
	h.Expect(documents).NotTo(BeEmpty())
}

func TestAnImageNeedsATag(t *testing.T) {
	t.Parallel()
	h := newHarbor(t)
	for image, problem := range map[string]string{
		h.host + "/team/x": "the image has no tag: write " + h.host + "/team/x:TAG",
		h.host + "/team/x@sha256:" + strings.Repeat("0", 64): "named by a tag",
	} {
		output, err := h.make("emulator-image", "EMULATOR_IMG="+image, "BASE_IMAGE="+h.base)
		h.Expect(err).To(HaveOccurred())
		h.Expect(output).To(ContainSubstring(problem))
	}
}

// TestTheBaseImageIsPinned: what the image is built on is the same tomorrow, and has no root and no shell.
func TestTheBaseImageIsPinned(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	content, err := os.ReadFile(filepath.Join(root, ".ko.yaml"))
	g.Expect(err).NotTo(HaveOccurred())
	var config struct{ DefaultBaseImage string }
	g.Expect(yaml.Unmarshal(content, &config)).To(Succeed())
	g.Expect(config.DefaultBaseImage).To(MatchRegexp(`^gcr\.io/distroless/static:nonroot@sha256:[0-9a-f]{64}$`))
}
