// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package flux_test checks the examples for Flux with Flux's own types.
package flux_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/greenapi-operator/greenapi-operator/internal/gitops"
)

// examples reads every document strictly, by kind and name.
func examples(t *testing.T) map[string]client.Object {
	t.Helper()
	paths, err := filepath.Glob("*.yaml")
	if err != nil || len(paths) < 6 {
		t.Fatal(paths, err)
	}
	found := map[string]client.Object{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for document := range strings.SplitSeq(string(text), "\n---\n") {
			var meta metav1.TypeMeta
			if err := yaml.Unmarshal([]byte(document), &meta); err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			kinds := map[string]client.Object{
				sourcev1.GroupVersion.String() + " GitRepository":    &sourcev1.GitRepository{},
				sourcev1.GroupVersion.String() + " OCIRepository":    &sourcev1.OCIRepository{},
				helmv2.GroupVersion.String() + " HelmRelease":        &helmv2.HelmRelease{},
				kustomizev1.GroupVersion.String() + " Kustomization": &kustomizev1.Kustomization{},
			}
			object := kinds[meta.APIVersion+" "+meta.Kind]
			if object == nil {
				t.Errorf("%s has a %s of %s", path, meta.Kind, meta.APIVersion)
				continue
			}
			if err := gitops.ReadStrictly([]byte(document), object); err != nil {
				t.Errorf("%s: %v", path, err)
			}
			if object.GetNamespace() != "flux-system" {
				t.Errorf("%s: %s is in the namespace %q", path, object.GetName(), object.GetNamespace())
			}
			found[meta.Kind+"/"+object.GetName()] = object
		}
	}
	return found
}

func TestExamplesReferToEachOther(t *testing.T) {
	found := examples(t)
	for name, object := range found {
		var wanted []string
		switch object := object.(type) {
		case *kustomizev1.Kustomization:
			wanted = append(wanted, object.Spec.SourceRef.Kind+"/"+object.Spec.SourceRef.Name)
			for _, dependency := range object.Spec.DependsOn {
				wanted = append(wanted, "Kustomization/"+dependency.Name)
			}
			if !object.Spec.Wait || !object.Spec.Prune {
				t.Errorf("%s does not wait, or does not prune", name)
			}
			if len(object.Spec.HealthChecks)+len(object.Spec.HealthCheckExprs) > 0 {
				t.Errorf("%s has health checks of its own, which kstatus makes needless", name)
			}
		case *helmv2.HelmRelease:
			wanted = append(wanted, object.Spec.ChartRef.Kind+"/"+object.Spec.ChartRef.Name)
		}
		for _, reference := range wanted {
			if found[reference] == nil {
				t.Errorf("%s refers to %s, which no example has", name, reference)
			}
		}
	}
}

// TestTheLinesHaveTheTimeThatARestartTakes: otherwise every change of a setting would look like a failure for a while.
func TestTheLinesHaveTheTimeThatARestartTakes(t *testing.T) {
	lines, ok := examples(t)["Kustomization/lines"].(*kustomizev1.Kustomization)
	if !ok {
		t.Fatal("there is no example of lines")
	}
	// --settle-timeout is six minutes.
	if lines.Spec.Timeout.Duration < 8*time.Minute || len(lines.Spec.DependsOn) != 2 {
		t.Errorf("lines have %s, after %v", lines.Spec.Timeout.Duration, lines.Spec.DependsOn)
	}
	operator, ok := examples(t)["Kustomization/greenapi-operator"].(*kustomizev1.Kustomization)
	if !ok {
		t.Fatal("there is no example of the operator")
	}
	if _, err := os.Stat(filepath.Join("..", "..", operator.Spec.Path, "kustomization.yaml")); err != nil {
		t.Error(err)
	}
}
