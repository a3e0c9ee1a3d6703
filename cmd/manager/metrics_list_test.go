// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
	"github.com/greenapi-operator/greenapi-operator/internal/installation"
)

// documentedMetric is a row of a table of metrics: its name with its labels, and its type.
var documentedMetric = regexp.MustCompile("(?m)^\\| `([a-z_]+\\{[a-z,]*\\})` \\| ([a-z]+) \\|")

// documentedMetrics are the metrics of docs/observability.md, by name and labels.
func documentedMetrics(t *testing.T) map[string]string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "observability.md"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, row := range documentedMetric.FindAllStringSubmatch(string(page), -1) {
		found[row[1]] = row[2]
	}
	return found
}

// servedMetrics are those of a scrape in the same form: name{labels} and type. Every series of a metric must have the same
// labels.
func servedMetrics(t *testing.T, body string) map[string]string {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	served := map[string]string{}
	for name, family := range families {
		var labels string
		for i, series := range family.GetMetric() {
			var names []string
			for _, label := range series.GetLabel() {
				names = append(names, label.GetName())
			}
			slices.Sort(names)
			if joined := strings.Join(names, ","); i > 0 && joined != labels {
				t.Errorf("series of %s have different labels: %s, %s", name, labels, joined)
			} else {
				labels = joined
			}
		}
		served[fmt.Sprintf("%s{%s}", name, labels)] = strings.ToLower(family.GetType().String())
	}
	return served
}

// scrapeAll lets a real process do all that metrics count, and scrapes it as Prometheus does.
func scrapeAll(t *testing.T) string {
	t.Helper()
	w := newWorld(t)
	w.vendor.Remove(instanceID)
	w.vendor.Add(emulator.Instance{ID: instanceID, Token: "first-canary-token-0123456789", BetaEnabled: true,
		IncomingStatuses: []map[string]any{{"typeMessage": "textMessage", "timestamp": time.Now().Unix()}}})
	resource := w.get()
	resource.Spec.IncomingStatuses = &v1alpha1.IncomingStatuses{Interval: &metav1.Duration{Duration: time.Minute}}
	w.Expect(admin.Update(t.Context(), resource)).To(Succeed())
	reader := w.account("reader", installation.Find[rbacv1.ClusterRole](t, render(t, "default"), "ClusterRole", "metrics-reader"))
	w.reseller()
	w.newClaim("bought", "")
	address := w.serving("--leader-elect", "--leader-election-namespace="+w.ns, "--partner-accounts")
	w.awaitReady()
	var body string
	w.Eventually(func() string {
		var code int
		if code, body = scrape(t, "https://"+address, reader, nil); code != http.StatusOK {
			return fmt.Sprint(code)
		}
		return body
	}, patience).Should(And(ContainSubstring("greenapi_incoming_statuses{"), ContainSubstring("greenapi_partner_instances{"), ContainSubstring("greenapi_claims_creates_total{"),
		ContainSubstring(`greenapi_settle_duration_seconds_count{kind="WhatsAppInstance"} 1`)))
	return body
}

// TestMetricsAreThoseOfTheDocs: a real process serves the documented metrics with exactly those labels, no other ones of its
// own, and promtool finds nothing wrong with them.
func TestMetricsAreThoseOfTheDocs(t *testing.T) {
	t.Parallel()
	promtool := os.Getenv("TEST_PROMTOOL")
	if promtool == "" {
		t.Fatal("TEST_PROMTOOL is not set: run the tests by `make test`, or set it to what `make promtool` prints")
	}
	g, body := NewWithT(t), scrapeAll(t)
	documented, served := documentedMetrics(t), servedMetrics(t, body)
	for metric, kind := range documented {
		g.Expect(served).To(HaveKeyWithValue(metric, kind), "docs/observability.md has it, the process has not")
	}
	for metric := range served {
		if strings.HasPrefix(metric, "greenapi_") {
			g.Expect(documented).To(HaveKey(metric), "the process has it, docs/observability.md has not")
		}
	}

	check := exec.CommandContext(t.Context(), promtool, "check", "metrics")
	check.Stdin = strings.NewReader(own(body))
	output, err := check.CombinedOutput()
	g.Expect(err).NotTo(HaveOccurred(), "%s", output)
	g.Expect(string(output)).To(BeEmpty())
}

// own are the lines of a scrape about the operator's own metrics.
func own(body string) string {
	var lines []string
	for line := range strings.Lines(body) {
		if strings.Contains(line, "greenapi_") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

// TestRareEventsAreCountedFromZero: Prometheus sees no increase in a series that begins at 1, so those of restarts and drift
// are there from the start.
func TestRareEventsAreCountedFromZero(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	address := w.serving("--metrics-secure=false")
	body := ""
	w.Eventually(func() (code int) { code, body = scrape(t, "http://"+address, "", nil); return code }, patience).Should(Equal(http.StatusOK))
	for _, series := range []string{
		`greenapi_instance_restarts_total{kind="TelegramInstance",reason="Retry"} 0`,
		`greenapi_instance_restarts_total{kind="WhatsAppInstance",reason="StuckStarting"} 0`,
		`greenapi_drift_detected_total{kind="MaxInstance",setting="incomingWebhook"} 0`,
		`greenapi_drift_detected_total{kind="WhatsAppInstance",setting="additional"} 0`,
		`greenapi_settle_duration_seconds_count{kind="MaxInstance"} 0`,
	} {
		w.Expect(body).To(ContainSubstring(series + "\n"))
	}
}
