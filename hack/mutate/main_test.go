// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSurvivorsAreHeldToTheList: what lives must be in the list with a reason, and what does not must not.
func TestSurvivorsAreHeldToTheList(t *testing.T) {
	directory := t.TempDir()
	t.Chdir(directory)
	write := func(name, content string) string {
		if err := os.WriteFile(filepath.Join(directory, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	write("lamp.go", "package lamp\n\nif a || b | c < 1 {\n")
	const listed = "lamp.go | CONDITIONALS_BOUNDARY | if a || b | c < 1 { | both sides do the same at 1\n"
	mutants := func(statuses ...string) string {
		var all []string
		for _, status := range statuses {
			all = append(all, fmt.Sprintf(`{"line": 3, "column": 4, "type": "CONDITIONALS_BOUNDARY", "status": %q}`, status))
		}
		return write("results.json", `{"files": [{"file_name": "lamp.go", "mutations": [`+strings.Join(all, ",")+`]}]}`)
	}
	for name, test := range map[string]struct {
		results, list, want string
		least               float64
	}{
		"all killed":             {mutantsOf("KILLED", "TIMED OUT"), "# nothing\n\n", "", 95},
		"one lives":              {mutantsOf("KILLED", "LIVED"), "", "lamp.go:3:4 lives and is not in the list", 50},
		"one is not tried":       {mutantsOf("KILLED", "NOT COVERED"), "", "", 100},
		"none is tried":          {mutantsOf("NOT COVERED"), "", "there is no mutant", 0},
		"one lives, as it may":   {mutantsOf("KILLED", "LIVED"), listed, "", 50},
		"too many live":          {mutantsOf("KILLED", "LIVED"), listed, "50.0 % of the mutants are killed, 95 % are wanted", 95},
		"the list is too long":   {mutantsOf("KILLED"), listed, "does not live: take it out", 95},
		"not of this package":    {mutantsOf("KILLED"), strings.Replace(listed, "lamp.go", "other.go", 1), "", 95},
		"no reason":              {mutantsOf("LIVED"), "lamp.go | CONDITIONALS_BOUNDARY | if\n", "list.txt:1: want file", 0},
		"what does not compile":  {mutantsOf("NOT VIABLE", "KILLED"), "", "", 100},
		"nothing but no mutants": {mutantsOf("NOT VIABLE"), "", "there is no mutant", 0},
	} {
		t.Run(name, func(t *testing.T) {
			err := run(".", mutants(strings.Split(test.results, ",")...), write("list.txt", test.list), test.least, io.Discard)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("%v; want %q", err, test.want)
			}
		})
	}
}

func mutantsOf(statuses ...string) string { return strings.Join(statuses, ",") }
