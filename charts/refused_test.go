// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package charts

import (
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// reader is one of metrics.readers.
const reader = "metrics.readers[0].name=prometheus,metrics.readers[0].namespace=monitoring"

func expectRefused(t *testing.T, flags string, want ...string) {
	t.Helper()
	output, err := render(t, "--set", flags)
	if err == nil {
		t.Errorf("%s is accepted", flags)
	}
	for _, word := range want {
		if !strings.Contains(output, word) {
			t.Errorf("%s: no %q in: %s", flags, word, output)
		}
	}
}

// TestNothingIsSaidTwice: a flag that a value stands for and a label that the chart sets are refused, with what to do instead.
// Other labels of the same family are people's own.
func TestNothingIsSaidTwice(t *testing.T) {
	t.Parallel()
	for flag, value := range map[string]string{
		"--allowed-api-hosts": "manager.allowedApiHosts", "--default-api-url": "manager.defaultApiUrl", "--api-proxy": "manager.apiProxy",
		"--api-qps": "manager.apiQps", "--watch-label-selector": "manager.watchLabelSelector", "--shard-ring": "manager.shardRing", "--secret-label-selector": "manager.secretLabelSelector", "--webhook-secret-label-selector": "manager.webhookSecretLabelSelector",
		"--account-details":           "manager.accountDetails",
		"--max-concurrent-reconciles": "manager.maxConcurrentReconciles", "--max-concurrent-restarts": "manager.maxConcurrentRestarts",
		"--fleet-label": "manager.fleetLabel", "--restart-slow-start": "manager.restartSlowStart", "--brake-after": "manager.brakeAfter", "--restart-soak": "manager.restartSoak",
		"--state-interval": "manager.stateInterval", "--settings-interval": "manager.settingsInterval", "--zap-log-level": "manager.logLevel",
		"--leader-election-id": "leaderElection.id", "--partner-accounts": "partnerAccounts.enabled", "--metrics-secure": "metrics.secure", "--metrics-cert-path": "metrics.certSecretName",
	} {
		expectRefused(t, "extraArgs={"+flag+"=1}", "extraArgs: "+flag+" is set by the chart; set "+value+" instead")
	}
	pods := []string{"app.kubernetes.io/name", "app.kubernetes.io/instance", "control-plane"}
	others := []string{"app.kubernetes.io/version", "app.kubernetes.io/managed-by", "helm.sh/chart"}
	for place, labels := range map[string][]string{
		"podLabels": pods, "commonLabels": slices.Concat(pods, others), "serviceMonitor.labels": others, "prometheusRule.labels": others,
		"grafana.dashboard.labels": others,
	} {
		for _, label := range labels {
			expectRefused(t, place+"."+strings.ReplaceAll(label, ".", `\.`)+"=x", place+": the label "+label+" is set by the chart; leave it out")
		}
	}
	own := template(t, "--set", `podLabels.app\.kubernetes\.io/version=x,commonLabels.app\.kubernetes\.io/part-of=shop,extraArgs={--insecure-api}`)
	NewWithT(t).Expect(own.Deployment(t).Spec.Template.Labels).To(And(HaveKeyWithValue("app.kubernetes.io/version", "x"),
		HaveKeyWithValue("app.kubernetes.io/part-of", "shop")))
}

// TestTheNotesTellWhyScrapingIsRefused: only where a ServiceMonitor is made, and nobody may read what it is for.
func TestTheNotesTellWhyScrapingIsRefused(t *testing.T) {
	t.Parallel()
	for flags, told := range map[string]bool{
		"serviceMonitor.enabled=true": true, "serviceMonitor.enabled=true," + reader: false,
		"serviceMonitor.enabled=true,metrics.secure=false": false, "serviceMonitor.enabled=false": false,
	} {
		output, err := runWith(t.Context(), nil, helm, "install", release, chart, "--dry-run=client", "--set", flags)
		NewWithT(t).Expect(err).NotTo(HaveOccurred(), output)
		NewWithT(t).Expect(output).To(ContainSubstring("See that the manager runs"))
		NewWithT(t).Expect(strings.Contains(output, "Scraping is refused (403) until the ServiceAccount of Prometheus is named in metrics.readers")).To(Equal(told), flags)
	}
}
