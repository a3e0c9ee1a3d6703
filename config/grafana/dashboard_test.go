// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package grafana tests the dashboard against the metrics that there are.
package grafana

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/yaml"
)

type panel struct {
	ID          int    `json:"id"`
	Type        string `json:"type"`
	Title       string `json:"title"`
	Description string `json:"description"`
	Datasource  struct {
		UID string `json:"uid"`
	} `json:"datasource"`
	GridPos     struct{ X, Y, W, H int } `json:"gridPos"`
	FieldConfig struct {
		Defaults struct {
			Unit string `json:"unit"`
		} `json:"defaults"`
	} `json:"fieldConfig"`
	Targets []struct {
		RefID string `json:"refId"`
		Expr  string `json:"expr"`
	} `json:"targets"`
}

type dashboard struct {
	ID            *int   `json:"id"`
	UID           string `json:"uid"`
	SchemaVersion int    `json:"schemaVersion"`
	Templating    struct {
		List []struct {
			Name       string `json:"name"`
			Definition string `json:"definition"`
		} `json:"list"`
	} `json:"templating"`
	Panels []panel `json:"panels"`
}

func read(t *testing.T) dashboard {
	t.Helper()
	text, err := os.ReadFile("dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// TestThePanelsAreInOrder: ids and titles are unique, each panel has a description, a unit, the data source that a person
// chooses, and a place that no other one has.
func TestThePanelsAreInOrder(t *testing.T) {
	g, d := NewWithT(t), read(t)
	g.Expect(d.ID).To(BeNil(), "an id belongs to one Grafana")
	g.Expect(d.UID).To(Equal("greenapi-operator"))
	g.Expect(d.SchemaVersion).To(BeNumerically(">=", 41))
	var names []string
	for _, variable := range d.Templating.List {
		names = append(names, variable.Name)
	}
	g.Expect(names).To(Equal([]string{"datasource", "namespace", "job", "kind"}))
	ids, titles, places := map[int]bool{}, map[string]bool{}, map[[2]int]string{}
	for _, p := range d.Panels {
		g.Expect(ids[p.ID] || titles[p.Title]).To(BeFalse(), "two panels have the id %d or the title %s", p.ID, p.Title)
		ids[p.ID], titles[p.Title] = true, true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				g.Expect(places[[2]int{x, y}]).To(BeEmpty(), "%s covers another panel", p.Title)
				places[[2]int{x, y}] = p.Title
			}
		}
		g.Expect(p.GridPos.X+p.GridPos.W).To(BeNumerically("<=", 24), p.Title)
		if p.Type == "row" {
			continue
		}
		g.Expect(p.Description).NotTo(BeEmpty(), p.Title)
		g.Expect(p.FieldConfig.Defaults.Unit).NotTo(BeEmpty(), p.Title)
		g.Expect(p.Datasource.UID).To(Equal("${datasource}"), p.Title)
		g.Expect(p.Targets).NotTo(BeEmpty(), p.Title)
	}
}

// fill puts something into the variables, as Grafana does.
func fill(expr string) string {
	return strings.NewReplacer("$__rate_interval", "5m", "$namespace", ".*", "$job", ".*", "$kind", ".*").Replace(expr)
}

// TestPrometheusTakesTheQueries: promtool reads every expression as one of a rule.
func TestPrometheusTakesTheQueries(t *testing.T) {
	tool := os.Getenv("TEST_PROMTOOL")
	if tool == "" {
		t.Fatal("TEST_PROMTOOL is not set: run the tests by `make test`, or set it to what `make promtool` prints")
	}
	g := NewWithT(t)
	var rules []map[string]string
	for _, p := range read(t).Panels {
		for _, target := range p.Targets {
			rules = append(rules, map[string]string{"record": fmt.Sprintf("panel:%d:%s", p.ID, target.RefID), "expr": fill(target.Expr)})
		}
	}
	g.Expect(len(rules)).To(BeNumerically(">", 20))
	text, err := yaml.Marshal(map[string]any{"groups": []any{map[string]any{"name": "dashboard", "rules": rules}}})
	g.Expect(err).NotTo(HaveOccurred())
	file := filepath.Join(t.TempDir(), "rules.yaml")
	g.Expect(os.WriteFile(file, text, 0o600)).To(Succeed())
	output, err := exec.CommandContext(t.Context(), tool, "check", "rules", file).CombinedOutput()
	g.Expect(err).NotTo(HaveOccurred(), "%s", output)
}

var (
	documented = regexp.MustCompile("(?m)^\\| `([a-z_]+)\\{([a-z,]*)\\}` \\| ([a-z]+) \\|")
	selector   = regexp.MustCompile(`([a-z][a-z_]+)\{([^}]*)\}`)
	matcher    = regexp.MustCompile(`([a-z_]+)(?:=~|!~|!=|=)"`)
	grouping   = regexp.MustCompile(`(?:by|on) \(([^)]*)\)`)
	list       = regexp.MustCompile(`label_values\(([a-z_]+)(?:\{[^}]*\})?, ([a-z]+)\)`)
)

// TestTheQueriesUseMetricsAndLabelsThatExist: those of the tables in docs/observability.md, which a test of the process holds
// true, and the labels that Prometheus adds to a target.
func TestTheQueriesUseMetricsAndLabelsThatExist(t *testing.T) {
	g, d := NewWithT(t), read(t)
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "observability.md"))
	g.Expect(err).NotTo(HaveOccurred())
	known := map[string][]string{}
	for _, row := range documented.FindAllStringSubmatch(string(page), -1) {
		labels := append(strings.Split(row[2], ","), "namespace", "job", "instance", "pod")
		known[row[1]] = labels
		if row[3] == "histogram" {
			delete(known, row[1])
			known[row[1]+"_bucket"], known[row[1]+"_count"], known[row[1]+"_sum"] = append(labels, "le"), labels, labels
		}
	}
	used := map[string]bool{}
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			var labels []string
			found := selector.FindAllStringSubmatch(fill(target.Expr), -1)
			g.Expect(found).NotTo(BeEmpty(), p.Title)
			for _, s := range found {
				g.Expect(known).To(HaveKey(s[1]), "%s: no process serves it", p.Title)
				used[s[1]] = true
				labels = append(labels, known[s[1]]...)
				for _, m := range matcher.FindAllStringSubmatch(s[2], -1) {
					g.Expect(known[s[1]]).To(ContainElement(m[1]), "%s: %s has no such label", p.Title, s[1])
				}
			}
			for _, by := range grouping.FindAllStringSubmatch(target.Expr, -1) {
				for label := range strings.SplitSeq(by[1], ", ") {
					g.Expect(slices.Contains(labels, label)).To(BeTrue(), "%s groups by %s", p.Title, label)
				}
			}
		}
	}
	for _, variable := range d.Templating.List[1:] {
		parts := list.FindStringSubmatch(variable.Definition)
		g.Expect(parts).To(HaveLen(3), variable.Name)
		g.Expect(known[parts[1]]).To(ContainElement(parts[2]), variable.Name)
	}
	for metric := range known {
		if base := strings.TrimSuffix(metric, "_bucket"); strings.HasPrefix(metric, "greenapi_") && metric != "greenapi_incoming_statuses" && !strings.HasSuffix(metric, "_count") && !strings.HasSuffix(metric, "_sum") {
			g.Expect(used[metric]).To(BeTrue(), "no panel shows %s", base)
		}
	}
}
