// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package claims

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
)

// Metrics count what claims do. Its methods may be called on nil.
type Metrics struct {
	creates      *prometheus.CounterVec
	abandonments prometheus.Counter
}

// NewMetrics registers the metrics of claims.
func NewMetrics(registry prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		creates: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "greenapi_claims_creates_total",
			Help: "Calls that buy an instance, by partner account and outcome: Created, Rejected or Unknown."}, []string{"account", "outcome"}),
		abandonments: prometheus.NewCounter(prometheus.CounterOpts{Name: "greenapi_claims_abandoned_total",
			Help: "Claims that were let go although their instance could not be deleted for a day: it is paid for still."}),
	}
	for _, collector := range []prometheus.Collector{m.creates, m.abandonments} {
		if err := registry.Register(collector); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *Metrics) created(account string, err error) {
	if m == nil {
		return
	}
	outcome := "Created"
	switch {
	case err == nil:
	case greenapi.TookNoEffect(err):
		outcome = "Rejected"
	default:
		outcome = "Unknown"
	}
	m.creates.WithLabelValues(account, outcome).Inc()
}

func (m *Metrics) abandoned() {
	if m != nil {
		m.abandonments.Inc()
	}
}
