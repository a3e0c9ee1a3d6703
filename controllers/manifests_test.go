// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

var yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```|<<'EOF'\n(.*?)\n *EOF")

// ofOtherTools are the groups of manifests that config/argocd and config/flux check, with what they know of those tools.
var ofOtherTools = regexp.MustCompile(`^(argoproj\.io|[a-z]+\.toolkit\.fluxcd\.io|external-secrets\.io|bitnami\.com)/`)

// kustomized is what kustomize, and with it Flux and Argo CD, makes of a manifest. It reads YAML 1.2, where yes is a text.
func kustomized(document string) (*unstructured.Unstructured, error) {
	files := filesys.MakeFsInMemory()
	object := &unstructured.Unstructured{}
	for name, text := range map[string]string{"kustomization.yaml": "resources: [manifest.yaml]", "manifest.yaml": document} {
		if err := files.WriteFile(name, []byte(text)); err != nil {
			return object, err
		}
	}
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(files, ".")
	if err != nil {
		return object, err
	}
	text, err := built.Resources()[0].MarshalJSON()
	if err != nil {
		return object, err
	}
	return object, yaml.Unmarshal(text, &object.Object)
}

// TestManifestsOfSamplesAndDocsAreAccepted reads every manifest that a user may copy, and has it applied in each way.
func TestManifestsOfSamplesAndDocsAreAccepted(t *testing.T) {
	needControlPlane(t)
	texts := map[string]string{}
	for _, pattern := range []string{"../config/samples/*-line.yaml", "../config/samples/policies/*.yaml", "../config/samples/roles/*.yaml", "../config/argocd/examples/lines/*-line.yaml", "../config/argocd/examples/*.yaml", "../config/flux/*.yaml", "../README*.md", "../docs/*.md", "../docs/runbooks/*.md", "../docs/design/*.md", "../SECURITY.md"} {
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
		checkFragments(t, path, text)
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
				built, err := kustomized(document)
				if err != nil || !reflect.DeepEqual(built.Object, object.Object) {
					t.Errorf("%s: kustomize makes %v (%v) of what kubectl reads as %v", path, built, err, object)
					continue
				}
				if ofOtherTools.MatchString(object.GetAPIVersion()) {
					continue
				}
				object.SetNamespace("default")
				if err := admin.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(object.DeepCopy()), client.DryRunAll, client.FieldOwner("kustomize-controller")); err != nil {
					t.Errorf("%s, applied server-side: %v", path, err)
				}
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

// ymlBlock is a part of a file that stands in a page, such as a patch or the values of a chart.
var ymlBlock = regexp.MustCompile("(?s)( *)```yml\n(.*?)```")

// checkFragments says where kustomize reads another value than kubectl does.
func checkFragments(t *testing.T, path, text string) {
	t.Helper()
	for _, match := range ymlBlock.FindAllStringSubmatch(text, -1) {
		fragment := strings.ReplaceAll("\n"+match[2], "\n"+match[1], "\n")
		var byKubectl, byKustomize any
		if err := yaml.Unmarshal([]byte(fragment), &byKubectl); err != nil {
			t.Errorf("%s: %v in\n%s", path, err, fragment)
			continue
		}
		node, err := kyaml.Parse(fragment)
		if err != nil {
			t.Errorf("%s: %v in\n%s", path, err, fragment)
			continue
		}
		written, err := node.MarshalJSON()
		if err != nil || json.Unmarshal(written, &byKustomize) != nil || !reflect.DeepEqual(byKubectl, byKustomize) {
			t.Errorf("%s: kustomize reads %v (%v) where kubectl reads %v", path, byKustomize, err, byKubectl)
		}
	}
}
