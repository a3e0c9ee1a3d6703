// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package assets finds a real kube-apiserver and etcd for tests and the demo,
// and gets them where this machine has none.
package assets

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/greenapi-operator/greenapi-operator/hack/controlplane/internal/progress"
)

// binaries are the file names that make a directory complete. They are also
// the names that envtest looks for.
var binaries = []string{"etcd", "kube-apiserver"}

// The values of Finder's source: how to get what is missing.
const (
	sourceAuto     = "auto"
	sourceDownload = "download"
	sourceBuild    = "build"
)

// A getter puts the binaries that are missing from dir into it. What it leaves
// under a final name is complete.
type getter func(ctx context.Context, dir string) error

// A Finder finds the directory of the binaries.
type Finder struct {
	preset   string // the value of KUBEBUILDER_ASSETS
	cache    string
	source   string
	meter    *progress.Meter
	download getter
	build    getter
}

// NewFinder returns a Finder for the checkout at root. Source is auto, download
// or build; the empty string means auto.
func NewFinder(root, source string, meter *progress.Meter) (*Finder, error) {
	switch source {
	case "":
		source = sourceAuto
	case sourceAuto, sourceDownload, sourceBuild:
	default:
		return nil, fmt.Errorf("unknown source %q: it must be auto, download or build", source)
	}
	module := filepath.Join(root, "hack", "controlplane")
	versions, err := readVersions(module)
	if err != nil {
		return nil, err
	}
	store := filepath.Join(root, "bin", "controlplane")
	return &Finder{
		preset: presetFromEnvironment(),
		// Both versions are in the name: a change of either makes another directory,
		// and going back to an older branch finds its own again.
		cache: filepath.Join(store, fmt.Sprintf("%s-etcd-%s-%s-%s",
			versions.kubernetes, versions.etcd, runtime.GOOS, runtime.GOARCH)),
		source: source,
		meter:  meter,
		download: downloader{
			tools:   filepath.Join(root, "hack", "tools", "setup-envtest"),
			store:   filepath.Join(store, "setup-envtest"),
			version: versions.minor() + ".x",
			meter:   meter,
		}.get,
		build: builder{module: module, versions: versions, meter: meter}.get,
	}, nil
}

// Find returns the directory of the binaries. The first of these that has them
// wins: KUBEBUILDER_ASSETS, the cache, a download, a build.
func (f *Finder) Find(ctx context.Context) (string, error) {
	if f.preset != "" {
		return f.preset, checkPreset(f.preset)
	}
	if len(missing(f.cache)) == 0 {
		return f.cache, nil
	}
	unlock, err := lock(ctx, f.cache+".lock", f.meter)
	if err != nil {
		return "", err
	}
	defer unlock()
	// Another call may have filled the cache while this one waited for the lock.
	if len(missing(f.cache)) == 0 {
		return f.cache, nil
	}
	if err := removeLeftovers(f.cache); err != nil {
		return "", err
	}
	if err := f.get(ctx); err != nil {
		return "", err
	}
	if rest := missing(f.cache); len(rest) > 0 {
		return "", fmt.Errorf("%s is still missing from %s", strings.Join(rest, " and "), f.cache)
	}
	f.meter.Say("kube-apiserver and etcd are ready in %s", f.cache)
	return f.cache, nil
}

// get fills the cache. Where both ways are allowed, a download that fails is an
// ordinary case: many networks let nothing through but a module proxy.
func (f *Finder) get(ctx context.Context) error {
	if f.source != sourceBuild {
		err := f.download(ctx, f.cache)
		if err == nil || ctx.Err() != nil || f.source == sourceDownload {
			return err
		}
		f.meter.Say("no download (%s): building from Go modules", summary(err))
	}
	return f.build(ctx, f.cache)
}

func checkPreset(dir string) error {
	const advice = "unset KUBEBUILDER_ASSETS to have them downloaded or built here, or set it to a directory that has both"
	if !filepath.IsAbs(dir) {
		// Tests run in the directories of their packages, so that a relative path
		// means something else to each of them.
		return fmt.Errorf("KUBEBUILDER_ASSETS is %q, which is not an absolute path: %s", dir, advice)
	}
	if rest := missing(dir); len(rest) > 0 {
		return fmt.Errorf("KUBEBUILDER_ASSETS is %q, which has no executable %s: %s",
			dir, strings.Join(rest, " and no executable "), advice)
	}
	return nil
}
