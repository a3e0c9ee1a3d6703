// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	// fetching is a command that installs public modules, and pinned is one of them with its version.
	fetching = regexp.MustCompile(`\bgo (?:get|install) (.+)`)
	pinned   = regexp.MustCompile(`^\S+\.\S+/\S+@v[0-9]+\.[0-9]+\.[0-9]+\S*$`)
)

// TestFindingsKeepTheirForm reads each script of findings without running it, since it needs the network and minutes.
func TestFindingsKeepTheirForm(t *testing.T) {
	paths, err := filepath.Glob("../findings/*")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("design/surprises.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		for _, fault := range faultsOfFinding(t, path) {
			t.Errorf("%s: %s", path, fault)
		}
		if link := "(../../findings/" + filepath.Base(path) + ")"; strings.Count(string(page), link) != 1 {
			t.Errorf("design/surprises.md does not link %s once", path)
		}
	}
	if listed := strings.Count(string(page), "(../../findings/"); listed != len(paths) {
		t.Errorf("design/surprises.md lists %d findings, and there are %d", listed, len(paths))
	}
	if len(paths) < 12 {
		t.Errorf("there are %d findings only", len(paths))
	}
}

// absolutePath finds where an absolute path begins. Those of the device that swallows all and of made-up web addresses are nobody's.
var absolutePath = regexp.MustCompile(`(?m)(?:^|[^\w./:$})-])/(\w+)`)

// ownFolders are the folders of whoever runs the tests, which a script that was tried on that machine could have kept.
func ownFolders(t *testing.T) []string {
	t.Helper()
	checkout, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	folders := []string{checkout}
	if home, err := os.UserHomeDir(); err == nil && len(home) > 1 {
		folders = append(folders, home)
	}
	return folders
}

// faultsOfFinding is what is wrong with the form of one script.
func faultsOfFinding(t *testing.T, path string) (faults []string) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Ext(path) != ".sh" || info.Mode()&0o111 == 0 {
		faults = append(faults, "is no script that can be run")
	}
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(source)
	head, body, found := strings.Cut(text, "\nset -eu\n")
	if !found {
		faults = append(faults, "does not stop at the first error: set -eu comes after the head")
	}
	rest, found := strings.CutPrefix(head, "#!/bin/sh\n")
	if !found {
		faults = append(faults, "does not begin with #!/bin/sh")
	}
	for _, word := range []string{"# Guess: ", "# Truth: ", "# Matters here: ", "# Seen with: "} {
		_, after, found := strings.Cut(rest, word)
		if !found {
			faults = append(faults, "the head has no line "+word+"in its place")
			continue
		}
		rest = after
	}
	if !strings.HasPrefix(body, "cd \"$(mktemp -d)\"\ntrap ") {
		faults = append(faults, "does not work in a folder that it makes and removes")
	}
	for _, command := range fetching.FindAllStringSubmatch(body, -1) {
		for module := range strings.FieldsSeq(command[1]) {
			if !pinned.MatchString(module) {
				faults = append(faults, "installs "+module+" without a version")
			}
		}
	}
	if !strings.HasSuffix(body, "\ndiff want seen\n") {
		faults = append(faults, "does not end with what was seen held against what is wanted")
	}
	for _, never := range append([]string{"greenapi", "/tmp", "/home/", "GOPROXY", "go mod tidy"}, ownFolders(t)...) {
		if strings.Contains(body, never) {
			faults = append(faults, "has "+never+" in it")
		}
	}
	for _, absolute := range absolutePath.FindAllStringSubmatch(body, -1) {
		if !slices.Contains([]string{"dev", "lantern", "quay"}, absolute[1]) {
			faults = append(faults, "has a path of some machine in it: /"+absolute[1])
		}
	}
	return faults
}
