// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Command crdtext gives the descriptions in the CRDs one line for each paragraph: the lines that it finds are those of Go
// comments, and kubectl explain and consoles would break the text there and once more where their windows end. Run it from
// the top of the repository: make manifests.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"sigs.k8s.io/yaml"
)

func main() {
	if err := rewrite(filepath.Join("config", "crd", "bases")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// rewrite rewrites every CRD of a folder.
func rewrite(folder string) error {
	paths, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil || len(paths) == 0 {
		return errors.Join(fmt.Errorf("there is no CRD in %s", folder), err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if text, err = unfolded(text); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// unfolded is a CRD in the form in which controller-gen writes it, with its descriptions in paragraphs.
func unfolded(text []byte) ([]byte, error) {
	crd := map[string]any{}
	if err := yaml.Unmarshal(text, &crd); err != nil {
		return nil, err
	}
	walk(crd)
	written, err := yaml.Marshal(crd)
	if err != nil {
		return nil, err
	}
	return bytes.Join([][]byte{[]byte("---\n"), written}, nil), nil
}

// walk unfolds every description below a value. A property of that name is a map, and is gone into like others.
func walk(value any) {
	switch value := value.(type) {
	case map[string]any:
		for key, child := range value {
			if text, ok := child.(string); ok && key == "description" {
				value[key] = paragraphs(text)
			} else {
				walk(child)
			}
		}
	case []any:
		for _, child := range value {
			walk(child)
		}
	}
}

// item begins a line of a list, which stays a line.
var item = regexp.MustCompile(`^\s*([-*]|[0-9]+\.) `)

// paragraphs joins the lines of each paragraph, and of each item of a list.
func paragraphs(text string) string {
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		last := len(lines) - 1
		if last < 0 || strings.TrimSpace(line) == "" || lines[last] == "" || item.MatchString(line) {
			lines = append(lines, strings.TrimSpace(line))
			continue
		}
		lines[last] += " " + strings.TrimSpace(line)
	}
	return strings.Join(lines, "\n")
}
