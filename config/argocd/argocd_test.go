// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package argocd_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/config/argocd"
	"github.com/greenapi-operator/greenapi-operator/internal/gitops"
)

func read(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := gitops.ReadStrictly(text, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func allKinds() []string { return slices.Concat(argocd.Kinds, argocd.PartnerKinds) }

// actionsOf are the actions that a kind has.
func actionsOf(kind string) []string {
	if slices.Contains(argocd.PartnerKinds, kind) {
		return argocd.PartnerActions
	}
	return argocd.Actions
}

// scripts are the scripts of one kind, from wherever they stand.
type scripts struct {
	health, discovery string
	actions           map[string]string
}

// fromFiles reads the scripts in the layout of Argo CD's repository.
func fromFiles(t *testing.T, kind string) scripts {
	t.Helper()
	text := func(path string) string {
		data, err := os.ReadFile(filepath.Join(argocd.Customization(kind), path))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	s := scripts{health: text("health.lua"), discovery: text("actions/discovery.lua"), actions: map[string]string{}}
	for _, name := range actionsOf(kind) {
		s.actions[name] = text("actions/" + name + "/action.lua")
	}
	return s
}

// fromConfigMap reads the scripts out of the ConfigMap, as Argo CD does.
func fromConfigMap(t *testing.T, kind string) scripts {
	t.Helper()
	configMap := &corev1.ConfigMap{}
	read(t, "argocd-cm.yaml", configMap)
	if configMap.Name != "argocd-cm" || configMap.Labels["app.kubernetes.io/part-of"] != "argocd" || len(configMap.Data) != 2*len(allKinds()) {
		t.Errorf("Argo CD does not read this ConfigMap: %+v, with %d keys", configMap.ObjectMeta, len(configMap.Data))
	}
	customization := argocd.ActionCustomization{}
	if err := yaml.UnmarshalStrict([]byte(configMap.Data["resource.customizations.actions."+argocd.Group+"_"+kind]), &customization); err != nil {
		t.Fatal(err)
	}
	s := scripts{health: configMap.Data["resource.customizations.health."+argocd.Group+"_"+kind], discovery: customization.Discovery, actions: map[string]string{}}
	for _, definition := range customization.Definitions {
		s.actions[definition.Name] = definition.Action
	}
	return s
}

func TestWhatIsMadeFromTheScriptsIsUpToDate(t *testing.T) {
	files, err := argocd.Generate()
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range files {
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("%s is not what the scripts in lua say (%v): run `make manifests`", path, err)
		}
	}
	for _, kind := range allKinds() {
		if !reflect.DeepEqual(fromConfigMap(t, kind), fromFiles(t, kind)) {
			t.Errorf("argocd-cm.yaml has other scripts for %s than the files", kind)
		}
	}
}

// TestTheKindsAreThoseOfTheAPI: a further kind needs its health as well.
func TestTheKindsAreThoseOfTheAPI(t *testing.T) {
	for pattern, kinds := range map[string][]string{"*instances.yaml": argocd.Kinds, "*.yaml": allKinds()} {
		paths, err := filepath.Glob("../crd/bases/" + pattern)
		if err != nil || len(paths) != len(kinds) {
			t.Errorf("there are the definitions %v, and health checks for %v (%v)", paths, kinds, err)
		}
	}
	if argocd.Group != v1alpha1.GroupVersion.Group {
		t.Errorf("the group is %s", v1alpha1.GroupVersion.Group)
	}
}

// TestHealth runs what Argo CD runs over health_test.yaml.
func TestHealth(t *testing.T) {
	for _, kind := range allKinds() {
		var file struct {
			Tests []struct {
				InputPath    string        `json:"inputPath"`
				HealthStatus gitops.Health `json:"healthStatus"`
			} `json:"tests"`
		}
		read(t, filepath.Join(argocd.Customization(kind), "health_test.yaml"), &file)
		if len(file.Tests) < 6 {
			t.Errorf("%s has only %d tests", kind, len(file.Tests))
		}
		script := fromConfigMap(t, kind).health
		for _, test := range file.Tests {
			got, err := gitops.CheckHealth(script, load(t, kind, test.InputPath))
			if err != nil || got != test.HealthStatus {
				t.Errorf("%s %s: %+v, %v, want %+v", kind, test.InputPath, got, err, test.HealthStatus)
			}
		}
	}
}

// TestKstatusAgreesOnEveryStatus: what Argo CD and Flux say of a status must not contradict each other, nor the conditions.
func TestKstatusAgreesOnEveryStatus(t *testing.T) {
	seen := map[string]int{}
	for _, kind := range argocd.Kinds {
		paths, err := filepath.Glob(filepath.Join(argocd.Customization(kind), "testdata", "*.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		script := fromConfigMap(t, kind).health
		for _, path := range paths {
			name := "testdata/" + filepath.Base(path)
			verdict, err := gitops.Judge(script, load(t, kind, name))
			if err != nil {
				t.Errorf("%s: %v", path, err)
				continue
			}
			// The kinds share their metadata and status.
			resource := &v1alpha1.WhatsAppInstance{}
			text, err := os.ReadFile(path)
			if err := errors.Join(err, yaml.Unmarshal(text, resource)); err != nil {
				t.Fatal(err)
			}
			if fault := verdict.Fault(resource); fault != "" {
				t.Errorf("%s: %s", path, fault)
			}
			seen[string(verdict.Flux)+" "+verdict.Argo.Status]++
		}
	}
	for _, pair := range []string{"Current Healthy", "Current Suspended", "InProgress Progressing", "InProgress Suspended", "Failed Degraded", "Terminating Progressing"} {
		if seen[pair] == 0 {
			t.Errorf("no status is %s to kstatus and Argo CD", pair)
		}
	}
}

// TestKstatusAgreesOnClaimsAndAccounts as well, and no status stands there that the types do not have.
func TestKstatusAgreesOnClaimsAndAccounts(t *testing.T) {
	agree := map[string]string{gitops.Healthy: "Current", gitops.Progressing: "InProgress", gitops.Degraded: "Failed"}
	for _, kind := range argocd.PartnerKinds {
		paths, err := filepath.Glob(filepath.Join(argocd.Customization(kind), "testdata", "*.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		script, seen := fromConfigMap(t, kind).health, map[string]bool{}
		for _, path := range paths {
			object := load(t, kind, "testdata/"+filepath.Base(path))
			verdict, err := gitops.Judge(script, object)
			if err != nil {
				t.Errorf("%s: %v", path, err)
				continue
			}
			want := agree[verdict.Argo.Status]
			if object.GetDeletionTimestamp() != nil {
				want = "Terminating"
			}
			if string(verdict.Flux) != want {
				t.Errorf("%s: kstatus says %s and Argo CD %s", path, verdict.Flux, verdict.Argo.Status)
			}
			seen[string(verdict.Flux)] = true
			if kind == "InstanceClaim" {
				read(t, path, &v1alpha1.InstanceClaim{})
			} else {
				read(t, path, &v1alpha1.PartnerAccount{})
			}
		}
		if len(seen) != 4 {
			t.Errorf("%s: the statuses are %v to kstatus only", kind, seen)
		}
	}
}

func load(t *testing.T, kind, path string) *unstructured.Unstructured {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(argocd.Customization(kind), path))
	if err != nil {
		t.Fatal(err)
	}
	object := &unstructured.Unstructured{}
	if text, err = yaml.YAMLToJSONStrict(text); err != nil {
		t.Fatal(err)
	}
	if err := object.UnmarshalJSON(text); err != nil {
		t.Fatal(err)
	}
	return object
}

// requests are the annotations by which the actions ask for something.
var requests = map[string]string{"reconcile": v1alpha1.ReconcileRequestedAtAnnotation, "reboot": v1alpha1.RebootRequestedAtAnnotation}

// TestActions runs what Argo CD runs over action_test.yaml, and is stricter about the annotations.
func TestActions(t *testing.T) {
	for _, kind := range allKinds() {
		var file struct {
			DiscoveryTests []struct {
				InputPath string                 `json:"inputPath"`
				Result    []gitops.OfferedAction `json:"result"`
			} `json:"discoveryTests"`
			ActionTests []struct {
				Action             string `json:"action"`
				InputPath          string `json:"inputPath"`
				ExpectedOutputPath string `json:"expectedOutputPath"`
			} `json:"actionTests"`
		}
		read(t, filepath.Join(argocd.Customization(kind), "actions", "action_test.yaml"), &file)
		s, tried := fromConfigMap(t, kind), map[string]bool{}
		for _, test := range file.DiscoveryTests {
			got, err := gitops.Discover(s.discovery, load(t, kind, "actions/"+test.InputPath))
			if err != nil || !reflect.DeepEqual(got, test.Result) {
				t.Errorf("%s %s: %+v, %v, want %+v", kind, test.InputPath, got, err, test.Result)
			}
		}
		for _, test := range file.ActionTests {
			tried[test.Action] = true
			before, want := load(t, kind, "actions/"+test.InputPath), load(t, kind, "actions/"+test.ExpectedOutputPath)
			made, err := gitops.Act(s.actions[test.Action], before)
			if err != nil {
				t.Errorf("%s %s: %v", kind, test.Action, err)
				continue
			}
			if annotation := requests[test.Action]; annotation != "" {
				at, err := time.Parse(time.RFC3339, made.GetAnnotations()[annotation])
				if age := time.Since(at); err != nil || age < -time.Second || age > time.Minute {
					t.Errorf("%s %s: the annotation %s is %q", kind, test.Action, annotation, made.GetAnnotations()[annotation])
				}
				unstructured.RemoveNestedField(made.Object, "metadata", "annotations")
			}
			if !reflect.DeepEqual(made.Object, want.Object) {
				t.Errorf("%s %s makes\n%v of\n%v\nwant\n%v", kind, test.Action, made.Object, before.Object, want.Object)
			}
		}
		if len(file.DiscoveryTests) < 3 || len(tried) != len(actionsOf(kind)) {
			t.Errorf("%s: %d tests of the discovery, and of the actions %v", kind, len(file.DiscoveryTests), tried)
		}
	}
}

// TestAnActionKeepsOtherAnnotations: what GitOps tools keep there is theirs.
func TestAnActionKeepsOtherAnnotations(t *testing.T) {
	for name, annotation := range requests {
		object := load(t, argocd.Kinds[0], "testdata/healthy.yaml")
		object.SetAnnotations(map[string]string{"argocd.argoproj.io/tracking-id": "lines:x/y:shop/line", annotation: "earlier"})
		made, err := gitops.Act(fromFiles(t, argocd.Kinds[0]).actions[name], object)
		if err != nil {
			t.Fatal(err)
		}
		if got := made.GetAnnotations(); len(got) != 2 || got["argocd.argoproj.io/tracking-id"] == "" || got[annotation] == "earlier" {
			t.Errorf("%s makes the annotations %v", name, got)
		}
	}
}

// TestScriptsNeedNoMoreThanArgoCDGives: the runner has no more than that, so a script that works by its leave works there.
func TestScriptsNeedNoMoreThanArgoCDGives(t *testing.T) {
	for script, fails := range map[string]bool{
		`return {status = string.format("Healthy"), message = "x"}`:                       true,
		`return {status = os.date(), message = "x"}`:                                      true,
		`return {status = "Healthy", message = require("os").getenv("HOME")}`:             true,
		`return {status = "Fine", message = "x"}`:                                         true,
		`return {status = "Healthy"}`:                                                     true,
		`while true do end`:                                                               true,
		`return {status = "Healthy", message = require("os").date("!%Y-%m-%d")}`:          false,
		`return {status = "Healthy", message = "generation " .. obj.metadata.generation}`: false,
	} {
		health, err := gitops.CheckHealth(script, load(t, argocd.Kinds[0], "testdata/healthy.yaml"))
		if (err != nil) != fails {
			t.Errorf("%s: %+v, %v", script, health, err)
		}
	}
}
