// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package charts

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/yaml"
)

// TestLint: Helm's own look at the chart finds nothing to improve but an icon, which is information.
func TestLint(t *testing.T) {
	t.Parallel()
	for _, flags := range []string{"", "demo.enabled=true", "scope=namespaced", "replicas=3,networkPolicy.enabled=true,serviceMonitor.enabled=true,prometheusRule.enabled=true,grafana.dashboard.enabled=true"} {
		output, err := runWith(t.Context(), nil, helm, "lint", "--strict", chart, "--set", flags)
		NewWithT(t).Expect(err).NotTo(HaveOccurred(), output)
		NewWithT(t).Expect(output).To(ContainSubstring("1 chart(s) linted, 0 chart(s) failed"))
		NewWithT(t).Expect(output).NotTo(ContainSubstring("WARNING"))
	}
}

type schema struct {
	Properties           map[string]schema `json:"properties"`
	AdditionalProperties any               `json:"additionalProperties"`
	Type                 any               `json:"type"`
}

// TestTheSchemaKnowsEveryValueAndNoOther: values.yaml has a default for all that the schema allows, and nothing else. What
// Helm itself hands to a chart that another one depends on has none.
func TestTheSchemaKnowsEveryValueAndNoOther(t *testing.T) {
	t.Parallel()
	var s schema
	var values map[string]any
	read(t, "values.schema.json", &s)
	read(t, "values.yaml", &values)
	for _, helms := range []string{"global", "enabled"} {
		if _, there := s.Properties[helms]; !there {
			t.Errorf("a chart that depends on this one cannot set %s", helms)
		}
		delete(s.Properties, helms)
	}
	compare(t, "", s, values)
}

func compare(t *testing.T, path string, s schema, values map[string]any) {
	t.Helper()
	if s.AdditionalProperties != false {
		t.Errorf("%s: the schema allows what it does not know", path)
	}
	for name, inner := range s.Properties {
		value, there := values[name]
		if !there && !slices.Contains([]string{"resources.claims", "demo.resources.claims"}, path+name) {
			t.Errorf("values.yaml has no default for %s%s", path, name)
		}
		if object, ok := value.(map[string]any); ok && len(inner.Properties) > 0 {
			compare(t, path+name+".", inner, object)
		}
	}
	for name := range values {
		if _, known := s.Properties[name]; !known {
			t.Errorf("the schema does not know %s%s", path, name)
		}
	}
}

func read(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(chart, name))
	if err == nil {
		err = yaml.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// TestWrongValuesAreExplained: a typing mistake ends the installation with its place, before anything is installed.
func TestWrongValuesAreExplained(t *testing.T) {
	t.Parallel()
	for flags, want := range map[string][]string{
		"replica=2":                                   {"replica", "not allowed"},
		"image.repo=x":                                {"/image", "repo", "not allowed"},
		"manager.allowedApiHost={a}":                  {"/manager", "allowedApiHost", "not allowed"},
		"replicas=two":                                {"/replicas", "got string, want integer"},
		"scope=namespace":                             {"/scope", "'cluster', 'namespaced'"},
		"watchNamespaces=shop":                        {"/watchNamespaces", "got string, want array"},
		"image.digest=abc":                            {"/image/digest", "sha256"},
		"manager.stateInterval=60":                    {"/manager/stateInterval"},
		"manager.maxConcurrentRestarts=half":          {"/manager/maxConcurrentRestarts", "%"},
		"manager.fleetLabel=the fleet":                {"/manager/fleetLabel", "pattern"},
		"manager.restartSlowStart=1001":               {"/manager/restartSlowStart", "1,000"},
		"manager.brakeAfter=0":                        {"/manager/brakeAfter", "1"},
		"manager.restartSoak=10":                      {"/manager/restartSoak"},
		"manager.maxConcurrentReconciles=0":           {"/manager/maxConcurrentReconciles", "1"},
		"manager.defaultApiUrl=api.example":           {"/manager/defaultApiUrl"},
		"manager.allowedApiHosts={https://x}":         {"/manager/allowedApiHosts/0"},
		"manager.logLevel=loud":                       {"/manager/logLevel"},
		"extraArgs={api-qps=3}":                       {"/extraArgs/0"},
		"fullnameOverride=" + strings.Repeat("x", 37): {"/fullnameOverride", "36"},
		"nameOverride=My_Shop":                        {"/nameOverride", "pattern"},
		"podDisruptionBudget.minAvailable=0,podDisruptionBudget.maxUnavailable=1": {"takes minAvailable or maxUnavailable, not both; leave one of them out"},
		"manager.shardRing=Green":                                           {"/manager/shardRing", "pattern"},
		"manager.shardRing=" + strings.Repeat("x", 64):                      {"/manager/shardRing", "63"},
		"manager.shardRing=r,leaderElection.id=x":                           {"leaderElection.id: with manager.shardRing each replica has a lease of its own name; leave leaderElection.id out"},
		"extraArgs={--shard-name=x}":                                        {"--shard-name is set by the chart; leave it out: each replica has its pod's name"},
		"watchNamespaces={shop}":                                            {"watchNamespaces is for scope: namespaced"},
		"demo.enabled=true,manager.defaultApiUrl=https://api.green-api.com": {"demo.enabled has the manager talk to the emulator only"},
		"metrics.enabled=false,serviceMonitor.enabled=true":                 {"serviceMonitor.enabled needs metrics.enabled"},
		"extraArgs={--watch-namespaces=shop}":                               {"--watch-namespaces is set by the chart; set scope and watchNamespaces"},
		"extraArgs={--leader-elect=false}":                                  {"--leader-elect is set by the chart; leave it out: it is always on"},
		"extraArgs={--health-probe-bind-address=:1}":                        {"leave it out: the probes look at port 8081"},
		"demo.enabled=true,extraArgs={--insecure-api=false}":                {"--insecure-api is set by the chart; leave it out: it comes with demo.enabled"},
		"extraArgs={--metrics-bind-address=:1}":                             {"set metrics.enabled and metrics.port instead"},
		"metrics.port=8081":                                                 {"metrics.port: the probes have 8081; set another port"},
		"metrics.secure=false,metrics.certSecretName=cert":                  {"metrics.certSecretName needs metrics.enabled and metrics.secure"},
		"metrics.enabled=false,metrics.certSecretName=cert":                 {"metrics.certSecretName needs metrics.enabled and metrics.secure"},
		"metrics.secure=false," + reader:                                    {"metrics.readers needs metrics.enabled and metrics.secure"},
		"metrics.enabled=false," + reader:                                   {"metrics.readers needs metrics.enabled and metrics.secure"},
		"rbac.create=false," + reader:                                       {"metrics.readers needs rbac.create and rbac.userRoles"},
		"rbac.userRoles=false," + reader:                                    {"metrics.readers needs rbac.create and rbac.userRoles"},
		"commonLabels.team=a,serviceMonitor.labels.team=b":                  {"serviceMonitor.labels: the label team is in commonLabels too"},
	} {
		expectRefused(t, flags, want...)
	}
	output, err := render(t, "--kube-version", "1.30.5")
	NewWithT(t).Expect(err).To(HaveOccurred())
	NewWithT(t).Expect(output).To(ContainSubstring(">=1.31.0-0"))
}

// TestAChartMayDependOnThisOne: what Helm hands to it besides its values is no mistake.
func TestAChartMayDependOnThisOne(t *testing.T) {
	t.Parallel()
	g, folder := NewWithT(t), t.TempDir()
	here, err := filepath.Abs(chart)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(os.MkdirAll(filepath.Join(folder, "charts"), 0o700)).To(Succeed())
	g.Expect(os.CopyFS(filepath.Join(folder, "charts", chart), os.DirFS(here))).To(Succeed())
	g.Expect(os.WriteFile(filepath.Join(folder, "Chart.yaml"), []byte("apiVersion: v2\nname: shop\nversion: 1.0.0\n"+
		"dependencies: [{name: greenapi-operator, version: \"*\", condition: greenapi-operator.enabled}]\n"), 0o600)).To(Succeed())
	g.Expect(os.WriteFile(filepath.Join(folder, "values.yaml"), []byte("global: {any: thing}\ngreenapi-operator: {enabled: true, replicas: 2}\n"), 0o600)).To(Succeed())
	output, err := runWith(t.Context(), nil, helm, "template", "shop", folder)
	g.Expect(err).NotTo(HaveOccurred(), output)
	g.Expect(output).To(ContainSubstring("name: shop-greenapi-operator-controller-manager"))
	output, err = runWith(t.Context(), nil, helm, "template", "shop", folder, "--set", "greenapi-operator.enabled=false")
	g.Expect(err).NotTo(HaveOccurred(), output)
	g.Expect(output).NotTo(ContainSubstring("kind:"))
}

// TestTheReadmeHasEveryValue: the table is generated, and every value has a line that says something.
func TestTheReadmeHasEveryValue(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(chart, "README.md"))
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	rows := map[string]bool{}
	for _, row := range regexp.MustCompile(`(?m)^\| ([\w.]+) \| [\w/]+ \|.*\|([^|]*)\|$`).FindAllStringSubmatch(string(text), -1) {
		rows[row[1]] = strings.TrimSpace(row[2]) != ""
	}
	var values map[string]any
	read(t, "values.yaml", &values)
	for _, name := range leaves("", values) {
		if !rows[name] {
			t.Errorf("make chart: README.md has no row for %s", name)
		}
	}
}

// leaves are the names of all values. What is an object with a comment of its own is one value.
func leaves(path string, values map[string]any) []string {
	var names []string
	for name, value := range values {
		object, ok := value.(map[string]any)
		whole := []string{"resources", "podSecurityContext", "securityContext", "demo.resources", "grafana.dashboard.labels"}
		if ok && len(object) > 0 && !slices.Contains(whole, path+name) {
			names = append(names, leaves(path+name+".", object)...)
		} else {
			names = append(names, path+name)
		}
	}
	return names
}

// TestArtifactHubIsToldTheTruth: its annotations are about these kinds, and their examples are ones that the API takes.
func TestArtifactHubIsToldTheTruth(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	var about struct {
		AppVersion  string            `json:"appVersion"`
		Annotations map[string]string `json:"annotations"`
	}
	read(t, "Chart.yaml", &about)
	var crds []struct{ Kind, Version, Name, Description string }
	g.Expect(yaml.Unmarshal([]byte(about.Annotations["artifacthub.io/crds"]), &crds)).To(Succeed())
	var told, there []string
	for _, crd := range crds {
		g.Expect(crd.Description).NotTo(BeEmpty())
		told = append(told, crd.Name+" "+crd.Kind+" "+crd.Version)
	}
	for _, crd := range of(oneFile(t), "CustomResourceDefinition") {
		var d struct {
			Spec struct {
				Names    struct{ Kind string }
				Versions []struct{ Name string }
			}
		}
		text, err := crd.MarshalJSON()
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(json.Unmarshal(text, &d)).To(Succeed())
		there = append(there, crd.GetName()+" "+d.Spec.Names.Kind+" "+d.Spec.Versions[0].Name)
	}
	g.Expect(told).To(ConsistOf(there))
	var images []struct{ Name, Image string }
	g.Expect(yaml.Unmarshal([]byte(about.Annotations["artifacthub.io/images"]), &images)).To(Succeed())
	var used []string
	for _, deployment := range of(template(t, "--set", "demo.enabled=true"), "Deployment") {
		used = append(used, containersOf(t, deployment)[0].Image)
	}
	g.Expect(images).To(HaveLen(len(used)))
	for _, image := range images {
		g.Expect(used).To(ContainElement(image.Image))
		g.Expect(image.Image).To(HaveSuffix(":" + about.AppVersion))
	}
}

// TestTheValuesThatThePagesShowAreTheCharts: whoever copies them gets no error, and what they ask for.
func TestTheValuesThatThePagesShowAreTheCharts(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	page, err := os.ReadFile(filepath.Join("..", "docs", "observability.md"))
	g.Expect(err).NotTo(HaveOccurred())
	_, after, found := strings.Cut(string(page), "<!-- values of the chart -->\n```yml\n")
	block, _, ended := strings.Cut(after, "```\n")
	g.Expect(found && ended).To(BeTrue())
	file := filepath.Join(t.TempDir(), "values.yaml")
	g.Expect(os.WriteFile(file, []byte(block), 0o600)).To(Succeed())
	objects := template(t, "--values", file)
	for _, kind := range []string{"ServiceMonitor", "PrometheusRule", "ConfigMap"} {
		g.Expect(of(objects, kind)).NotTo(BeEmpty(), kind)
	}
}
