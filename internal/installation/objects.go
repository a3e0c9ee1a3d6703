// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package installation looks at what a way to install the operator consists of: what config/, dist/install.yaml and the
// chart render to, and the rights that come with it. It is there for tests.
package installation

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	sigsyaml "sigs.k8s.io/yaml"
)

// Objects are those of one installation.
type Objects []*unstructured.Unstructured

// Render renders a folder with a kustomization as `kubectl apply -k` does. With lines of a kustomization the folder is the base of
// one that has these.
func Render(t *testing.T, path string, overlay ...string) Objects {
	t.Helper()
	if len(overlay) > 0 {
		base, err := filepath.Abs(path)
		if err != nil {
			t.Fatal(err)
		}
		path = t.TempDir()
		if base, err = filepath.Rel(path, base); err != nil {
			t.Fatal(err)
		}
		text := strings.Join(append(overlay, "resources: ["+base+"]", ""), "\n")
		if err := os.WriteFile(filepath.Join(path, "kustomization.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	options := krusty.MakeDefaultOptions()
	// As the command does: namespaces first.
	options.Reorder = krusty.ReorderOptionLegacy
	rendered, err := krusty.MakeKustomizer(options).Run(filesys.MakeFsOnDisk(), path)
	if err != nil {
		t.Fatal(err)
	}
	var objects Objects
	for _, resource := range rendered.Resources() {
		object := &unstructured.Unstructured{}
		text, err := resource.MarshalJSON()
		if err == nil {
			err = object.UnmarshalJSON(text)
		}
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, object)
	}
	return objects
}

// Parse reads the objects of a YAML stream, such as the output of `helm template`.
func Parse(t *testing.T, text []byte) Objects {
	t.Helper()
	var objects Objects
	reader := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return objects
		}
		var object *unstructured.Unstructured
		if err == nil {
			object, err = parse(document)
		}
		if err != nil {
			t.Fatalf("%v:\n%s", err, document)
		}
		if object != nil {
			objects = append(objects, object)
		}
	}
}

// parse reads one document, which may be empty. It goes by JSON, since whole numbers are integers there, as they are in
// what the API server answers.
func parse(document []byte) (*unstructured.Unstructured, error) {
	text, err := sigsyaml.YAMLToJSON(document)
	if err != nil || string(text) == "null" {
		return nil, err
	}
	object := &unstructured.Unstructured{}
	return object, object.UnmarshalJSON(text)
}

// Find decodes the only object of a kind whose name ends so.
func Find[T any](t *testing.T, objects Objects, kind, suffix string) *T {
	t.Helper()
	var found []*T
	for _, object := range objects {
		if object.GetKind() == kind && strings.HasSuffix(object.GetName(), suffix) {
			found = append(found, Decode[T](t, object))
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d objects of the kind %s end in %q, want 1", len(found), kind, suffix)
	}
	return found[0]
}

// Decode reads an object as its type, and fails the test at a field that the type has not.
func Decode[T any](t *testing.T, object *unstructured.Unstructured) *T {
	t.Helper()
	decoded := new(T)
	if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object.Object, decoded, true); err != nil {
		t.Fatalf("%s %s: %v", object.GetKind(), object.GetName(), err)
	}
	return decoded
}

// WithoutDefinitions are all but the CRDs.
func (i Objects) WithoutDefinitions() Objects {
	return slices.DeleteFunc(slices.Clone(i), func(object *unstructured.Unstructured) bool {
		return object.GetKind() == "CustomResourceDefinition"
	})
}

// Apply creates everything but the CRDs, which the control plane has already.
func (i Objects) Apply(t *testing.T, admin client.Client) {
	t.Helper()
	for _, object := range i.WithoutDefinitions() {
		if err := admin.Create(t.Context(), object.DeepCopy(), client.FieldValidation("Strict")); err != nil {
			t.Fatalf("%s %s: %v", object.GetKind(), object.GetName(), err)
		}
	}
}

// Deployment is the manager's.
func (i Objects) Deployment(t *testing.T) *appsv1.Deployment {
	t.Helper()
	return Find[appsv1.Deployment](t, i, "Deployment", "controller-manager")
}
