// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package accounts

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// scrapeTimeout is how long a scrape waits for the cache.
const scrapeTimeout = 5 * time.Second

// gauges are computed from the accounts at each scrape.
type gauges struct {
	reader    client.Reader
	instances *prometheus.Desc
}

// RegisterMetrics registers what is counted of partner accounts. It is computed from the statuses at each scrape.
func RegisterMetrics(registry prometheus.Registerer, reader client.Reader) error {
	return registry.Register(&gauges{reader: reader, instances: prometheus.NewDesc("greenapi_partner_instances",
		"Instances of a partner account as its last good list had them: living, and of those expired and unclaimed (of its owner key, and named by nothing here); deleted.", []string{"account", "state"}, nil)})
}

// Describe is part of prometheus.Collector.
func (g *gauges) Describe(out chan<- *prometheus.Desc) { out <- g.instances }

// Collect is part of prometheus.Collector.
func (g *gauges) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	var list v1alpha1.PartnerAccountList
	if err := g.reader.List(ctx, &list); err != nil {
		return
	}
	for i := range list.Items {
		account := &list.Items[i]
		counts := account.Status.Instances
		if counts == nil {
			continue
		}
		for state, n := range map[string]int32{"living": counts.Living, "deleted": counts.Deleted, "expired": counts.Expired, "unclaimed": counts.Unclaimed} {
			out <- prometheus.MustNewConstMetric(g.instances, prometheus.GaugeValue, float64(n), account.Name, state)
		}
	}
}
