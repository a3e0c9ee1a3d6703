// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Platforms are those that kubectl-greenapi is shipped for.
var Platforms = []string{"darwin/amd64", "darwin/arm64", "linux/amd64", "linux/arm64", "windows/amd64", "windows/arm64"}

const stampedVersion = "github.com/greenapi-operator/greenapi-operator/internal/version.stamped"

// builder builds the plugin for a platform into a file.
type builder func(root, platform, version, file string) error

// assets says what to make, and where.
type assets struct {
	out       string
	platforms []string
	// include are further files, below the checkout, that get a checksum as well.
	include []string
	build   builder
}

// entry is a file of an archive.
type entry struct {
	name    string
	mode    fs.FileMode
	content []byte
}

// archives builds the plugin for the platforms and packs it, with checksums.txt and krew's manifest beside.
func archives(root, version string, a assets) error {
	folder := a.out
	if !filepath.IsAbs(folder) {
		folder = filepath.Join(root, folder)
	}
	// Nothing of another version may be shipped with this one.
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	when, err := commitTime(root)
	if err != nil {
		return err
	}
	sums := map[string]string{}
	for _, platform := range a.platforms {
		if !slices.Contains(Platforms, platform) {
			return fmt.Errorf("no archive is made for %q: choose of %s", platform, strings.Join(Platforms, ", "))
		}
		content, err := archive(root, platform, version, when, a.build)
		if err != nil {
			return fmt.Errorf("%s: %w", platform, err)
		}
		if err := put(folder, archiveName(version, platform), content, sums); err != nil {
			return err
		}
	}
	for _, file := range a.include {
		content, err := os.ReadFile(filepath.Join(root, file))
		if err == nil {
			err = put(folder, filepath.Base(file), content, sums)
		}
		if err != nil {
			return err
		}
	}
	manifest, err := krewManifest(version, a.platforms, sums)
	if err == nil {
		err = put(folder, "greenapi.yaml", manifest, sums)
	}
	if err != nil {
		return err
	}
	return writeSums(folder, sums)
}

// put writes a file of the release and notes its checksum.
func put(folder, name string, content []byte, sums map[string]string) error {
	sums[name] = fmt.Sprintf("%x", sha256.Sum256(content))
	return os.WriteFile(filepath.Join(folder, name), content, 0o644)
}

func archiveName(version, platform string) string {
	suffix := ".tar.gz"
	if strings.HasPrefix(platform, "windows/") {
		suffix = ".zip"
	}
	return "kubectl-greenapi_" + version + "_" + strings.ReplaceAll(platform, "/", "_") + suffix
}

func pluginName(platform string) string {
	if strings.HasPrefix(platform, "windows/") {
		return "kubectl-greenapi.exe"
	}
	return "kubectl-greenapi"
}

// archive builds the plugin for a platform and packs it with what belongs to it.
func archive(root, platform, version string, when time.Time, build builder) ([]byte, error) {
	scratch, err := os.MkdirTemp("", "release-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	binary := filepath.Join(scratch, pluginName(platform))
	if err := build(root, platform, version, binary); err != nil {
		return nil, err
	}
	var entries []entry
	for _, file := range []struct {
		path string
		mode fs.FileMode
	}{
		{binary, 0o755},
		{filepath.Join(root, "cmd", "kubectl-greenapi", "kubectl_complete-greenapi"), 0o755},
		{filepath.Join(root, "LICENSE"), 0o644},
	} {
		content, err := os.ReadFile(file.path)
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry{name: filepath.Base(file.path), mode: file.mode, content: content})
	}
	var packed bytes.Buffer
	if strings.HasPrefix(platform, "windows/") {
		err = packZip(&packed, when, entries)
	} else {
		err = packTarGz(&packed, when, entries)
	}
	return packed.Bytes(), err
}

// packTarGz packs files so that the same files always give the same bytes.
func packTarGz(w io.Writer, when time.Time, entries []entry) error {
	compressed := gzip.NewWriter(w)
	packed := tar.NewWriter(compressed)
	for _, e := range entries {
		header := &tar.Header{Name: e.name, Mode: int64(e.mode), Size: int64(len(e.content)), ModTime: when, Typeflag: tar.TypeReg, Format: tar.FormatUSTAR}
		if err := packed.WriteHeader(header); err != nil {
			return err
		}
		if _, err := packed.Write(e.content); err != nil {
			return err
		}
	}
	if err := packed.Close(); err != nil {
		return err
	}
	return compressed.Close()
}

func packZip(w io.Writer, when time.Time, entries []entry) error {
	packed := zip.NewWriter(w)
	for _, e := range entries {
		header := &zip.FileHeader{Name: e.name, Method: zip.Deflate, Modified: when}
		header.SetMode(e.mode)
		file, err := packed.CreateHeader(header)
		if err != nil {
			return err
		}
		if _, err := file.Write(e.content); err != nil {
			return err
		}
	}
	return packed.Close()
}

// writeSums writes what sha256sum --check reads.
func writeSums(folder string, sums map[string]string) error {
	var lines []string
	for name, sum := range sums {
		lines = append(lines, sum+"  "+name+"\n")
	}
	// By the name, which stands behind a sum of a fixed length.
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(a[64:], b[64:]) })
	return os.WriteFile(filepath.Join(folder, "checksums.txt"), []byte(strings.Join(lines, "")), 0o644)
}

// command is a command run in the checkout; Ctrl-C at the terminal reaches it as it reaches this one.
func command(root, name string, arguments ...string) *exec.Cmd {
	c := exec.CommandContext(context.Background(), name, arguments...)
	c.Dir = root
	return c
}

// commitTime is the time that all files in archives have: SOURCE_DATE_EPOCH, or the commit's.
func commitTime(root string) (time.Time, error) {
	text := os.Getenv("SOURCE_DATE_EPOCH")
	if text == "" {
		command := command(root, "git", "log", "-1", "--format=%ct")
		output, err := command.Output()
		if err != nil {
			return time.Time{}, fmt.Errorf("git cannot tell the commit's time, so set SOURCE_DATE_EPOCH (seconds since 1970): %w", err)
		}
		text = strings.TrimSpace(string(output))
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH must be a number of seconds since 1970: %w", err)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

// buildPlugin builds kubectl-greenapi by Go itself.
func buildPlugin(root, platform, version, file string) error {
	goos, arch, _ := strings.Cut(platform, "/")
	command := command(root, "go", "build", "-trimpath", "-ldflags", "-s -w -X "+stampedVersion+"="+version, "-o", file, "./cmd/kubectl-greenapi")
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+arch)
	command.Stdout, command.Stderr = os.Stderr, os.Stderr
	fmt.Fprintln(os.Stderr, "building kubectl-greenapi for", platform)
	return command.Run()
}
