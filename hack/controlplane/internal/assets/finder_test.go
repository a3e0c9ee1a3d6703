// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package assets

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/greenapi-operator/greenapi-operator/hack/controlplane/internal/progress"
)

// A world is a Finder with getters that write small files and count their calls.
type world struct {
	*Finder
	said      *bytes.Buffer
	calls     []string
	downErr   error
	buildErr  error
	buildOnly []string // what the build makes; all binaries where nil
}

func newWorld(t *testing.T, source string) *world {
	t.Helper()
	w := &world{said: &bytes.Buffer{}}
	w.Finder = &Finder{
		cache:  filepath.Join(t.TempDir(), "bin", "v1-linux-amd64"),
		source: source,
		meter:  progress.NewWriter(w.said, time.Hour),
	}
	w.download = func(_ context.Context, dir string) error {
		w.calls = append(w.calls, "download")
		if w.downErr != nil {
			return w.downErr
		}
		return fill(dir, binaries)
	}
	w.build = func(_ context.Context, dir string) error {
		w.calls = append(w.calls, "build")
		names := w.buildOnly
		if names == nil {
			names = binaries
		}
		return errors.Join(fill(dir, names), w.buildErr)
	}
	return w
}

func fill(dir string, names []string) error {
	for _, name := range names {
		err := place(dir, name, func(path string) error {
			return os.WriteFile(path, []byte("#!/bin/sh\n"), 0o600)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *world) expect(t *testing.T, calls ...string) {
	t.Helper()
	if !slices.Equal(w.calls, calls) {
		t.Errorf("calls were %v, expected %v", w.calls, calls)
	}
}

func TestOrder(t *testing.T) {
	noNetwork := errors.New("no such host")
	for name, tc := range map[string]struct {
		source  string
		downErr error
		calls   []string
		fails   bool
	}{
		"auto: a download is enough":              {source: sourceAuto, calls: []string{"download"}},
		"auto: a build where no download is":      {source: sourceAuto, downErr: noNetwork, calls: []string{"download", "build"}},
		"download: no build, whatever happens":    {source: sourceDownload, downErr: noNetwork, calls: []string{"download"}, fails: true},
		"build: the network is not asked at all":  {source: sourceBuild, calls: []string{"build"}},
		"download: as asked for, where it works":  {source: sourceDownload, calls: []string{"download"}},
		"build: a download that fails is no harm": {source: sourceBuild, downErr: noNetwork, calls: []string{"build"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, tc.source)
			w.downErr = tc.downErr
			dir, err := w.Find(t.Context())
			if (err != nil) != tc.fails {
				t.Fatalf("error %v", err)
			}
			if !tc.fails && dir != w.cache {
				t.Errorf("directory %q", dir)
			}
			w.expect(t, tc.calls...)
		})
	}
}

func TestFailedDownloadIsExplainedInOneLine(t *testing.T) {
	w := newWorld(t, sourceAuto)
	w.downErr = errors.New("no such host")
	if _, err := w.Find(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(w.said.String(), "no download (no such host): building from Go modules\n") {
		t.Errorf("said:\n%s", w.said)
	}
}

func TestSecondCallUsesTheCache(t *testing.T) {
	w := newWorld(t, sourceAuto)
	for range 2 {
		if _, err := w.Find(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	w.expect(t, "download")
}

func TestPresetWins(t *testing.T) {
	w := newWorld(t, sourceAuto)
	w.preset = t.TempDir()
	if err := fill(w.preset, binaries); err != nil {
		t.Fatal(err)
	}
	dir, err := w.Find(t.Context())
	if err != nil || dir != w.preset {
		t.Errorf("%q, %v", dir, err)
	}
	w.expect(t)
}

func TestPresetMustBeUsable(t *testing.T) {
	notExecutable := t.TempDir()
	if err := fill(notExecutable, binaries); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(notExecutable, "etcd"), 0o644); err != nil {
		t.Fatal(err)
	}
	for preset, text := range map[string]string{
		"bin/somewhere": "not an absolute path",
		t.TempDir():     "no executable etcd and no executable kube-apiserver",
		notExecutable:   "no executable etcd: unset KUBEBUILDER_ASSETS",
	} {
		w := newWorld(t, sourceAuto)
		w.preset = preset
		_, err := w.Find(t.Context())
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: error %v, expected one with %q", preset, err, text)
		}
		w.expect(t)
	}
}

func TestIncompleteResultIsAnError(t *testing.T) {
	w := newWorld(t, sourceBuild)
	w.buildOnly = []string{"etcd"}
	_, err := w.Find(t.Context())
	if err == nil || !strings.Contains(err.Error(), "kube-apiserver is still missing") {
		t.Errorf("error %v", err)
	}
}

func TestInterruptedCallIsTakenUpAgain(t *testing.T) {
	w := newWorld(t, sourceBuild)
	w.buildOnly, w.buildErr = []string{"etcd"}, context.Canceled
	leftover := filepath.Join(w.cache, "kube-apiserver"+temporary)
	if _, err := w.Find(t.Context()); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
	if err := os.WriteFile(leftover, []byte("half"), 0o755); err != nil {
		t.Fatal(err)
	}
	w.buildOnly, w.buildErr = nil, nil
	if _, err := w.Find(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.expect(t, "build", "build")
	if _, err := os.Stat(leftover); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the leftover is still there: %v", err)
	}
}

func TestInterruptionDuringTheDownloadStartsNoBuild(t *testing.T) {
	w := newWorld(t, sourceAuto)
	ctx, cancel := context.WithCancel(t.Context())
	w.download = func(context.Context, string) error { cancel(); return ctx.Err() }
	if _, err := w.Find(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	w.expect(t)
}

func TestConcurrentCallsDoTheWorkOnce(t *testing.T) {
	w := newWorld(t, sourceBuild)
	w.meter = progress.NewWriter(&bytes.Buffer{}, time.Hour)
	var builds atomic.Int32
	w.build = func(_ context.Context, dir string) error {
		builds.Add(1)
		// Long enough for the other calls to come to the lock meanwhile.
		time.Sleep(50 * time.Millisecond)
		return fill(dir, binaries)
	}
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			if _, err := w.Find(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if n := builds.Load(); n != 1 {
		t.Errorf("%d builds", n)
	}
}

func TestWaitingForTheLockEndsWithTheContext(t *testing.T) {
	w := newWorld(t, sourceBuild)
	unlock, err := lock(t.Context(), w.cache+".lock", w.meter)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := w.Find(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	w.expect(t)
}
