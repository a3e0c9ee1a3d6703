// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	. "github.com/onsi/gomega"
)

// harbor is a registry with an empty base image for both platforms.
type harbor struct {
	*WithT
	t          *testing.T
	host, base string
}

func newHarbor(t *testing.T) *harbor {
	t.Helper()
	h := &harbor{WithT: NewWithT(t), t: t}
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	h.host = strings.TrimPrefix(server.URL, "http://")
	h.base = h.host + "/base:empty"
	base := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, platform := range bothPlatforms {
		image, err := mutate.ConfigFile(mutate.MediaType(empty.Image, types.OCIManifestSchema1), &v1.ConfigFile{OS: platform.OS, Architecture: platform.Architecture})
		h.Expect(err).NotTo(HaveOccurred())
		base = mutate.AppendManifests(base, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: &platform}})
	}
	h.Expect(remote.WriteIndex(h.reference(h.base), base)).To(Succeed())
	return h
}

func (h *harbor) reference(text string) name.Reference {
	h.t.Helper()
	reference, err := name.ParseReference(text)
	h.Expect(err).NotTo(HaveOccurred())
	return reference
}

// make runs a target of the Makefile as a person would.
func (h *harbor) make(arguments ...string) (string, error) {
	h.t.Helper()
	ko := tool(h.t, "TEST_KO", "ko")
	command := exec.CommandContext(h.t.Context(), "make", append([]string{"-C", root, "--no-print-directory", "KO=" + ko, "VERSION=" + tested}, arguments...)...)
	// The tests may be run by make, whose variables are not for this one; and no daemon, no login and no network is wanted.
	command.Env = slices.DeleteFunc(os.Environ(), func(variable string) bool {
		return strings.HasPrefix(variable, "MAKE") || strings.HasPrefix(variable, "MFLAGS")
	})
	command.Env = append(command.Env, "DOCKER_HOST=tcp://127.0.0.1:1", "DOCKER_CONFIG="+h.t.TempDir())
	output, err := command.CombinedOutput()
	return string(output), err
}

// built is what one name stands for: the images of all platforms, or the only one.
type built struct {
	digest      v1.Hash
	annotations map[string]string
	images      map[string]v1.Image
}

func (h *harbor) built(digest v1.Hash, index func() (v1.ImageIndex, error), image func() (v1.Image, error)) built {
	h.t.Helper()
	b := built{digest: digest, images: map[string]v1.Image{}}
	all, err := index()
	if err != nil {
		one, err := image()
		h.Expect(err).NotTo(HaveOccurred())
		manifest, err := one.Manifest()
		h.Expect(err).NotTo(HaveOccurred())
		b.annotations, b.images[here.String()] = manifest.Annotations, one
		return b
	}
	manifest, err := all.IndexManifest()
	h.Expect(err).NotTo(HaveOccurred())
	b.annotations = manifest.Annotations
	for _, described := range manifest.Manifests {
		b.images[described.Platform.String()], err = all.Image(described.Digest)
		h.Expect(err).NotTo(HaveOccurred())
	}
	return b
}

// push builds an image for some platforms, pushes it, and returns what is in the registry then.
func (h *harbor) push(target, variable, image string, platforms []v1.Platform) built {
	h.t.Helper()
	var list []string
	for _, platform := range platforms {
		list = append(list, platform.String())
	}
	output, err := h.make(target, variable+"="+image, "BASE_IMAGE="+h.base, "PLATFORMS="+strings.Join(list, ","), "IMAGE_DIR="+h.t.TempDir())
	h.Expect(err).NotTo(HaveOccurred(), output)
	described, err := remote.Get(h.reference(image))
	h.Expect(err).NotTo(HaveOccurred(), output)
	h.Expect(output).To(HaveSuffix(image+"@"+described.Digest.String()+"\n"), "the last line says what was made")
	return h.built(described.Digest, described.ImageIndex, described.Image)
}
