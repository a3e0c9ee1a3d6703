// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
	"github.com/greenapi-operator/greenapi-operator/internal/states"
)

// Metrics are the operator's own metrics. Their labels come from closed sets: never an instance, never a vendor's
// word that is not known.
type Metrics struct {
	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
	restarts  *prometheus.CounterVec
	drift     *prometheus.CounterVec
	settle    *prometheus.HistogramVec
	flaps     *prometheus.CounterVec
	rotations *prometheus.CounterVec
	putOff    *prometheus.CounterVec

	instances, conditions, oldest, statuses *prometheus.Desc
	// held are calls that wait, haltedFleets the fleets whose brake holds somebody.
	held, haltedFleets *prometheus.Desc
	// unpaused and unpausedConditions leave out what somebody has paused: alerts are about the others.
	unpaused, unpausedConditions *prometheus.Desc

	mu      sync.Mutex
	sources []metricsSource
	reader  client.Reader
	kinds   []instance.Kind
	// waiting says who waits for a turn, or for its fleet; nil before there is a reconciler.
	waiting func() (turns map[string]int, halted int)
}

// metricsSource is what the gauges of one kind are computed from at each scrape.
type metricsSource struct {
	kind     string
	memories *memories
	clock    clock.PassiveClock
}

// Buckets in seconds. A call may take --api-timeout, 15 s as it is, one that reads a minute. Settings are read every 20 s while they settle, for 6 minutes
// as it is, and an instance restarts in up to five.
var (
	callBuckets   = []float64{0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 2, 3, 5, 7.5, 10, 15, 20, 30, 60}
	settleBuckets = []float64{1, 5, 10, 20, 40, 60, 90, 120, 180, 240, 300, 360, 420, 600, 900}
)

// otherState stands for a state that is not known, or not yet.
const otherState = "other"

// NewMetrics builds the metrics and registers them. The gauges are computed from the reader at each scrape.
func NewMetrics(registry prometheus.Registerer, reader client.Reader, kinds []instance.Kind) (*Metrics, error) {
	m := &Metrics{
		reader: reader, kinds: kinds,
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "greenapi_api_requests_total",
			Help: "Calls to the vendor's API by method and HTTP code; code is error where no answer came."}, []string{"method", "code"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "greenapi_api_request_duration_seconds",
			Help: "Duration of calls to the vendor's API.", Buckets: callBuckets}, []string{"method"}),
		restarts: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "greenapi_instance_restarts_total",
			Help: "Restarts of instances that this operator caused."}, []string{"kind", "reason"}),
		drift: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "greenapi_drift_detected_total",
			Help: "Settings that were seen to differ without a change of the spec; setting is additional for those without a field of their own."}, []string{"kind", "setting"}),
		settle: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "greenapi_settle_duration_seconds",
			Help: "Time from writing settings until they were seen in effect.", Buckets: settleBuckets}, []string{"kind"}),
		flaps: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "greenapi_state_flaps_total",
			Help: "States that came and went between two looks, by the vendor's history."}, []string{"kind"}),
		rotations: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "greenapi_token_rotations_total",
			Help: "Replacements of API tokens that ended, by outcome: Rotated, Recovered, NotRotated or Lost."}, []string{"kind", "outcome"}),
		putOff: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "greenapi_looks_put_off_total",
			Help: "Looks that waited because as many workers as may be were out for the same host."}, []string{"kind"}),
		instances:  prometheus.NewDesc("greenapi_instances", "Resources by the vendor's state; other for one that is not known.", []string{"kind", "state"}, nil),
		conditions: prometheus.NewDesc("greenapi_instance_conditions", "Resources by condition and its status.", []string{"kind", "condition", "status"}, nil),
		statuses:   prometheus.NewDesc("greenapi_incoming_statuses", "Statuses of contacts within the windows that the resources ask for, over all of them.", []string{"type"}, nil),
		held: prometheus.NewDesc("greenapi_held", "Resources whose settings wait: for a maintenance window (window), for a halted rollout (halt), or for others to restart first (turn).",
			[]string{"kind", "reason"}, nil),
		haltedFleets: prometheus.NewDesc("greenapi_halted_fleets", "Fleets in which somebody waits because the latest restarts ended badly.", nil, nil),
		oldest:       prometheus.NewDesc("greenapi_oldest_observation_seconds", "Age of the oldest successful reading of a state, over the resources that are neither paused nor stalled, nor wait for a claim.", []string{"kind"}, nil),
		unpaused:     prometheus.NewDesc("greenapi_unpaused_instances", "Resources that are not paused, by the vendor's state; other for one that is not known.", []string{"kind", "state"}, nil),
		unpausedConditions: prometheus.NewDesc("greenapi_unpaused_instance_conditions", "Resources that are not paused, by condition and its status; Ready is Unknown where nothing was stored yet.",
			[]string{"kind", "condition", "status"}, nil),
	}
	for _, collector := range []prometheus.Collector{m.requests, m.durations, m.restarts, m.drift, m.settle, m.flaps, m.rotations, m.putOff, m} {
		if err := registry.Register(collector); err != nil {
			return nil, err
		}
	}
	m.initCounters()
	return m, nil
}

// initCounters lets the counters of what is rare begin at 0: Prometheus sees no increase in a series that begins at 1.
func (m *Metrics) initCounters() {
	reasons := []string{string(plan.RebootStuckStarting), string(plan.RebootYellowCard), string(plan.RebootRequested),
		string(v1alpha1.ApplySpecChange), string(v1alpha1.ApplyDrift), string(v1alpha1.ApplyRetry), string(v1alpha1.ApplyRequested)}
	for _, kind := range m.kinds {
		for _, reason := range reasons {
			m.restarts.WithLabelValues(kind.Name, reason)
		}
		m.drift.WithLabelValues(kind.Name, plan.AdditionalMetric)
		for _, setting := range plan.Fields(kind.NewSettings()) {
			m.drift.WithLabelValues(kind.Name, setting.Name)
		}
		m.settle.WithLabelValues(kind.Name)
		m.putOff.WithLabelValues(kind.Name)
		for _, outcome := range []v1alpha1.RotationOutcome{v1alpha1.RotationRotated, v1alpha1.RotationRecovered, v1alpha1.RotationNotRotated, v1alpha1.RotationLost} {
			m.rotations.WithLabelValues(kind.Name, string(outcome))
		}
		if kind.HistoryMethod != "" {
			m.flaps.WithLabelValues(kind.Name)
		}
		for _, method := range []string{greenapi.MethodGetStateInstance, greenapi.MethodGetSettings, greenapi.MethodSetSettings, kind.AccountMethod} {
			for _, code := range []string{"401", "429", "466"} {
				m.requests.WithLabelValues(method, code)
			}
		}
	}
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

// watchWaiting adds who waits for others.
func (m *Metrics) watchWaiting(waiting func() (turns map[string]int, halted int)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.waiting = waiting
}

// heldFor is what settings wait for by the word of a status, as far as it says.
func heldFor(status *v1alpha1.InstanceStatus) string {
	synced := apimeta.FindStatusCondition(status.Conditions, v1alpha1.SyncedCondition)
	switch {
	case synced == nil, instance.WaitsForClaim(status):
		return ""
	case synced.Reason == v1alpha1.ReasonOutsideWindow:
		return heldForWindow
	case synced.Reason == v1alpha1.ReasonRolloutHalted:
		return heldForHalt
	default:
		return ""
	}
}

// What settings wait for, as the label reason of greenapi_held.
const (
	heldForWindow, heldForHalt, heldForTurn = "window", "halt", "turn"
)

// count counts what a pass changed, once it is stored.
func (m *Metrics) count(kind string, p *pass) {
	before, after := p.original.Restarts, p.stored.Restarts
	if after != nil && (before == nil || after.Total > before.Total) {
		m.restarts.WithLabelValues(kind, after.LastReason).Inc()
	}
	if flaps := p.flaps(); len(flaps) > 0 {
		m.flaps.WithLabelValues(kind).Add(float64(len(flaps)))
	}
	if record := p.stored.APITokenRotation; rotationMoved(p.original.APITokenRotation, record) && record.Outcome != v1alpha1.RotationPending {
		m.rotations.WithLabelValues(kind, string(record.Outcome)).Inc()
	}
	for _, name := range p.drift() {
		m.drift.WithLabelValues(kind, p.desired.MetricName(name)).Inc()
	}
	if record := p.stored.Apply; record != nil && record.Outcome == v1alpha1.OutcomeConfirmed && record.FinishedTime != nil &&
		p.original.Apply.Active() && record.SameCall(p.original.Apply) {
		m.settle.WithLabelValues(kind).Observe(record.FinishedTime.Sub(record.StartedTime.Time).Seconds())
	}
}

// Describe is part of prometheus.Collector.
func (m *Metrics) Describe(out chan<- *prometheus.Desc) {
	out <- m.instances
	out <- m.conditions
	out <- m.unpaused
	out <- m.unpausedConditions
	out <- m.oldest
	out <- m.statuses
	out <- m.held
	out <- m.haltedFleets
}

// Collect is part of prometheus.Collector.
func (m *Metrics) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	statuses := map[string]int64{}
	unread := map[string]map[types.NamespacedName]bool{}
	for _, kind := range m.kinds {
		unread[kind.Name] = m.collectKind(ctx, kind, statuses, out)
	}
	for status, n := range statuses {
		out <- prometheus.MustNewConstMetric(m.statuses, prometheus.GaugeValue, float64(n), status)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.waiting != nil {
		turns, halted := m.waiting()
		for _, kind := range m.kinds {
			out <- prometheus.MustNewConstMetric(m.held, prometheus.GaugeValue, float64(turns[kind.Name]), kind.Name, heldForTurn)
		}
		out <- prometheus.MustNewConstMetric(m.haltedFleets, prometheus.GaugeValue, float64(halted))
	}
	for _, source := range m.sources {
		if at, ok := source.memories.oldestRead(unread[source.kind]); ok {
			out <- prometheus.MustNewConstMetric(m.oldest, prometheus.GaugeValue, source.clock.Since(at).Seconds(), source.kind)
		}
	}
}

// scrapeTimeout is how long a scrape waits for a cache that is not filled yet, as it never is without the rights for it. The
// other metrics are served even so.
const scrapeTimeout = time.Second

// notRead reports whether a status says that nobody looks as usual.
func notRead(status *v1alpha1.InstanceStatus) bool {
	return apimeta.IsStatusConditionTrue(status.Conditions, v1alpha1.StalledCondition) || instance.WaitsForClaim(status)
}

// collectKind counts the resources of a kind, and returns those of which it is known that they are not read as usual: one
// that is paused or stalled must not hide the age of the others.
func (m *Metrics) collectKind(ctx context.Context, kind instance.Kind, statuses map[string]int64, out chan<- prometheus.Metric) map[types.NamespacedName]bool {
	list := kind.NewList()
	// The cache answers from memory, and nothing here changes what it returns.
	if err := m.reader.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		out <- prometheus.NewInvalidMetric(m.instances, err)
		return nil
	}
	// A state that none is in shows as 0, so that a rise from none can be seen.
	unread := map[types.NamespacedName]bool{}
	all, unpaused := newCounts(), newCounts()
	held := map[string]int{heldForWindow: 0, heldForHalt: 0}
	for _, known := range alertedConditions {
		unpaused.conditions[known] = 0
	}
	instance.Each(list, func(resource v1alpha1.Instance) {
		status := resource.InstanceStatus()
		state := status.StateInstance
		if !states.Known(state) {
			state = otherState
		}
		paused := resource.Core().Paused || apimeta.IsStatusConditionTrue(status.Conditions, v1alpha1.PausedCondition)
		if paused || notRead(status) {
			unread[client.ObjectKeyFromObject(resource)] = true
		}
		all.add(state, status.Conditions)
		if !paused {
			unpaused.add(state, status.Conditions)
			if len(status.Conditions) == 0 {
				unpaused.conditions[[2]string{v1alpha1.ReadyCondition, string(metav1.ConditionUnknown)}]++
			}
		}
		if reason := heldFor(status); reason != "" && !paused {
			held[reason]++
		}
		if status.IncomingStatuses != nil {
			for _, count := range status.IncomingStatuses.ByType {
				statuses[count.Type] += count.Count
			}
		}
	})
	all.collect(kind.Name, m.instances, m.conditions, out)
	for reason, n := range held {
		out <- prometheus.MustNewConstMetric(m.held, prometheus.GaugeValue, float64(n), kind.Name, reason)
	}
	unpaused.collect(kind.Name, m.unpaused, m.unpausedConditions, out)
	return unread
}
