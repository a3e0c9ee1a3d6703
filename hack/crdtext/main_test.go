// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestParagraphsAndListsStay(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                       "",
		"One line.":                              "One line.",
		"It is long\nand goes on.":               "It is long and goes on.",
		"First.\nStill.\n\nSecond.\nToo":         "First. Still.\n\nSecond. Too",
		"One of\n- a, which\n  is b\n- c\n\nEnd": "One of\n- a, which is b\n- c\n\nEnd",
	} {
		if got := paragraphs(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

// TestNoTextOfTheCRDsIsBrokenWithinAParagraph: what is there is what this program leaves as it is.
func TestNoTextOfTheCRDsIsBrokenWithinAParagraph(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("../../config/crd/bases/*.yaml")
	if err != nil || len(paths) != 5 {
		t.Fatal(paths, err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		again, err := unfolded(text)
		if err != nil {
			t.Fatal(err)
		}
		if string(again) != string(text) {
			t.Errorf("%s: run make manifests", path)
		}
	}
}
