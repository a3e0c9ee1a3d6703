// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package prometheus tests the alerts with the tool that Prometheus itself brings for it.
package prometheus

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

const runbooks = "https://github.com/greenapi-operator/greenapi-operator/blob/main/docs/runbooks/"

// rule is an alert as the resource PrometheusRule has it.
type rule struct {
	Alert       string            `json:"alert"`
	Expr        string            `json:"expr"`
	For         string            `json:"for,omitempty"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

type group struct {
	Name  string `json:"name"`
	Rules []rule `json:"rules"`
}

// prometheusRule is the resource, without what is not used here: another field is a mistake.
type prometheusRule struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name      string            `json:"name"`
		Namespace string            `json:"namespace"`
		Labels    map[string]string `json:"labels"`
	} `json:"metadata"`
	Spec struct {
		Groups []group `json:"groups"`
	} `json:"spec"`
}

func groups(t *testing.T) []group {
	t.Helper()
	text, err := os.ReadFile("rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var resource prometheusRule
	if err := yaml.UnmarshalStrict(text, &resource); err != nil {
		t.Fatal(err)
	}
	NewWithT(t).Expect(resource.APIVersion + " " + resource.Kind).To(Equal("monitoring.coreos.com/v1 PrometheusRule"))
	return resource.Spec.Groups
}

func alerts(t *testing.T) []rule {
	t.Helper()
	var all []rule
	for _, group := range groups(t) {
		all = append(all, group.Rules...)
	}
	return all
}

// ruleTests are the files with cases for promtool, in testdata.
var ruleTests = []string{"rules_test.yaml", "rules_days_test.yaml"}

// promtool runs the real promtool in a folder with the groups of rules.yaml and their tests.
func promtool(t *testing.T, arguments ...string) {
	t.Helper()
	tool := os.Getenv("TEST_PROMTOOL")
	if tool == "" {
		t.Fatal("TEST_PROMTOOL is not set: run the tests by `make test`, or set it to what `make promtool` prints")
	}
	g, folder := NewWithT(t), t.TempDir()
	text, err := yaml.Marshal(map[string]any{"groups": groups(t)})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(os.WriteFile(filepath.Join(folder, "rules.yaml"), text, 0o600)).To(Succeed())
	g.Expect(os.CopyFS(folder, os.DirFS("testdata"))).To(Succeed())
	command := exec.CommandContext(t.Context(), tool, arguments...)
	command.Dir = folder
	output, err := command.CombinedOutput()
	g.Expect(err).NotTo(HaveOccurred(), "%s", output)
}

func TestRulesAreValid(t *testing.T) {
	promtool(t, "check", "rules", "--lint=all", "--lint-fatal", "rules.yaml")
}

func TestAlertsFireAndKeepQuiet(t *testing.T) {
	promtool(t, append([]string{"test", "rules"}, ruleTests...)...)
}

// TestEveryAlertIsTestedBothWays: testdata has for each alert a case in which it fires and one in which it does not.
func TestEveryAlertIsTestedBothWays(t *testing.T) {
	g := NewWithT(t)
	fires, quiet := map[string]bool{}, map[string]bool{}
	for _, name := range ruleTests {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		g.Expect(err).NotTo(HaveOccurred())
		var file struct {
			Tests []struct {
				Cases []struct {
					Alert  string `json:"alertname"`
					Alerts []any  `json:"exp_alerts"`
				} `json:"alert_rule_test"`
			} `json:"tests"`
		}
		g.Expect(yaml.Unmarshal(text, &file)).To(Succeed())
		for _, test := range file.Tests {
			for _, c := range test.Cases {
				fires[c.Alert] = fires[c.Alert] || len(c.Alerts) > 0
				quiet[c.Alert] = quiet[c.Alert] || len(c.Alerts) == 0
			}
		}
	}
	for _, alert := range alerts(t) {
		g.Expect(fires[alert.Alert]).To(BeTrue(), "no case in which %s fires", alert.Alert)
		g.Expect(quiet[alert.Alert]).To(BeTrue(), "no case in which %s keeps quiet", alert.Alert)
	}
}

// TestEveryAlertSaysWhatToDo: a summary, a description, a severity, and a page of its own; and each page has its alert.
func TestEveryAlertSaysWhatToDo(t *testing.T) {
	g := NewWithT(t)
	folder := filepath.Join("..", "..", "docs", "runbooks")
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "observability.md"))
	g.Expect(err).NotTo(HaveOccurred())
	var names []string
	for _, alert := range alerts(t) {
		names = append(names, alert.Alert+".md")
		g.Expect(alert.Annotations).To(HaveLen(3), alert.Alert)
		g.Expect(alert.Annotations["summary"]).NotTo(BeEmpty(), alert.Alert)
		g.Expect(alert.Annotations["description"]).NotTo(BeEmpty(), alert.Alert)
		g.Expect(alert.Annotations["runbook_url"]).To(Equal(runbooks + alert.Alert + ".md"))
		g.Expect(alert.Labels["severity"]).To(BeElementOf("warning", "critical"), alert.Alert)
		wait := alert.For
		if wait == "" {
			wait = "at once"
		}
		g.Expect(string(page)).To(ContainSubstring("| [" + alert.Alert + "](runbooks/" + alert.Alert + ".md) | " + alert.Labels["severity"] + " | " + wait + " |\n"))
		text, err := os.ReadFile(filepath.Join(folder, alert.Alert+".md"))
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(string(text)).To(HavePrefix("# " + alert.Alert + "\n\nSeverity " + alert.Labels["severity"] + "."))
		for _, part := range []string{"Meaning", "Impact", "What to look at", "What to do", "When to silence"} {
			g.Expect(string(text)).To(ContainSubstring("\n## "+part+"\n"), alert.Alert)
		}
	}
	entries, err := os.ReadDir(folder)
	g.Expect(err).NotTo(HaveOccurred())
	var pages []string
	for _, entry := range entries {
		pages = append(pages, entry.Name())
	}
	slices.Sort(names)
	g.Expect(pages).To(Equal(names))
}

// TestRunbooksLookAtAllKinds: a line for kubectl that names one kind names the others too.
func TestRunbooksLookAtAllKinds(t *testing.T) {
	g := NewWithT(t)
	pages, err := filepath.Glob(filepath.Join("..", "..", "docs", "runbooks", "*.md"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(pages).NotTo(BeEmpty())
	for _, page := range pages {
		text, err := os.ReadFile(page)
		g.Expect(err).NotTo(HaveOccurred())
		for line := range strings.Lines(string(text)) {
			if !strings.HasPrefix(line, "kubectl get ") {
				continue
			}
			kinds := 0
			for _, kind := range []string{"whatsappinstances", "maxinstances", "telegraminstances"} {
				kinds += strings.Count(line, kind)
			}
			g.Expect(kinds == 0 || kinds == 3).To(BeTrue(), "%s: %s", filepath.Base(page), line)
		}
	}
}

// TestAlertsAboutInstancesLeavePausedOnesOut: pausing ends an alert that fires as long as an instance is in some state. One
// that compares two times may count all.
func TestAlertsAboutInstancesLeavePausedOnesOut(t *testing.T) {
	g := NewWithT(t)
	for _, alert := range alerts(t) {
		if strings.HasPrefix(alert.Alert, "GreenAPIInstances") && !strings.Contains(alert.Expr, " offset ") || alert.Alert == "GreenAPICredentialsRejected" {
			g.Expect(alert.Expr).To(ContainSubstring("greenapi_unpaused_"), alert.Alert)
			g.Expect(alert.Expr).NotTo(MatchRegexp(`\bgreenapi_instance(s|_conditions)\b`), alert.Alert)
		}
	}
}

var (
	documented = regexp.MustCompile("(?m)^\\| `([a-z_]+)\\{([a-z,]*)\\}` \\| [a-z]+ \\|")
	used       = regexp.MustCompile(`\b(?:greenapi|controller_runtime|workqueue|leader_election|process|go|rest_client)_[a-z_]+`)
)

// TestAlertsUseMetricsThatExist: those of the tables in docs/observability.md, which a test of the process holds true, those of
// kube-state-metrics, and up, which Prometheus makes itself. A word of an expression is one, or a label of one, or PromQL.
func TestAlertsUseMetricsThatExist(t *testing.T) {
	g := NewWithT(t)
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "observability.md"))
	g.Expect(err).NotTo(HaveOccurred())
	known := map[string]bool{}
	for _, row := range documented.FindAllStringSubmatch(string(page), -1) {
		known[row[1]] = true
	}
	g.Expect(known).NotTo(BeEmpty())
	// What kube-state-metrics makes of statuses.
	ofResources, err := os.ReadFile(filepath.Join("..", "kube-state-metrics", "custom-resource-state.yaml"))
	g.Expect(err).NotTo(HaveOccurred())
	for _, name := range regexp.MustCompile(`(?m)^ +- (?:&\w+)?\s*name: (\w+)$`).FindAllStringSubmatch(string(ofResources), -1) {
		known["greenapi_resource_"+name[1]] = true
	}
	for _, alert := range alerts(t) {
		names := used.FindAllString(alert.Expr, -1)
		g.Expect(names != nil || strings.Contains(alert.Expr, "up{")).To(BeTrue(), alert.Alert)
		for _, name := range names {
			for _, suffix := range []string{"_bucket", "_count", "_sum"} {
				if base, cut := strings.CutSuffix(name, suffix); cut && known[base] {
					name = base
				}
			}
			g.Expect(known[name]).To(BeTrue(), "%s uses %s, which no process serves", alert.Alert, name)
		}
	}
}

// TestTheMonitorFindsTheService: kustomize takes the folder, the ServiceMonitor selects the Service of config/default by its
// labels and its port, and Prometheus is bound to the role that is there.
func TestTheMonitorFindsTheService(t *testing.T) {
	g := NewWithT(t)
	render := func(folder string) string {
		rendered, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), folder)
		g.Expect(err).NotTo(HaveOccurred())
		text, err := rendered.AsYaml()
		g.Expect(err).NotTo(HaveOccurred())
		return string(text)
	}
	type object struct {
		Kind     string `json:"kind"`
		Metadata struct {
			Name      string            `json:"name"`
			Namespace string            `json:"namespace"`
			Labels    map[string]string `json:"labels"`
		} `json:"metadata"`
		RoleRef struct {
			Name string `json:"name"`
		} `json:"roleRef"`
		Spec struct {
			Selector struct {
				MatchLabels map[string]string `json:"matchLabels"`
			} `json:"selector"`
			Endpoints []struct {
				Port string `json:"port"`
			} `json:"endpoints"`
		} `json:"spec"`
	}
	find := func(text, kind, name string) (found object) {
		for document := range strings.SplitSeq(text, "\n---\n") {
			var o object
			if yaml.Unmarshal([]byte(document), &o) == nil && o.Kind == kind && (name == "" || o.Metadata.Name == name) {
				found = o
			}
		}
		g.Expect(found.Kind).To(Equal(kind), name)
		return found
	}
	ours, operator := render("."), render(filepath.Join("..", "default"))
	monitor := find(ours, "ServiceMonitor", "")
	service := find(operator, "Service", "greenapi-operator-controller-manager-metrics")
	g.Expect(monitor.Metadata.Namespace).To(Equal(service.Metadata.Namespace))
	for label, value := range monitor.Spec.Selector.MatchLabels {
		g.Expect(service.Metadata.Labels).To(HaveKeyWithValue(label, value))
	}
	g.Expect(monitor.Spec.Endpoints[0].Port).To(Equal("https"))
	g.Expect(operator).To(ContainSubstring("  - name: https\n    port: 8443\n"))
	find(operator, "ClusterRole", find(ours, "ClusterRoleBinding", "").RoleRef.Name)
	find(ours, "PrometheusRule", "")
}
