// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package assets

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/greenapi-operator/greenapi-operator/hack/controlplane/internal/command"
	"github.com/greenapi-operator/greenapi-operator/hack/controlplane/internal/progress"
)

func TestPlaceLeavesNothingOfAFailure(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	failure := errors.New("disk full")
	err := place(dir, "etcd", func(path string) error {
		if filepath.Base(path) == "etcd" {
			t.Error("the work is done under the final name")
		}
		return errors.Join(os.WriteFile(path, []byte("half"), 0o755), failure)
	})
	if !errors.Is(err, failure) {
		t.Errorf("error %v", err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestPlaceMakesExecutables(t *testing.T) {
	dir := t.TempDir()
	if err := fill(dir, binaries); err != nil {
		t.Fatal(err)
	}
	if rest := missing(dir); len(rest) != 0 {
		t.Errorf("missing %v", rest)
	}
	// Of a directory with the name of a binary nobody can run anything.
	if err := errors.Join(os.Remove(filepath.Join(dir, "etcd")), os.Mkdir(filepath.Join(dir, "etcd"), 0o755)); err != nil {
		t.Fatal(err)
	}
	if rest := missing(dir); len(rest) != 1 || rest[0] != "etcd" {
		t.Errorf("missing %v", rest)
	}
}

func TestAdoptTakesWhatIsMissing(t *testing.T) {
	from, to := t.TempDir(), filepath.Join(t.TempDir(), "cache")
	if err := fill(from, binaries); err != nil {
		t.Fatal(err)
	}
	if err := adopt(from, to); err != nil {
		t.Fatal(err)
	}
	if rest := missing(to); len(rest) != 0 {
		t.Errorf("missing %v", rest)
	}
	if err := adopt(t.TempDir(), filepath.Join(t.TempDir(), "other")); err == nil {
		t.Error("a download without binaries is taken for one")
	}
}

func TestReadVersions(t *testing.T) {
	write := func(text string) string {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	v, err := readVersions(write("module x\nrequire (\n\tk8s.io/kubernetes v1.37.1 // indirect\n)\n" +
		"require go.etcd.io/etcd/server/v3 v3.7.0\nreplace k8s.io/kubernetes => k8s.io/kubernetes v9.9.9\n"))
	if err != nil || v.kubernetes != "v1.37.1" || v.etcd != "v3.7.0" || v.minor() != "1.37" {
		t.Errorf("%+v, %v", v, err)
	}
	if _, err := readVersions(write("module x\n")); err == nil {
		t.Error("no versions, no error")
	}
}

func TestFinderOfThisCheckout(t *testing.T) {
	t.Setenv("KUBEBUILDER_ASSETS", "")
	root, err := FindRoot()
	if err != nil {
		t.Fatal(err)
	}
	meter := progress.NewWriter(&bytes.Buffer{}, time.Hour)
	f, err := NewFinder(root, "", meter)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(f.cache, filepath.Join(root, "bin", "controlplane", "v1.")) {
		t.Errorf("cache %q", f.cache)
	}
	if _, err := NewFinder(root, "internet", meter); err == nil {
		t.Error("an unknown source is accepted")
	}
}

func TestBuildStateFollowsTheGoCommand(t *testing.T) {
	state := buildState{pkg: "example.org/main", usual: "5m"}
	feed := func(lines ...string) string {
		for _, line := range lines {
			state.line(line)
		}
		return state.String()
	}
	if got := feed("go: downloading example.org/a v1.0.0"); got != "usually up to 1m; 1 downloaded" {
		t.Error(got)
	}
	state.expect(3)
	if got := feed("fmt", "# example.org/a", "example.org/a"); got != "usually 5m; 2 of up to 3 packages" {
		t.Error(got)
	}
	if got := feed("example.org/main"); got != "usually 5m; linking" {
		t.Error(got)
	}
}

func TestSummaryNamesTheReason(t *testing.T) {
	err := &command.Error{Command: "go run", Err: errors.New("exit status 1"), Tail: []string{
		"go: downloading example.org/a v1.0.0", "unable to list versions: no such host", "exit status 2",
	}}
	if got := summary(err); got != "unable to list versions: no such host" {
		t.Error(got)
	}
	if got := summary(errors.New("plain")); got != "plain" {
		t.Error(got)
	}
	if got := summary(errors.New(strings.Repeat("outer: ", 100) + "no such host")); len(got) > 110 || !strings.HasSuffix(got, "outer: no such host") {
		t.Error(got)
	}
}
