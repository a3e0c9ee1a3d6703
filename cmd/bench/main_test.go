// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
	"github.com/greenapi-operator/greenapi-operator/internal/testenv"
)

// build returns the folder with the programs that are measured.
func build(t *testing.T) string {
	t.Helper()
	programs, err := testenv.Programs(t.TempDir(), "manager", "emulator")
	if err != nil {
		t.Fatal(err)
	}
	return programs
}

// TestASmallRunFindsEveryFigure measures a few instances with short times, and looks at figures that do not depend on how
// fast the machine is.
func TestASmallRunFindsEveryFigure(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	assets := os.Getenv("KUBEBUILDER_ASSETS")
	if assets == "" {
		t.Fatal("KUBEBUILDER_ASSETS is not set: run `make test`, or set it to what `make envtest` prints")
	}
	out := t.TempDir()
	o, err := parse([]string{"--assets=" + assets, "--out=" + out, "--n=20", "--window=4s", "--state-interval=2s", "--settings-interval=1h",
		"--settle-poll=1s", "--sweep=0s", "--failing=20", "--latency=20ms"}, io.Discard)
	g.Expect(err).NotTo(HaveOccurred())
	o.programs = build(t)
	var table strings.Builder
	g.Expect(run(t.Context(), o, &table)).To(Equal(0))
	t.Log(table.String())

	results, err := readResults(out)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(results).To(HaveLen(1))
	r := results[0]
	for _, row := range r.rows() {
		g.Expect(r.Figures).To(HaveKey(row.key))
		g.Expect(table.String()).To(ContainSubstring(row.what))
	}
	f := r.Figures
	g.Expect(f[keyCallsCounted]).To(Equal(f[keyCallsSeen]), "the manager counts the calls that the vendor saw")
	// Each is looked at every two seconds. The window may be longer than it should on a machine that is busy.
	g.Expect(f[keyCalls]).To(And(BeNumerically(">=", 15), BeNumerically("<=", 60)))
	g.Expect(f[keyCallsSeen]).To(BeNumerically(">=", 20))
	g.Expect(f[keyWrites]).To(BeZero(), "writes to Kubernetes in the steady state")
	// One, and one more of a status whose first look took longer than a second.
	g.Expect(f[keyAdoptWrites]).To(And(BeNumerically(">=", 1), BeNumerically("<=", 2)))
	g.Expect(f[keyDrift50]).To(BeNumerically(">=", 1), "drift is read twice, --settle-poll apart")
	g.Expect(f[keyOwn99]).To(BeNumerically("<", f[keyDrift99]))
	for _, key := range []string{keyLooked, keyPassRate, keyRawRate, keyFresh50, keyLonely50, keyEmpty, keyResident} {
		g.Expect(f[key]).To(BeNumerically(">", 0), key)
	}
	g.Expect(f[keyPeak]).To(BeNumerically(">=", f[keyResident]))
	g.Expect(f[keyClaims]).To(BeNumerically(">", 0))
	g.Expect(f[keyClaimWrites]).To(And(BeNumerically(">=", 2), BeNumerically("<=", 4)), "a Secret and a status, and those of the account")
	g.Expect(f[keyClaimSteadyWrites]).To(BeNumerically("<=", 1), "the account's counts at the most")
	g.Expect(f[keyFresh99]).To(BeNumerically(">=", f[keyFresh50]))
	g.Expect(r.Sweeps).To(HaveLen(2))
	for _, sweep := range r.Sweeps {
		g.Expect(sweep.Seconds).To(BeNumerically(">=", sweep.Floor))
	}
	for _, name := range []string{"n-20.json", "n-20.txt", plotFile} {
		g.Expect(filepath.Join(out, name)).To(BeAnExistingFile())
	}
}

// TestTwoBuildsAreMeasuredInTurns takes the same build for another one.
func TestTwoBuildsAreMeasuredInTurns(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	out, programs := t.TempDir(), build(t)
	o, err := parse([]string{"--assets=" + os.Getenv("KUBEBUILDER_ASSETS"), "--out=" + out, "--base=" + programs, "--n=10", "--window=1s", "--state-interval=1s",
		"--sweep=", "--failing=0", "--new=0", "--drift=0", "--latency=1ms"}, io.Discard)
	g.Expect(err).NotTo(HaveOccurred())
	o.programs = programs
	var text strings.Builder
	g.Expect(run(t.Context(), o, &text)).To(Equal(0))
	g.Expect(text.String()).To(MatchRegexp(`WHAT +BASE +THIS +RATIO`))
	for _, directory := range []string{out, filepath.Join(out, baseResults)} {
		results, err := readResults(directory)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(results).To(HaveLen(1))
	}

	o.base = t.TempDir()
	g.Expect(run(t.Context(), o, &text)).To(Equal(exitFailed), "there is no manager")
}

func TestFlagsThatMakeNoSenseAreExplained(t *testing.T) {
	for arguments, want := range map[string]string{
		"":                             "run `make bench`",
		"--assets=x --n=many":          "--n must be numbers from 10 to 100000",
		"--assets=x --n=3":             "--n must be numbers from 10 to 100000",
		"--assets=x --n=":              "--n is empty",
		"--assets=x --sweep=fast":      "--sweep must be durations",
		"--assets=x --latency=-1s":     "--latency must not be negative",
		"--assets=x --window=0s":       "must be positive durations",
		"--assets=x --settle-poll=-1s": "must be positive durations",
		"--assets=x --concurrency=0":   "--concurrency must be 1 or more",
		"--assets=x 1000":              "there are no arguments, only flags",
	} {
		_, err := parse(strings.Fields(arguments), io.Discard)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", arguments, err, want)
		}
	}
	o, err := parse([]string{"--assets=x", "--n=500 1000", "--sweep="}, io.Discard)
	if err != nil || len(o.sizes) != 2 || len(o.sweeps) != 0 || !o.asShipped() {
		t.Errorf("got %+v, %v", o, err)
	}
	if _, err := parse([]string{"--help"}, io.Discard); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("got %v", err)
	}
}

func TestBarsAreJudgedWhereTheyAreMeant(t *testing.T) {
	g := NewWithT(t)
	o, err := parse([]string{"--assets=x"}, io.Discard)
	g.Expect(err).NotTo(HaveOccurred())
	r := newResult(o, 10_000)
	r.set(keyCores, 0.6)
	r.set(keyRawShare, 0.6)
	r.set(keyWrites, 1)
	r.set(keyFresh99, 2)
	for key, want := range map[string]string{keyCores: "MISSED", keyRawShare: "ok", keyWrites: "MISSED", keyFresh99: "ok", keyResident: "", keyAdopt: ""} {
		g.Expect(r.barResult(key)).To(Equal(want), key)
	}
	g.Expect(r.missed()).To(Equal(2))
	g.Expect(r.table()).To(MatchRegexp(`cores used by the manager +0\.600 +≤ 0\.5 +MISSED`))
	r.N = 1000
	g.Expect(r.barResult(keyCores)).To(Equal("(not judged here)"))
	r.N = 20_000
	g.Expect(r.barResult(keyCores)).To(Equal("(not judged here)"))
	g.Expect(r.barResult(keyFresh99)).To(Equal("ok"), "among 10,000 and more")
	r.N, r.options.stateInterval = 10_000, time.Second
	g.Expect(r.barResult(keyCores)).To(Equal("(not judged here)"))
	r.N, r.options.stateInterval = most, time.Minute
	g.Expect(r.barResult(keyCores)).To(Equal("ok"), "one core, for the most")
	r.NoProc = true
	g.Expect(r.table()).To(ContainSubstring("this machine has no /proc (macOS has none)"))
	g.Expect(r.table()).To(MatchRegexp(`memory in the steady state, MiB +- `))
}

func TestCallsAreCountedFromTheLog(t *testing.T) {
	g := NewWithT(t)
	log := filepath.Join(t.TempDir(), "log")
	write := func(text string) {
		file, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		g.Expect(err).NotTo(HaveOccurred())
		_, err = file.WriteString(text)
		g.Expect(errors.Join(err, file.Close())).To(Succeed())
	}
	write("listening on http://127.0.0.1:1 with 0 instances\n23:59:58.000 GET  1 getStateInstance -> 200\n")
	v := newVendor("http://127.0.0.1:1", log)
	g.Expect(v.resetCounts()).To(Succeed())
	write("23:59:58.900 GET  2 getStateInstance -> 429\n23:59:59.000 GET  1 getStateInstance -> 200, scripted fault\n23:59:59.500 GET  2 getSettings -> 200\n00:00:01.250 GET  2 getState")
	g.Expect(v.read()).To(Succeed())
	g.Expect(v.counts.total).To(Equal(3), "a call that was refused is a call")
	g.Expect(v.counts.looked).To(HaveLen(1), "but nobody has looked by it")
	write("Instance -> no answer\n00:00:09.000 GET  1 getStateInstance -> 200\n")
	g.Expect(v.read()).To(Succeed())
	g.Expect(v.counts.total).To(Equal(5))
	g.Expect(v.counts.looked).To(HaveLen(2))
	g.Expect(v.counts.span()).To(Equal(2250 * time.Millisecond))
	g.Expect(v.counts.gaps).To(Equal([]time.Duration{10 * time.Second}), "between two looks at one instance, midnight in between")
}

// TestWhatTheEmulatorForgetsWasReadBefore: with many calls a second, none of those that a measurement waits for is missed.
func TestWhatTheEmulatorForgetsWasReadBefore(t *testing.T) {
	g := NewWithT(t)
	const id = 7107000001
	server := emulator.New(emulator.Options{CallLimit: 1})
	for i := range int64(3) {
		server.Add(emulator.Instance{ID: id + i, Token: "abc"})
	}
	origin := httptest.NewServer(server)
	defer origin.Close()
	v := newVendor(origin.URL, "")
	set := func(id int64) {
		address := fmt.Sprintf("%s/waInstance%d/setSettings/abc", origin.URL, id)
		g.Expect(v.Do(t.Context(), http.MethodPost, address, map[string]string{setting: wished}, nil)).To(Succeed())
	}
	set(id)
	came, err := v.watchSets(t.Context())
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(came.first).To(BeEmpty(), "what came before")
	for i := range int64(2) {
		set(id + 1 + i)
		g.Expect(came.read(t.Context())).To(Succeed())
	}
	g.Expect(came.first).To(HaveLen(2))
}

func TestAnotherBuildStandsBesideThisOne(t *testing.T) {
	g := NewWithT(t)
	o, err := parse([]string{"--assets=x"}, io.Discard)
	g.Expect(err).NotTo(HaveOccurred())
	base, r := newResult(o, fleet), newResult(o, fleet)
	for key, values := range map[string][2]float64{keyCPUPerPoll: {1000, 300}, keyAdopt: {100, 60}, keyWrites: {0, 0}, keyResident: {100, 90}} {
		base.set(key, values[0])
		r.set(key, values[1])
	}
	text := r.compare(base)
	g.Expect(text).To(MatchRegexp(`CPU per poll, µs +1000 +300 +0\.30 +≤ 0\.4 +ok`))
	g.Expect(text).To(MatchRegexp(`adopted: .* +100\.0 +60\.0 +0\.60 +≤ 0\.55 +MISSED`))
	g.Expect(text).To(MatchRegexp(`writes to Kubernetes +0 +0 +- `))
	g.Expect(text).NotTo(ContainSubstring("p50"), "what was not measured with both is not compared")
}

func TestPercentiles(t *testing.T) {
	var list []time.Duration
	for i := range 100 {
		list = append(list, time.Duration(i+1))
	}
	for percent, want := range map[float64]time.Duration{1: 1, 50: 50, 99: 99, 100: 100} {
		if got := percentile(list, percent); got != want {
			t.Errorf("p%g: got %d, want %d", percent, got, want)
		}
	}
	if got := percentile(list[:1], 99); got != 1 {
		t.Errorf("of one: got %d", got)
	}
}

func TestPlotShowsEveryResultAndTheBars(t *testing.T) {
	g := NewWithT(t)
	var results []result
	for _, n := range []int{500, 1000, 10_000} {
		results = append(results, result{N: n, Figures: map[string]float64{keyResident: float64(n) / 100, keyLooked: 70}})
	}
	text, err := plot(results)
	g.Expect(err).NotTo(HaveOccurred())
	decoder, elements := xml.NewDecoder(strings.NewReader(text)), map[string]int{}
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		g.Expect(err).NotTo(HaveOccurred())
		if element, ok := token.(xml.StartElement); ok {
			elements[element.Name.Local]++
		}
	}
	g.Expect(elements["g"]).To(Equal(len(panels)))
	g.Expect(elements["circle"]).To(Equal(2 * len(results)))
	g.Expect(strings.Count(text, "stroke-dasharray")).To(Equal(len(panels)))
	empty, err := plot(nil)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(empty).NotTo(ContainSubstring("NaN"))
}

// TestOnlyWhatCanBeComparedIsPlotted together.
func TestOnlyWhatCanBeComparedIsPlotted(t *testing.T) {
	g := NewWithT(t)
	directory := t.TempDir()
	measured := func(n int, flags ...string) *result {
		o, err := parse(append([]string{"--assets=x"}, flags...), io.Discard)
		g.Expect(err).NotTo(HaveOccurred())
		r := newResult(o, n)
		r.set(keyResident, 1)
		g.Expect(r.save(directory)).To(Succeed())
		return r
	}
	measured(10, "--latency=1s")
	measured(20, "--state-interval=1s")
	measured(30, "--concurrency=1")
	measured(40)
	g.Expect(plotAll(directory, measured(50, "--window=1m"))).To(Succeed())
	text, err := os.ReadFile(filepath.Join(directory, plotFile))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(strings.Count(string(text), "<circle")).To(Equal(2))
}

func TestUsageOfAProcess(t *testing.T) {
	g := NewWithT(t)
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		_, err := usageOf(os.Getpid())
		g.Expect(err).To(MatchError(errNoProc))
		return
	}
	u, err := usageOf(os.Getpid())
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(u.resident).To(BeNumerically(">", 1<<20))
	g.Expect(u.peak).To(BeNumerically(">=", u.resident))
	_, err = usageOf(1 << 30)
	g.Expect(err).To(MatchError(os.ErrNotExist))
}
