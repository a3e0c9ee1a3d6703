// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

var yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```|<<'EOF'\n(.*?)\n *EOF")

// ofOtherTools are the groups of manifests that config/argocd and config/flux check, with what they know of those tools.
var ofOtherTools = regexp.MustCompile(`^(argoproj\.io|[a-z]+\.toolkit\.fluxcd\.io|external-secrets\.io|bitnami\.com)/`)

// TestManifestsOfSamplesAndDocsAreAccepted reads every manifest that a user may copy.
func TestManifestsOfSamplesAndDocsAreAccepted(t *testing.T) {
	texts := map[string]string{}
	for _, pattern := range []string{"../config/samples/*-line.yaml", "../config/samples/policies/*.yaml", "../config/argocd/examples/lines/*-line.yaml", "../README*.md", "../docs/*.md"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: %v, %v", pattern, paths, err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			texts[path] = string(text)
		}
	}
	count := 0
	for path, text := range texts {
		blocks := []string{text}
		if strings.HasSuffix(path, ".md") {
			blocks = nil
			for _, match := range yamlBlock.FindAllStringSubmatch(text, -1) {
				block := "\n" + match[1] + match[2]
				if strings.HasPrefix(block, "\n   ") {
					// A manifest within a numbered list is indented.
					block = strings.ReplaceAll(block, "\n   ", "\n")
				}
				blocks = append(blocks, block)
			}
		}
		for _, block := range blocks {
			for document := range strings.SplitSeq(block, "\n---\n") {
				object := &unstructured.Unstructured{}
				if err := yaml.Unmarshal([]byte(document), &object.Object); err != nil {
					t.Errorf("%s: %v in\n%s", path, err, document)
					continue
				}
				if ofOtherTools.MatchString(object.GetAPIVersion()) {
					continue
				}
				object.SetNamespace("default")
				if err := admin.Create(t.Context(), object, client.DryRunAll, client.FieldValidation("Strict")); err != nil {
					t.Errorf("%s: %v", path, err)
				}
				count++
			}
		}
	}
	if count < 15 {
		t.Errorf("only %d manifests were found", count)
	}
}
