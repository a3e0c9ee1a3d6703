// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package kustomize_test sees to it that kustomize and what we ship for it get along.
package kustomize_test

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	"github.com/greenapi-operator/greenapi-operator/internal/installation"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/testenv"
	"github.com/greenapi-operator/greenapi-operator/internal/testenv/flux"
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

// TestTheEmergencyStopsOfThePage: what docs/operating.md has people write into a kustomization stops the manager, and holds
// when kubectl, Argo CD (which applies as kubectl does, or server-side by its own name) and Flux apply it again. Scaling alone is undone by each.
func TestTheEmergencyStopsOfThePage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/operating.md")
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	blocks := regexp.MustCompile("(?ms)^  ```yml\n(.*?)^  ```$").FindAllStringSubmatch(string(page), -1)
	NewWithT(t).Expect(blocks).To(HaveLen(2))
	// No stop is about the definitions, which the tools would be busy with for most of the time.
	runs := installation.Render(t, "../default").WithoutDefinitions()
	kubectl := func(arguments ...string) func(*cluster, installation.Objects) {
		return func(c *cluster, manifests installation.Objects) { c.kubectl(manifests, arguments...) }
	}
	for tool, apply := range map[string]func(*cluster, installation.Objects){
		"kubectl":              kubectl("apply", "-f", "-"),
		"Argo CD, server-side": kubectl("apply", "--server-side", "--force-conflicts", "--field-manager=argocd-controller", "-f", "-"),
		"Flux":                 func(c *cluster, manifests installation.Objects) { flux.Apply(c.t, c.admin, manifests...) },
	} {
		t.Run(tool, func(t *testing.T) {
			t.Parallel()
			c := start(t)
			replicas := func() int32 {
				live := &appsv1.Deployment{}
				c.Expect(c.admin.Get(t.Context(), client.ObjectKeyFromObject(runs.Deployment(t)), live)).To(Succeed())
				return *live.Spec.Replicas
			}
			apply(c, runs)
			c.Expect(replicas()).To(BeEquivalentTo(1))
			for _, block := range blocks {
				c.kubectl(nil, "--namespace", runs.Deployment(t).Namespace, "scale", "deployment/"+runs.Deployment(t).Name, "--replicas=0")
				c.Expect(replicas()).To(BeZero())
				apply(c, runs)
				c.Expect(replicas()).To(BeEquivalentTo(1), "scaling is undone")

				overlay := regexp.MustCompile("(?m)^  ").ReplaceAllString(block[1], "")
				stopped := installation.Render(t, "../default", overlay).WithoutDefinitions()
				for range 2 {
					apply(c, stopped)
					c.Expect(replicas()).To(BeZero(), overlay)
				}
				apply(c, runs)
				c.Expect(replicas()).To(BeEquivalentTo(1), "the way back")
			}
		})
	}
}

// cluster is a control plane with who may do everything in it.
type cluster struct {
	*WithT

	t          *testing.T
	admin      client.Client
	kubeconfig string
}

func start(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{WithT: NewWithT(t), t: t}
	environment := &envtest.Environment{}
	config, stop, err := testenv.Start(environment)
	c.Expect(err).NotTo(HaveOccurred(), "run the tests by `make test`, or set KUBEBUILDER_ASSETS to what `make envtest` prints")
	t.Cleanup(func() { _ = stop() })
	c.kubeconfig = testenv.Kubeconfig(t, config)
	c.admin, err = client.New(config, client.Options{})
	c.Expect(err).NotTo(HaveOccurred())
	return c
}

// kubectl runs with the manifests as its input.
func (c *cluster) kubectl(manifests installation.Objects, arguments ...string) {
	c.t.Helper()
	kubectl := os.Getenv("TEST_KUBECTL")
	c.Expect(kubectl).NotTo(BeEmpty(), "run the tests by `make test`, or set it to what `make kubectl` prints")
	var input bytes.Buffer
	for _, manifest := range manifests {
		text, err := yaml.Marshal(manifest)
		c.Expect(err).NotTo(HaveOccurred())
		input.WriteString("---\n" + string(text))
	}
	command := exec.CommandContext(c.t.Context(), kubectl, append([]string{"--kubeconfig", c.kubeconfig}, arguments...)...)
	command.Stdin = &input
	output, err := command.CombinedOutput()
	c.Expect(err).NotTo(HaveOccurred(), "kubectl %s: %s", arguments, output)
}

// TestServerSideApplyAfterApply: what was applied with kubectl apply -k can be applied server-side without a conflict, so
// the manifests leave nothing out that the API server fills in.
func TestServerSideApplyAfterApply(t *testing.T) {
	t.Parallel()
	c := start(t)
	for _, arguments := range []string{"apply -k ../default", "apply --server-side -k ../default"} {
		c.kubectl(nil, strings.Fields(arguments)...)
	}
}
