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

// TestTheMapShowsTheHouse: every file that CONTRIBUTING.md names is there, and every package of internal stands in it.
func TestTheMapShowsTheHouse(t *testing.T) {
	source, err := os.ReadFile("../CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(source)
	there := func(name string) {
		if _, err := os.Stat(filepath.Join("..", name)); err != nil {
			t.Errorf("CONTRIBUTING.md names %s, which is not there", name)
		}
	}
	_, tree, _ := strings.Cut(text, "```\n")
	tree, _, _ = strings.Cut(tree, "```")
	folder := ""
	for line := range strings.Lines(tree) {
		words := strings.Fields(line)
		if line[0] != ' ' {
			folder = words[0]
		} else if !strings.HasPrefix(line, "  ") || strings.HasPrefix(line, "    ") {
			continue
		}
		for _, word := range words {
			if strings.HasSuffix(word, ".go") && line[0] == ' ' {
				there(folder + word)
			}
		}
	}
	for _, found := range regexp.MustCompile("`([a-z0-9/]+/[a-z_0-9]+\\.go)`").FindAllStringSubmatch(text, -1) {
		there(found[1])
	}
	for _, command := range regexp.MustCompile(`go test (\./\S+) -run (Test\w+)`).FindAllStringSubmatch(text, -1) {
		tests, err := filepath.Glob(filepath.Join("..", command[1], "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(tests, func(name string) bool {
			source, err := os.ReadFile(name)
			return err == nil && strings.Contains(string(source), "\nfunc "+command[2])
		}) {
			t.Errorf("%s runs nothing", command[0])
		}
	}
	packages, err := os.ReadDir("../internal")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range packages {
		if name := "internal/" + entry.Name(); !strings.Contains(tree, name) {
			t.Errorf("the map of CONTRIBUTING.md does not show %s", name)
		}
	}
}
