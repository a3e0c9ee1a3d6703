// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package assets

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/greenapi-operator/greenapi-operator/hack/controlplane/internal/command"
	"github.com/greenapi-operator/greenapi-operator/hack/controlplane/internal/progress"
)

const setupEnvtest = "sigs.k8s.io/controller-runtime/tools/setup-envtest"

// downloadTimeout bounds the download. A network that swallows packets would
// otherwise hold up the build, which takes about as long as this.
const downloadTimeout = 4 * time.Minute

// A downloader gets the binaries with setup-envtest.
type downloader struct {
	tools   string // the module that pins setup-envtest
	store   string // where setup-envtest keeps what it downloaded
	version string // which Kubernetes, such as 1.37.x: prebuilt binaries exist for few patch releases
	meter   *progress.Meter
}

func (d downloader) get(ctx context.Context, dir string) error {
	d.meter.Say("downloading kube-apiserver and etcd with setup-envtest")
	limited, cancel := context.WithTimeout(ctx, downloadTimeout)
	defer cancel()

	var last atomic.Value
	last.Store("starting")
	var path string
	err := d.meter.Run("downloading", func() string {
		return fmt.Sprintf("usually up to 1m, given up after %s; %v", progress.Elapsed(downloadTimeout), last.Load())
	}, func() (err error) {
		path, err = command.Command{
			Dir: d.tools,
			Env: []string{"GOWORK=off"},
			Args: []string{"go", "run", "-buildvcs=false", setupEnvtest,
				"use", d.version, "--bin-dir", d.store, "--print", "path"},
			OnLine: func(line string) { last.Store(line) },
		}.Run(limited)
		return err
	})
	if ctx.Err() == nil && limited.Err() != nil {
		return fmt.Errorf("no answer within %s", progress.Elapsed(downloadTimeout))
	}
	if err != nil {
		return err
	}
	return adopt(strings.TrimSpace(path), dir)
}

// adopt puts the downloaded binaries into dir, where the next call finds them
// without asking setup-envtest. They are linked, not moved: setup-envtest
// counts on its own files and keeps them in directories without write
// permission.
func adopt(from, dir string) error {
	for _, name := range missing(dir) {
		source := filepath.Join(from, name)
		err := place(dir, name, func(path string) error {
			if os.Link(source, path) == nil {
				return nil
			}
			return copyFile(source, path)
		})
		if err != nil {
			return fmt.Errorf("taking over the download: %w", err)
		}
	}
	return nil
}

// summary is the one line that says why a command failed. The go command adds
// lines about its own downloads and the exit status; the reason is what the
// program itself said last, and of a chain of errors the end.
func summary(err error) string {
	const longest = 100
	reason := err.Error()
	if failed, ok := errors.AsType[*command.Error](err); ok {
		reason = failed.Err.Error()
		for _, line := range slices.Backward(failed.Tail) {
			if !strings.HasPrefix(line, "exit status") && !strings.HasPrefix(line, "go: downloading") {
				reason = line
				break
			}
		}
	}
	if len(reason) > longest {
		reason = "..." + reason[len(reason)-longest:]
	}
	return reason
}
