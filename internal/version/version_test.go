// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package version

import (
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

func TestTheVersionIsWhatTheBuildWasToldElseWhatGoKnows(t *testing.T) {
	g := NewWithT(t)
	known := &debug.BuildInfo{Main: debug.Module{Version: "v0.3.1-0.20260102030405-0123456789ab+dirty"}}
	g.Expect(choose("v0.3.0", known)).To(Equal("v0.3.0"))
	g.Expect(choose("", known)).To(Equal("v0.3.1-0.20260102030405-0123456789ab+dirty"))
	g.Expect(choose("", &debug.BuildInfo{Main: debug.Module{Version: "(devel)"}})).To(Equal("devel"))
	g.Expect(choose("", &debug.BuildInfo{})).To(Equal("devel"))
	g.Expect(choose("", nil)).To(Equal("devel"))
}

func TestTheFullVersionNamesCommitGoAndPlatform(t *testing.T) {
	g := NewWithT(t)
	info := &debug.BuildInfo{Settings: []debug.BuildSetting{
		{Key: "GOARCH", Value: "arm64"}, {Key: "GOOS", Value: "linux"}, {Key: "vcs.modified", Value: "true"}, {Key: "vcs.revision", Value: "0123abc"},
	}}
	g.Expect(describe("v0.3.0", info)).To(Equal("v0.3.0 (commit 0123abc with changes, " + runtime.Version() + ", linux/arm64)"))
	info.Settings[2].Value = "false"
	g.Expect(describe("v0.3.0", info)).To(Equal("v0.3.0 (commit 0123abc, " + runtime.Version() + ", linux/arm64)"))
	g.Expect(describe("", nil)).To(Equal("devel (" + runtime.Version() + ", " + runtime.GOOS + "/" + runtime.GOARCH + ")"))
}

// TestTheLinkerStampsTheVersion: a wrong name after -X is no error of the linker's.
func TestTheLinkerStampsTheVersion(t *testing.T) {
	g := NewWithT(t)
	binary := filepath.Join(t.TempDir(), "emulator")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath",
		"-ldflags=-s -w -X github.com/greenapi-operator/greenapi-operator/internal/version.stamped=v9.8.7", "-o", binary, "../../cmd/emulator")
	output, err := build.CombinedOutput()
	g.Expect(err).NotTo(HaveOccurred(), "%s", output)
	output, err = exec.CommandContext(t.Context(), binary, "--version").CombinedOutput()
	g.Expect(err).NotTo(HaveOccurred(), "%s", output)
	g.Expect(string(output)).To(HavePrefix("v9.8.7 ("))
	g.Expect(strings.Count(string(output), "\n")).To(Equal(1))
}
