// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"flag"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/greenapi-operator/greenapi-operator/config/argocd"
	"github.com/greenapi-operator/greenapi-operator/internal/gitops"
)

var updateCorpus = flag.Bool("update", false, "write the corpus of statuses into config/argocd instead of comparing it")

// corpus is a set of statuses that the operator really wrote, with what Argo CD is to say of each. It stands in
// config/argocd in the layout of Argo CD's own tests.
type corpus struct {
	mu sync.Mutex
	// files are all files by their path from here; cases are the health checks by kind and file.
	files map[string]string
	cases map[string]map[string]gitops.Health
	// resources are those that the actions are tested with.
	resources map[string]*unstructured.Unstructured
}

// take puts a resource as it is stored now into the corpus, under a name, with the word that Argo CD is to say.
func (c *corpus) take(s *story, resource, name, want string) {
	s.t.Helper()
	kind := argocd.Kinds[slices.IndexFunc(argocd.Kinds, func(k string) bool { return k == s.kindName(resource) })]
	object := s.object(resource)
	health, err := gitops.CheckHealth(healthScript(), object)
	s.Expect(err).NotTo(HaveOccurred())
	s.Expect(health.Status).To(Equal(want), "%s: %s", name, health.Message)
	normalize(object, s.url, s.ns)
	text, err := yaml.Marshal(object.Object)
	s.Expect(err).NotTo(HaveOccurred())
	c.mu.Lock()
	defer c.mu.Unlock()
	c.files[filepath.Join(argoFolder(kind), "testdata", name+".yaml")] = string(text)
	if c.cases[kind] == nil {
		c.cases[kind] = map[string]gitops.Health{}
	}
	health.Message = normalText(health.Message, s.url, s.ns)
	c.cases[kind]["testdata/"+name+".yaml"] = health
	c.resources[kind+"/"+name] = object
}

// kindName returns the name of a resource's kind.
func (s *story) kindName(resource string) string { return argocd.Kinds[s.kinds[resource]] }

// object reads a resource as a tool does that does not know its type.
func (s *story) object(resource string) *unstructured.Unstructured {
	s.t.Helper()
	object := &unstructured.Unstructured{}
	object.SetAPIVersion(argocd.Group + "/v1alpha1")
	object.SetKind(s.kindName(resource))
	s.Expect(admin.Get(s.ctx, types.NamespacedName{Namespace: s.ns, Name: resource}, object)).To(Succeed())
	return object
}

var timestamp = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$`)

// normalize takes out of a resource what is another in every run.
func normalize(object *unstructured.Unstructured, address, namespace string) {
	object.Object, _ = normalValue(object.Object, address, namespace).(map[string]any)
	object.SetManagedFields(nil)
	object.SetNamespace("shop")
	object.SetUID("8d5f3f0e-0c51-4a5e-9c5b-3d1c7a1f0b11")
	object.SetResourceVersion("4711")
}

func normalValue(value any, address, namespace string) any {
	switch value := value.(type) {
	case string:
		return normalText(value, address, namespace)
	case []any:
		for i := range value {
			value[i] = normalValue(value[i], address, namespace)
		}
	case map[string]any:
		for key := range value {
			value[key] = normalValue(value[key], address, namespace)
		}
	}
	return value
}

func normalText(text, address, namespace string) string {
	if match := timestamp.FindStringSubmatch(text); match != nil {
		if match[1] != "" {
			return "2026-01-02T03:04:05.000000Z"
		}
		return "2026-01-02T03:04:05Z"
	}
	host := strings.TrimPrefix(address, "http://")
	text = strings.ReplaceAll(text, address, "https://7107.api.greenapi.com")
	return strings.ReplaceAll(strings.ReplaceAll(text, host, "7107.api.greenapi.com"), namespace, "shop")
}

// finish makes the files that list the others, and compares all with what is stored, or stores it.
func (c *corpus) finish(t *testing.T) {
	g := NewWithT(t)
	for kind, cases := range c.cases {
		var tests []map[string]any
		for _, path := range slices.Sorted(maps.Keys(cases)) {
			tests = append(tests, map[string]any{"inputPath": path, "healthStatus": cases[path]})
		}
		c.file(g, filepath.Join(argoFolder(kind), "health_test.yaml"), map[string]any{"tests": tests})
		c.finishActions(g, kind)
	}
	found := map[string]string{}
	for _, kind := range argocd.Kinds {
		for _, pattern := range []string{"testdata/*.yaml", "actions/testdata/*.yaml", "health_test.yaml", "actions/action_test.yaml"} {
			paths, err := filepath.Glob(filepath.Join(argoFolder(kind), pattern))
			g.Expect(err).NotTo(HaveOccurred())
			for _, path := range paths {
				text, err := os.ReadFile(path)
				g.Expect(err).NotTo(HaveOccurred())
				found[path] = string(text)
			}
		}
	}
	if *updateCorpus {
		for path := range found {
			g.Expect(os.Remove(path)).To(Succeed())
		}
		for path, text := range c.files {
			g.Expect(os.MkdirAll(filepath.Dir(path), 0o755)).To(Succeed())
			g.Expect(os.WriteFile(path, []byte(text), 0o644)).To(Succeed())
		}
		return
	}
	g.Expect(slices.Sorted(maps.Keys(found))).To(Equal(slices.Sorted(maps.Keys(c.files))), howToUpdate)
	for path, text := range c.files {
		if found[path] != text {
			t.Errorf("%s is not what the operator writes. %s. It writes:\n%s", path, howToUpdate, text)
		}
	}
}

const howToUpdate = "If this is what it should be: go test ./controllers -run TestTheCorpusOfStatuses -update"

func (c *corpus) file(g *WithT, path string, value any) {
	text, err := yaml.Marshal(value)
	g.Expect(err).NotTo(HaveOccurred())
	c.files[path] = string(text)
}

// finishActions makes the tests of the actions, of resources of the corpus. What an action is to make of them is said
// here, and not by the action.
func (c *corpus) finishActions(g *WithT, kind string) {
	input := func(name string) string { return "../testdata/" + name + ".yaml" }
	offered := func(name string, disabled ...string) map[string]any {
		var list []gitops.OfferedAction
		for _, action := range []gitops.OfferedAction{
			{Name: "pause", DisplayName: "Pause", IconClass: "fa fa-fw fa-pause"},
			{Name: "reboot", DisplayName: "Reboot (the messenger is down for minutes)", IconClass: "fa fa-fw fa-power-off"},
			{Name: "reconcile", DisplayName: "Reconcile now", IconClass: "fa fa-fw fa-sync"},
			{Name: "resume", DisplayName: "Resume", IconClass: "fa fa-fw fa-play"},
		} {
			action.Disabled = slices.Contains(disabled, action.Name)
			list = append(list, action)
		}
		return map[string]any{"inputPath": input(name), "result": list}
	}
	paused, resumed := c.resources[kind+"/healthy"].DeepCopy(), c.resources[kind+"/paused"].DeepCopy()
	g.Expect(unstructured.SetNestedField(paused.Object, true, "spec", "paused")).To(Succeed())
	unstructured.RemoveNestedField(resumed.Object, "spec", "paused")
	folder := filepath.Join(argoFolder(kind), "actions")
	c.file(g, filepath.Join(folder, "testdata", "paused.yaml"), paused.Object)
	c.file(g, filepath.Join(folder, "testdata", "resumed.yaml"), resumed.Object)
	test := func(action, from, to string) map[string]any {
		return map[string]any{"action": action, "inputPath": input(from), "expectedOutputPath": to}
	}
	c.file(g, filepath.Join(folder, "action_test.yaml"), map[string]any{
		"discoveryTests": []map[string]any{
			offered("healthy", "resume"), offered("observe", "resume", "reboot"), offered("paused", "pause", "reboot", "reconcile"),
		},
		"actionTests": []map[string]any{
			// Argo CD's comparison does not mind an annotation more, and this one holds the time.
			test("reconcile", "healthy", input("healthy")), test("reboot", "healthy", input("healthy")),
			test("pause", "healthy", "testdata/paused.yaml"), test("resume", "paused", "testdata/resumed.yaml"),
		},
	})
}

// TestTheCorpusOfStatuses lets the operator write every status that it can, and compares them with those in config/argocd.
func TestTheCorpusOfStatuses(t *testing.T) {
	c := &corpus{files: map[string]string{}, cases: map[string]map[string]gitops.Health{}, resources: map[string]*unstructured.Unstructured{}}
	t.Run("chapters", func(t *testing.T) {
		for name, play := range chapters {
			t.Run(name, func(t *testing.T) {
				s := newStory(t)
				play(s, func(resource, name, want string) { c.take(s, resource, name, want) })
			})
		}
	})
	if !t.Failed() {
		c.finish(t)
	}
}
