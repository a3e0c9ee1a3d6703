// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package kustomize_test sees to it that kustomize and what we ship for it get along.
package kustomize_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/greenapi-operator/greenapi-operator/internal/installation"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// build builds a kustomization with an instance of a kind and the component of this folder.
func build(t *testing.T, kind, kustomization string) map[string]*unstructured.Unstructured {
	t.Helper()
	g, files := NewWithT(t), filesys.MakeFsInMemory()
	for _, name := range []string{"kustomization.yaml", "name_reference.yaml"} {
		text, err := os.ReadFile(name)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(files.WriteFile("/component/"+name, text)).To(Succeed())
	}
	g.Expect(files.WriteFile("/lines/line.yaml", []byte(`
apiVersion: messaging.greenapi-operator.dev/v1alpha1
kind: `+kind+`
metadata:
  name: line
spec:
  idInstance: 710700000001
  apiTokenSecretRef:
    name: token
  settings:
    webhookUrlTokenSecretRef:
      name: webhook
`))).To(Succeed())
	g.Expect(files.WriteFile("/lines/kustomization.yaml", []byte("components: [../component]\nresources: [line.yaml]\n"+kustomization))).To(Succeed())
	rendered, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(files, "/lines")
	g.Expect(err).NotTo(HaveOccurred())
	objects := map[string]*unstructured.Unstructured{}
	for _, r := range rendered.Resources() {
		object := &unstructured.Unstructured{}
		text, err := r.MarshalJSON()
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(object.UnmarshalJSON(text)).To(Succeed())
		objects[r.GetKind()+"/"+r.GetName()] = object
	}
	return objects
}

// TestASecretIsRenamedInTheInstanceAsWell: by whatever kustomize renames it, and for every kind.
func TestASecretIsRenamedInTheInstanceAsWell(t *testing.T) {
	t.Parallel()
	const generated = "secretGenerator: [{name: token, literals: [apiTokenInstance=a]}, {name: webhook, literals: [webhookUrlToken=b]}]\n"
	for _, kind := range instance.Kinds {
		for what, kustomization := range map[string]string{
			"a generator": generated,
			"a prefix":    "namePrefix: eu-\ngeneratorOptions: {disableNameSuffixHash: true}\n" + generated,
			"a suffix":    "nameSuffix: -eu\ngeneratorOptions: {disableNameSuffixHash: true}\n" + generated,
			"all of it":   "namePrefix: eu-\nnameSuffix: -b\n" + generated,
		} {
			g := NewWithT(t)
			var line *unstructured.Unstructured
			secrets := map[string]string{}
			for _, object := range build(t, kind.Name, kustomization) {
				if object.GetKind() == kind.Name {
					line = object
					continue
				}
				data, _, _ := unstructured.NestedMap(object.Object, "data")
				for key := range data {
					secrets[key] = object.GetName()
				}
			}
			g.Expect(secrets).To(HaveLen(2), what)
			token, _, _ := unstructured.NestedString(line.Object, "spec", "apiTokenSecretRef", "name")
			webhook, _, _ := unstructured.NestedString(line.Object, "spec", "settings", "webhookUrlTokenSecretRef", "name")
			g.Expect([]string{token, webhook}).To(Equal([]string{secrets["apiTokenInstance"], secrets["webhookUrlToken"]}), "%s of %s", what, kind.Name)
			g.Expect(token).NotTo(Equal("token"), "%s of %s", what, kind.Name)
		}
	}
}

// TestTheEmergencyStopsOfThePage: what docs/operating.md has people write into a kustomization stops the manager.
func TestTheEmergencyStopsOfThePage(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	page, err := os.ReadFile("../../docs/operating.md")
	g.Expect(err).NotTo(HaveOccurred())
	blocks := regexp.MustCompile("(?ms)^  ```yml\n(.*?)^  ```$").FindAllStringSubmatch(string(page), -1)
	g.Expect(blocks).To(HaveLen(2))
	for _, block := range blocks {
		overlay := regexp.MustCompile("(?m)^  ").ReplaceAllString(block[1], "")
		g.Expect(installation.Render(t, "../default", overlay).Deployment(t).Spec.Replicas).To(HaveValue(BeZero()), overlay)
	}
}

// TestServerSideApplyAfterApply: what was applied with kubectl apply -k can be applied server-side without a conflict, so
// the manifests leave nothing out that the API server fills in.
func TestServerSideApplyAfterApply(t *testing.T) {
	t.Parallel()
	g, kubectl := NewWithT(t), os.Getenv("TEST_KUBECTL")
	g.Expect(kubectl).NotTo(BeEmpty(), "run the tests by `make test`, or set it to what `make kubectl` prints")
	environment := &envtest.Environment{}
	_, err := environment.Start()
	g.Expect(err).NotTo(HaveOccurred(), "run the tests by `make test`, or set KUBEBUILDER_ASSETS to what `make envtest` prints")
	t.Cleanup(func() { _ = environment.Stop() })
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	g.Expect(os.WriteFile(kubeconfig, environment.KubeConfig, 0o600)).To(Succeed())
	for _, arguments := range []string{"apply -k ../default", "apply --server-side -k ../default"} {
		output, err := exec.CommandContext(t.Context(), kubectl, append([]string{"--kubeconfig", kubeconfig}, strings.Fields(arguments)...)...).CombinedOutput()
		g.Expect(err).NotTo(HaveOccurred(), "kubectl %s: %s", arguments, output)
	}
}
