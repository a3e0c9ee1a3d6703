// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
)

// Metrics are the operator's own metrics. Their labels come from closed sets: never an instance, never a vendor's
// word that is not known.
type Metrics struct {
	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
	restarts  *prometheus.CounterVec
	drift     *prometheus.CounterVec
	settle    *prometheus.HistogramVec

	instances, conditions, oldest, statuses *prometheus.Desc

	mu      sync.Mutex
	sources []metricsSource
	reader  client.Reader
	kinds   []Kind
}

// metricsSource is what the gauges of one kind are computed from at each scrape.
type metricsSource struct {
	kind     string
	memories *memories
	clock    clock.PassiveClock
}

// NewMetrics builds the metrics and registers them. The gauges are computed from the reader at each scrape.
func NewMetrics(registry prometheus.Registerer, reader client.Reader, kinds []Kind) (*Metrics, error) {
	m := &Metrics{
		reader: reader, kinds: kinds,
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "greenapi_api_requests_total",
			Help: "Calls to the vendor's API by method and HTTP code; code is error where no answer came."}, []string{"method", "code"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "greenapi_api_request_duration_seconds",
			Help: "Duration of calls to the vendor's API.", Buckets: prometheus.ExponentialBuckets(0.01, 2, 12)}, []string{"method"}),
		restarts: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "greenapi_instance_restarts_total",
			Help: "Restarts of instances that this operator caused."}, []string{"kind", "reason"}),
		drift: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "greenapi_drift_detected_total",
			Help: "Settings that were seen to differ without a change of the spec; setting is additional for those without a field of their own."}, []string{"kind", "setting"}),
		settle: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "greenapi_settle_duration_seconds",
			Help: "Time from writing settings until they were seen in effect.", Buckets: prometheus.ExponentialBuckets(1, 2, 11)}, []string{"kind"}),
		instances:  prometheus.NewDesc("greenapi_instances", "Resources by the vendor's state; other for one that is not known.", []string{"kind", "state"}, nil),
		conditions: prometheus.NewDesc("greenapi_instance_conditions", "Resources by condition and its status.", []string{"kind", "condition", "status"}, nil),
		statuses:   prometheus.NewDesc("greenapi_incoming_statuses", "Statuses of contacts within the windows that the resources ask for, over all of them.", []string{"type"}, nil),
		oldest:     prometheus.NewDesc("greenapi_oldest_observation_seconds", "Age of the oldest successful reading of a state, over all resources.", []string{"kind"}, nil),
	}
	for _, collector := range []prometheus.Collector{m.requests, m.durations, m.restarts, m.drift, m.settle, m} {
		if err := registry.Register(collector); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// ObserveCall is the client's Observer.
func (m *Metrics) ObserveCall(method, code string, took time.Duration) {
	m.requests.WithLabelValues(method, code).Inc()
	m.durations.WithLabelValues(method).Observe(took.Seconds())
}

// watch adds a kind to the gauges.
func (m *Metrics) watch(kind string, memories *memories, clock clock.PassiveClock) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sources = append(m.sources, metricsSource{kind, memories, clock})
}

// count counts what a pass changed, once it is stored.
func (m *Metrics) count(kind string, p *pass) {
	before, after := p.original.Restarts, p.stored.Restarts
	if after != nil && (before == nil || after.Total > before.Total) {
		m.restarts.WithLabelValues(kind, after.LastReason).Inc()
	}
	for _, name := range p.drift() {
		m.drift.WithLabelValues(kind, p.desired.MetricName(name)).Inc()
	}
	if record := p.stored.Apply; record != nil && record.Outcome == v1alpha1.OutcomeConfirmed && record.FinishedTime != nil &&
		p.original.Apply.Active() && p.original.Apply.StartedTime.UnixMicro() == record.StartedTime.UnixMicro() {
		m.settle.WithLabelValues(kind).Observe(record.FinishedTime.Sub(record.StartedTime.Time).Seconds())
	}
}

// Describe is part of prometheus.Collector.
func (m *Metrics) Describe(out chan<- *prometheus.Desc) {
	out <- m.instances
	out <- m.conditions
	out <- m.oldest
	out <- m.statuses
}

// Collect is part of prometheus.Collector.
func (m *Metrics) Collect(out chan<- prometheus.Metric) {
	statuses := map[string]int64{}
	for _, kind := range m.kinds {
		m.collectKind(kind, statuses, out)
	}
	for status, n := range statuses {
		out <- prometheus.MustNewConstMetric(m.statuses, prometheus.GaugeValue, float64(n), status)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, source := range m.sources {
		if at, ok := source.memories.oldestRead(); ok {
			out <- prometheus.MustNewConstMetric(m.oldest, prometheus.GaugeValue, source.clock.Since(at).Seconds(), source.kind)
		}
	}
}

func (m *Metrics) collectKind(kind Kind, statuses map[string]int64, out chan<- prometheus.Metric) {
	list := kind.NewList()
	// The cache answers from memory, and nothing here changes what it returns.
	if err := m.reader.List(context.Background(), list, client.UnsafeDisableDeepCopy); err != nil {
		out <- prometheus.NewInvalidMetric(m.instances, err)
		return
	}
	states, conditions := map[string]int{}, map[[2]string]int{}
	_ = apimeta.EachListItem(list, func(object runtime.Object) error {
		instance, ok := object.(v1alpha1.Instance)
		if !ok {
			return nil
		}
		status := instance.InstanceStatus()
		state := status.StateInstance
		if !greenapi.States[state] {
			state = "other"
		}
		states[state]++
		if status.IncomingStatuses != nil {
			for _, count := range status.IncomingStatuses.ByType {
				statuses[count.Type] += count.Count
			}
		}
		for _, condition := range status.Conditions {
			conditions[[2]string{condition.Type, string(condition.Status)}]++
		}
		return nil
	})
	for state, n := range states {
		out <- prometheus.MustNewConstMetric(m.instances, prometheus.GaugeValue, float64(n), kind.Name, state)
	}
	for condition, n := range conditions {
		out <- prometheus.MustNewConstMetric(m.conditions, prometheus.GaugeValue, float64(n), kind.Name, condition[0], condition[1])
	}
}
