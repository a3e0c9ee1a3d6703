// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// row is a line of the table.
type row struct {
	what, key, format string
}

// bar is the limit of a figure.
type bar struct {
	value   float64
	atLeast bool
	// from is the number of instances from which on it is judged: with a few the noise is greater than the figure. to is the
	// last number, 0 for none: what is meant for 10,000 is not for more.
	from, to int
	// latency says that it is meant with the default latency, defaults with the default flags of the manager.
	latency, defaults bool
}

// fleet is how many instances most bars are meant for, and most how many are the most that one process is measured with.
const (
	fleet = 10_000
	most  = 100_000
)

// bars are those of the design: what the operator is held to on two cores.
var bars = map[string]*bar{
	keyAdoptWrites:       {value: 1, from: fleet, to: fleet, latency: true, defaults: true},
	keyRawShare:          {value: 0.5, atLeast: true, from: 1000},
	keyLooked:            {value: 60, from: fleet, to: fleet, latency: true, defaults: true},
	keyCalls:             {value: 1.3, defaults: true, from: 100},
	keyWrites:            {value: 0},
	keyCores:             {value: 0.5, from: fleet, to: fleet, latency: true, defaults: true},
	keyResident:          {value: 256, from: fleet, to: fleet},
	keyPerThousand:       {value: 4, from: fleet},
	keyWaitingCallsShare: {value: 1.05, from: 1000, defaults: true},
	keyWaitingCPUShare:   {value: 1.05, from: fleet, defaults: true},
	keyWaitingWrites:     {value: 0},
	keyBrakeCallsShare:   {value: 1.05, from: 1000, defaults: true},
	keyBrakeCPUShare:     {value: 1.05, from: fleet, defaults: true},
	keyBrakeWrites:       {value: 0, from: 1000},
	keyClaimLists:        {value: 2, from: 1000, defaults: true},
	keyClaimSteadyWrites: {value: 0},
	keyClaimList:         {value: 16, to: fleet},
	keyHangingShare:      {value: 1.2, from: 1000, defaults: true},
	keyFresh99:           {value: 2, from: fleet, latency: true, defaults: true},
}

// mostBars take the place of some bars for the most instances that one process is measured with.
var mostBars = map[string]*bar{
	keyCores:    {value: 1, from: most, latency: true, defaults: true},
	keyResident: {value: 512, from: most},
}

// ratioBars are those of a figure over that of the build before the poller (commit 61bbdfc), measured in the same run.
var ratioBars = map[string]*bar{
	keyCPUPerPoll: {value: 0.4, from: fleet, defaults: true},
	keyAdopt:      {value: 0.55, from: fleet, to: fleet, latency: true, defaults: true},
}

// barOf is the bar of a figure for so many instances, nil if there is none.
func barOf(key string, n int) *bar {
	if limit := mostBars[key]; limit != nil && n >= limit.from {
		return limit
	}
	return bars[key]
}

// judged reports whether a result is one that the bar is meant for.
func (b *bar) judged(r *result) bool {
	return r.N >= b.from && (b.to == 0 || r.N <= b.to) && (!b.latency || r.options.latency == defaultLatency) && (!b.defaults || r.options.asShipped())
}

func (b *bar) held(value float64) bool {
	if b.atLeast {
		return value >= b.value
	}
	return value <= b.value
}

func (b *bar) String() string {
	sign := "≤"
	if b.atLeast {
		sign = "≥"
	}
	return fmt.Sprintf("%s %g", sign, b.value)
}

// barResult is what the table says of a figure beside its bar.
func (r *result) barResult(key string) string {
	value, known := r.Figures[key]
	return r.judge(barOf(key, r.N), value, known)
}

// judge is what the table says of a value beside a bar.
func (r *result) judge(limit *bar, value float64, known bool) string {
	switch {
	case limit == nil || !known:
		return ""
	case !limit.judged(r):
		return "(not judged here)"
	case limit.held(value):
		return "ok"
	default:
		return "MISSED"
	}
}

// missed is how many bars were missed.
func (r *result) missed() int {
	n := 0
	for key := range bars {
		if r.barResult(key) == "MISSED" {
			n++
		}
	}
	return n
}

// rows are the lines of the table, in its order.
func (r *result) rows() []row {
	return []row{
		{what: "adopted: Ready from the start of a process, s", key: keyAdopt, format: "%.1f"},
		{what: "writes of each one's status until then", key: keyAdoptWrites, format: "%.2f"},
		{what: "memory at its peak until then, MiB", key: keyAdoptPeak, format: "%.1f"},
		{what: fmt.Sprintf("all looked at once after a start, %s latency, s", r.Latency), key: keyLooked, format: "%.1f"},
		{what: "first passes of a process a second, no latency", key: keyPassRate, format: "%.0f"},
		{what: "the same calls from a bare net/http loop, a second", key: keyRawRate, format: "%.0f"},
		{what: "passes over bare calls", key: keyRawShare, format: "%.2f"},
		{what: "steady state: calls per instance and minute", key: keyCalls, format: "%.2f"},
		{what: "steady state: calls counted by the manager", key: keyCallsCounted, format: "%.0f"},
		{what: "steady state: calls seen by the vendor", key: keyCallsSeen, format: "%.0f"},
		{what: "steady state: writes to Kubernetes", key: keyWrites, format: "%.0f"},
		{what: "steady state: polls a second", key: keySteadyPolls, format: "%.1f"},
		{what: "steady state: passes a second", key: keySteadyPasses, format: "%.1f"},
		{what: "steady state: cores used by the manager", key: keyCores, format: "%.3f"},
		{what: "CPU per poll, µs", key: keyCPUPerPoll, format: "%.0f"},
		{what: "  of it user", key: keyUserPerPoll, format: "%.0f"},
		{what: "  of it system", key: keySystemPerPoll, format: "%.0f"},
		{what: "memory of the manager without instances, MiB", key: keyEmpty, format: "%.1f"},
		{what: "memory in the steady state, MiB", key: keyResident, format: "%.1f"},
		{what: "memory of this process at its peak, MiB", key: keyPeak, format: "%.1f"},
		{what: "memory per 1,000 instances on top of none, MiB", key: keyPerThousand, format: "%.1f"},
		{what: "all waiting for a window: calls per instance and minute", key: keyWaitingCalls, format: "%.2f"},
		{what: "  over the steady state", key: keyWaitingCallsShare, format: "%.2f"},
		{what: "all waiting for a window: CPU per poll, µs", key: keyWaitingCPU, format: "%.0f"},
		{what: "  over the steady state", key: keyWaitingCPUShare, format: "%.2f"},
		{what: "all waiting for a window: writes to Kubernetes", key: keyWaitingWrites, format: "%.0f"},
		{what: "all behind a brake: calls per instance and minute", key: keyBrakeCalls, format: "%.2f"},
		{what: "  over the steady state", key: keyBrakeCallsShare, format: "%.2f"},
		{what: "all behind a brake: CPU per poll, µs", key: keyBrakeCPU, format: "%.0f"},
		{what: "  over the steady state", key: keyBrakeCPUShare, format: "%.2f"},
		{what: "all behind a brake: writes to Kubernetes", key: keyBrakeWrites, format: "%.0f"},
		{what: "new instance: to the first setSettings, p50, s", key: keyFresh50, format: "%.2f"},
		{what: "new instance: to the first setSettings, p99, s", key: keyFresh99, format: "%.2f"},
		{what: "drift: from a request to the correction, p50, s", key: keyDrift50, format: "%.2f"},
		{what: "drift: from a request to the correction, p99, s", key: keyDrift99, format: "%.2f"},
		{what: "  of it not --settle-poll, p50, s", key: keyOwn50, format: "%.2f"},
		{what: "  of it not --settle-poll, p99, s", key: keyOwn99, format: "%.2f"},
		{what: fmt.Sprintf("new instance beside %d failing ones of another namespace, p50, s", r.Failing), key: keyLonely50, format: "%.2f"},
		{what: fmt.Sprintf("new instance beside %d failing ones of another namespace, p99, s", r.Failing), key: keyLonely99, format: "%.2f"},
		{what: "from one look at an instance to the next, p99, s", key: keyGap99, format: "%.1f"},
		{what: fmt.Sprintf("the same beside a host that hangs, of %d others, p99, s", r.Failing), key: keyHangingGap99, format: "%.1f"},
		{what: "  of the one without it", key: keyHangingShare, format: "%.2f"},
		{what: fmt.Sprintf("%d instances of a partner account adopted by claims, s", r.Claims), key: keyClaims, format: "%.1f"},
		{what: "writes to Kubernetes for each, its Secret among them", key: keyClaimWrites, format: "%.2f"},
		{what: "then: lists of the account within five windows", key: keyClaimLists, format: "%.0f"},
		{what: "then: writes to Kubernetes", key: keyClaimSteadyWrites, format: "%.0f"},
		{what: "then: memory of the manager, MiB", key: keyClaimMemory, format: "%.1f"},
		{what: "then: what is allocated for a list, freed or not, MiB", key: keyClaimList, format: "%.1f"},
	}
}

// table lays out the figures and the bars beside them.
func (r *result) table() string {
	var text strings.Builder
	m := r.Machine
	fmt.Fprintf(&text, "\n%d instances, %d CPUs (%s), %s/%s, %s, --max-concurrent-reconciles=%d, window %s\n\n",
		r.N, m.CPUs, m.Model, m.OS, m.Arch, m.Go, r.Workers, r.Window)
	columns := tabwriter.NewWriter(&text, 0, 4, 3, ' ', 0)
	fmt.Fprintln(columns, "WHAT\tFIGURE\tBAR\t")
	for _, row := range r.rows() {
		value, known := r.Figures[row.key]
		shown, limit := "-", ""
		if known {
			shown = fmt.Sprintf(row.format, value)
		}
		if b := barOf(row.key, r.N); b != nil {
			limit = b.String()
		}
		fmt.Fprintf(columns, "%s\t%s\t%s\t%s\n", row.what, shown, limit, r.barResult(row.key))
	}
	for _, sweep := range r.Sweeps {
		fmt.Fprintf(columns, "all looked at once, %s latency, s\t%.1f\t\t(latency alone: %.1f)\n", sweep.Latency, sweep.Seconds, sweep.Floor)
	}
	_ = columns.Flush()
	if r.NoProc {
		fmt.Fprintln(&text, "\nCPU and memory are not shown: this machine has no /proc (macOS has none). Run it on Linux for them.")
	}
	if r.Figures[keyRawRate] == 0 {
		fmt.Fprintln(&text, "\nThe passes were not compared with bare calls, which is done without latency: give 0s among the latencies of --sweep.")
	}
	return text.String()
}

// compare lays out the figures of another build beside these.
func (r *result) compare(base *result) string {
	var text strings.Builder
	fmt.Fprintf(&text, "\n%d instances, the other build and this one, in turns\n\n", r.N)
	columns := tabwriter.NewWriter(&text, 0, 4, 3, ' ', 0)
	fmt.Fprintln(columns, "WHAT\tBASE\tTHIS\tRATIO\tBAR\t")
	for _, row := range r.rows() {
		before, known := base.Figures[row.key]
		now, knownNow := r.Figures[row.key]
		if !known || !knownNow {
			continue
		}
		shown, limit, result := "-", "", ""
		if before > 0 {
			shown = fmt.Sprintf("%.2f", now/before)
			if b := ratioBars[row.key]; b != nil {
				limit, result = b.String(), r.judge(b, now/before, true)
			}
		}
		fmt.Fprintf(columns, "%s\t"+row.format+"\t"+row.format+"\t%s\t%s\t%s\n", row.what, before, now, shown, limit, result)
	}
	_ = columns.Flush()
	return text.String()
}
