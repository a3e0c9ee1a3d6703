// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Keys of the figures, by which a program finds them in the JSON.
const (
	keyAdopt             = "adoptSeconds"
	keyAdoptPeak         = "adoptPeakMiB"
	keyAdoptWrites       = "adoptWritesPerInstance"
	keyPassRate          = "passesPerSecondWithoutLatency"
	keyRawRate           = "rawCallsPerSecond"
	keyRawShare          = "passesOverRawCalls"
	keyLooked            = "lookedAtSeconds"
	keyCalls             = "callsPerInstanceAndMinute"
	keyCallsCounted      = "callsCounted"
	keyCallsSeen         = "callsSeen"
	keyWrites            = "kubernetesWrites"
	keySteadyPasses      = "steadyPassesPerSecond"
	keySteadyPolls       = "steadyPollsPerSecond"
	keyCores             = "steadyCores"
	keyCPUPerPoll        = "cpuMicrosecondsPerPoll"
	keyUserPerPoll       = "userMicrosecondsPerPoll"
	keySystemPerPoll     = "systemMicrosecondsPerPoll"
	keyEmpty             = "emptyMiB"
	keyResident          = "residentMiB"
	keyPeak              = "peakMiB"
	keyPerThousand       = "mebibytesPerThousand"
	keyFresh50           = "newToSetSettingsP50Seconds"
	keyFresh99           = "newToSetSettingsP99Seconds"
	keyDrift50           = "driftToSetSettingsP50Seconds"
	keyDrift99           = "driftToSetSettingsP99Seconds"
	keyOwn50             = "driftOwnDelayP50Seconds"
	keyOwn99             = "driftOwnDelayP99Seconds"
	keyLonely50          = "lonelyToSetSettingsP50Seconds"
	keyLonely99          = "lonelyToSetSettingsP99Seconds"
	keyWaitingCalls      = "waitingCallsPerInstanceAndMinute"
	keyWaitingCallsShare = "waitingCallsOverSteady"
	keyWaitingWrites     = "waitingKubernetesWrites"
	keyWaitingCPU        = "waitingCpuMicrosecondsPerPoll"
	keyWaitingCPUShare   = "waitingCpuOverSteady"
	keyBrakeCalls        = "brakeCallsPerInstanceAndMinute"
	keyBrakeCallsShare   = "brakeCallsOverSteady"
	keyBrakeWrites       = "brakeKubernetesWrites"
	keyBrakeCPU          = "brakeCpuMicrosecondsPerPoll"
	keyBrakeCPUShare     = "brakeCpuOverSteady"
	keyGap99             = "betweenLooksP99Seconds"
	keyHangingGap99      = "betweenLooksBesideHangingP99Seconds"
	keyClaims            = "claimsAdoptSeconds"
	keyClaimWrites       = "claimsWritesEach"
	keyClaimSteadyWrites = "claimsKubernetesWrites"
	keyClaimLists        = "claimsLists"
	keyClaimMemory       = "claimsMiB"
	keyClaimList         = "claimsListMiB"
	keyHangingShare      = "betweenLooksBesideHangingOverWithout"
)

// machine is what the figures were taken on.
type machine struct {
	OS    string `json:"os"`
	Arch  string `json:"arch"`
	CPUs  int    `json:"cpus"`
	Model string `json:"model,omitempty"`
	Go    string `json:"go"`
}

// sweepResult is a first look of a new process at all instances.
type sweepResult struct {
	Latency string  `json:"latency"`
	Seconds float64 `json:"seconds"`
	// Floor is the least that it could take: every look waits for one answer, and only so many look side by side.
	Floor float64 `json:"floorSeconds"`
}

// managerFlags are the flags of the manager that a measurement may set.
type managerFlags struct {
	Workers          int    `json:"maxConcurrentReconciles"`
	StateInterval    string `json:"stateInterval"`
	SettingsInterval string `json:"settingsInterval"`
	SettlePoll       string `json:"settlePoll"`
}

// result is what one measurement found out.
type result struct {
	N       int       `json:"instances"`
	Time    time.Time `json:"time"`
	Machine machine   `json:"machine"`
	Latency string    `json:"latency"`
	Window  string    `json:"window"`
	managerFlags
	Failing int                `json:"failing"`
	Claims  int                `json:"claims"`
	NoProc  bool               `json:"noProc,omitempty"`
	Figures map[string]float64 `json:"figures"`
	Sweeps  []sweepResult      `json:"sweeps"`
	options options
}

func newResult(o options, n int) *result {
	return &result{N: n, Time: time.Now().UTC(), Machine: thisMachine(), Latency: o.latency.String(), Window: o.window.String(),
		Figures: map[string]float64{}, options: o, managerFlags: managerFlags{
			Workers: o.concurrency, StateInterval: o.stateInterval.String(), SettingsInterval: o.settingsInterval.String(), SettlePoll: o.settlePoll.String(),
		}}
}

func thisMachine() machine {
	m := machine{OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU(), Go: runtime.Version()}
	// Only Linux tells in this way.
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return m
	}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			m.Model = strings.TrimSpace(value)
			break
		}
	}
	return m
}

func (r *result) set(key string, value float64) { r.Figures[key] = value }

func (r *result) setSweep(latency, took time.Duration, n int) {
	floor := latency.Seconds() * float64(n) / float64(r.Workers)
	r.Sweeps = append(r.Sweeps, sweepResult{Latency: latency.String(), Seconds: took.Seconds(), Floor: floor})
	if latency == r.options.latency {
		r.set(keyLooked, took.Seconds())
	}
}

// setDelays sets two percentiles of a sorted list, without a time that is waited for by design.
func (r *result) setDelays(key50, key99 string, sorted []time.Duration, byDesign time.Duration) {
	if len(sorted) > 0 {
		r.set(key50, (percentile(sorted, 50) - byDesign).Seconds())
		r.set(key99, (percentile(sorted, 99) - byDesign).Seconds())
	}
}

// Names of the files for results.
const (
	resultFile = "n-%d.json"
	tableFile  = "n-%d.txt"
	plotFile   = "bench.svg"
)

// save writes the figures and the table into the directory.
func (r *result) save(directory string) error {
	if err := os.MkdirAll(directory, 0o755); err != nil { //nolint:gosec // results are for anybody
		return err
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(filepath.Join(directory, fmt.Sprintf(resultFile, r.N)), append(text, '\n'), 0o644),
		os.WriteFile(filepath.Join(directory, fmt.Sprintf(tableFile, r.N)), []byte(r.table()), 0o644))
}

// alike reports whether two results differ by the number of instances only, as far as is known of them.
func (r *result) alike(other *result) bool {
	return r.Machine == other.Machine && r.Latency == other.Latency && r.managerFlags == other.managerFlags
}

// readResults reads the results of a directory, this time's and earlier ones, by the number of instances.
func readResults(directory string) ([]result, error) {
	paths, err := fs.Glob(os.DirFS(directory), "n-*.json")
	if err != nil {
		return nil, err
	}
	var list []result
	for _, path := range paths {
		text, err := os.ReadFile(filepath.Join(directory, path))
		if err != nil {
			return nil, err
		}
		var r result
		if err := json.Unmarshal(text, &r); err != nil {
			return nil, fmt.Errorf("%s is not a result of this program; remove it: %w", filepath.Join(directory, path), err)
		}
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b result) int { return a.N - b.N })
	return list, nil
}
