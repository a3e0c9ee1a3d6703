// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/sandbox"
)

// manager is the process that is measured.
type manager struct {
	*sandbox.Process
	metrics *metrics
}

// metrics is where a process serves its metrics.
type metrics struct {
	url    string
	client *http.Client
}

const scrapeTimeout = 30 * time.Second

func newMetrics(url string) *metrics {
	return &metrics{url: url, client: &http.Client{Transport: &http.Transport{}, Timeout: scrapeTimeout}}
}

// families are metrics by name.
type families map[string]*dto.MetricFamily

func (m *metrics) scrape(ctx context.Context) (families, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, m.url, http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := m.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", m.url, response.Status)
	}
	return parseMetrics(response.Body)
}

func parseMetrics(r io.Reader) (families, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	return parser.TextToMetricFamilies(r)
}

// sum adds up the series of a counter or gauge whose labels are as wanted.
func (f families) sum(name string, wanted func(labels map[string]string) bool) float64 {
	total := 0.0
	for _, series := range f[name].GetMetric() {
		labels := map[string]string{}
		for _, label := range series.GetLabel() {
			labels[label.GetName()] = label.GetValue()
		}
		if wanted(labels) {
			total += series.GetCounter().GetValue() + series.GetGauge().GetValue()
		}
	}
	return total
}

func anyLabels(map[string]string) bool { return true }

// allocated is how many bytes the manager has allocated, freed or not.
func (f families) allocated() int64 { return int64(f.sum("go_memstats_alloc_bytes_total", anyLabels)) }

// passes is how many passes the manager has made.
func (f families) passes() float64 { return f.sum("controller_runtime_reconcile_total", anyLabels) }

// calls is how many calls to the vendor the manager has made, as it counts them itself.
func (f families) calls() float64 { return f.sum("greenapi_api_requests_total", anyLabels) }

// polls is how often the manager has asked for the state of an instance.
func (f families) polls() float64 {
	return f.sum("greenapi_api_requests_total", func(l map[string]string) bool { return l["method"] == greenapi.MethodGetStateInstance })
}

// ready is how many resources the manager has made Ready.
func (f families) ready() int {
	return int(f.sum("greenapi_instance_conditions", func(l map[string]string) bool {
		return l["condition"] == v1alpha1.ReadyCondition && l["status"] == "True"
	}))
}

// held is how many resources wait for a reason.
func (f families) held(reason string) int {
	return int(f.sum("greenapi_held", func(l map[string]string) bool { return l["reason"] == reason }))
}

// kubernetesWrites is how many requests have changed the operator's resources, or made an event, as the API server counts
// them. The lease is not among them.
func (w *world) kubernetesWrites(ctx context.Context) (float64, error) {
	return w.writes(ctx, v1alpha1.GroupVersion.Group, "events.k8s.io")
}

// writes is how many requests have changed resources of these API groups, as the API server counts them.
func (w *world) writes(ctx context.Context, groups ...string) (float64, error) {
	config := rest.CopyConfig(w.plane.Config)
	server, err := kubernetes.NewForConfig(config)
	if err != nil {
		return 0, err
	}
	body, err := server.RESTClient().Get().AbsPath("/metrics").Do(ctx).Raw()
	if err != nil {
		return 0, fmt.Errorf("the API server does not tell its metrics: %w", err)
	}
	f, err := parseMetrics(strings.NewReader(string(body)))
	return f.sum("apiserver_request_total", func(l map[string]string) bool {
		return slices.Contains(groups, l["group"]) && slices.Contains([]string{"POST", "PUT", "PATCH", "APPLY", "DELETE"}, l["verb"])
	}), err
}

// usage is what a process has used of the machine.
type usage struct {
	user, system time.Duration
	// resident and peak are in bytes.
	resident, peak int64
}

func (u usage) cpu() time.Duration { return u.user + u.system }

// clockTick is the unit of times in /proc/PID/stat; Linux shows user space this one on every architecture.
const clockTick = 10 * time.Millisecond

// errNoProc says that the machine has no /proc, as macOS has none.
var errNoProc = errors.New("there is no /proc on this machine")

// usageOf reads what a process has used; errNoProc where there is no /proc.
func usageOf(pid int) (usage, error) {
	var u usage
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if errors.Is(err, os.ErrNotExist) {
		if _, err := os.Stat("/proc/self/stat"); err != nil {
			return u, errNoProc
		}
	}
	if err != nil {
		return u, err
	}
	// The name, in brackets, may have spaces in it.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	const user, system = 11, 12
	if len(fields) <= system {
		return u, fmt.Errorf("/proc/%d/stat has only %d fields", pid, len(fields))
	}
	for i, into := range map[int]*time.Duration{user: &u.user, system: &u.system} {
		ticks, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return u, err
		}
		*into = time.Duration(ticks) * clockTick
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return u, err
	}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		into := map[string]*int64{"VmRSS": &u.resident, "VmHWM": &u.peak}[name]
		if into == nil {
			continue
		}
		kilobytes, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64)
		if err != nil {
			return u, err
		}
		*into = kilobytes << 10
	}
	return u, nil
}
