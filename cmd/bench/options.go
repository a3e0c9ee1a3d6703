// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// options are the flags.
type options struct {
	// assets is the directory with etcd and kube-apiserver, out the one for results.
	assets, out string
	// programs is the directory with manager and emulator; "" is that of this program.
	programs string
	// base is the directory with the manager of another build, which is measured in turns with this one; "" is none.
	base string
	// sizes are the numbers of instances, each measured on its own.
	sizes []int
	// latency is how long the vendor takes to answer; sweeps are others with which the first look at all is timed.
	latency time.Duration
	sweeps  []time.Duration
	// window is how long the steady state is measured.
	window time.Duration
	// concurrency, stateInterval, settingsInterval and settlePoll are flags of the manager.
	concurrency                                 int
	stateInterval, settingsInterval, settlePoll time.Duration
	// fresh and drifting are how many instances are created, and edited in the console, in the steady state; -1 is a
	// tenth of all, but 100 at the most.
	fresh, drifting int
	// failing is how many instances at a vendor that answers 500 stand beside the lonely one; -1 is as many as there are
	// others.
	failing int
	// claims are how many instances of a partner account are claimed; -1 is as many as there are others.
	claims int
	check  bool
}

// Defaults of the manager, with which the bars are meant.
const (
	defaultStateInterval    = time.Minute
	defaultSettingsInterval = 10 * time.Minute
	defaultSettlePoll       = 20 * time.Second
	defaultConcurrency      = 32
	defaultLatency          = 100 * time.Millisecond
	defaultWindow           = 2 * time.Minute
)

// parse reads the flags; with --help it returns flag.ErrHelp.
func parse(arguments []string, usage io.Writer) (options, error) {
	var o options
	var sizes, sweeps string
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(usage)
	f.StringVar(&o.assets, "assets", "", "the directory with etcd and kube-apiserver, as `make envtest` prints it")
	f.StringVar(&o.out, "out", "bin/bench-results", "the directory for results")
	f.StringVar(&o.base, "base", "", "the directory with the manager of another build: each number is measured with it first, and a table compares both")
	f.StringVar(&sizes, "n", "1000", "how many instances; several numbers such as \"500 1000 2000\" are measured one after the other")
	f.DurationVar(&o.latency, "latency", defaultLatency, "how long the vendor takes to answer")
	f.StringVar(&sweeps, "sweep", "0s 50ms 250ms", "other latencies with which the first look at all instances is timed; \"\" for none")
	f.DurationVar(&o.window, "window", defaultWindow, "how long the steady state is measured; best a multiple of the state interval")
	f.IntVar(&o.concurrency, "concurrency", defaultConcurrency, "the manager's --max-concurrent-reconciles")
	f.DurationVar(&o.stateInterval, "state-interval", defaultStateInterval, "the manager's --state-interval")
	f.DurationVar(&o.settingsInterval, "settings-interval", defaultSettingsInterval, "the manager's --settings-interval")
	f.DurationVar(&o.settlePoll, "settle-poll", defaultSettlePoll, "the manager's --settle-poll")
	f.IntVar(&o.fresh, "new", -1, "how many instances are created in the steady state; -1 is a tenth of all, but 100 at the most")
	f.IntVar(&o.drifting, "drift", -1, "how many instances are edited in the console in the steady state; -1 as --new")
	f.IntVar(&o.failing, "failing", -1, "how many failing instances of one namespace stand beside another namespace's single one; -1 is as many as there are others")
	f.IntVar(&o.claims, "claims", -1, "how many instances of a partner account are adopted by claims; -1 is as many as there are others, 0 leaves it out")
	f.BoolVar(&o.check, "check", false, "end with another code than 0 if a bar is missed")
	if err := f.Parse(arguments); err != nil {
		return o, err
	}
	for text := range strings.FieldsSeq(sizes) {
		n, err := strconv.Atoi(text)
		if err != nil || n < 10 || n > 100_000 {
			return o, fmt.Errorf("--n must be numbers from 10 to 100000, such as \"1000\" or \"500 1000 2000\", not %q", text)
		}
		o.sizes = append(o.sizes, n)
	}
	for text := range strings.FieldsSeq(sweeps) {
		d, err := time.ParseDuration(text)
		if err != nil || d < 0 {
			return o, fmt.Errorf("--sweep must be durations such as \"50ms 250ms\", not %q", text)
		}
		o.sweeps = append(o.sweeps, d)
	}
	return o, o.problem(f)
}

// problem says what is wrong with the flags, nil if nothing is.
func (o *options) problem(f *flag.FlagSet) error {
	switch {
	case f.NArg() > 0:
		return fmt.Errorf("there are no arguments, only flags: %q", f.Arg(0))
	case o.assets == "":
		return errors.New("--assets is missing: run `make bench`, or give the directory that `make envtest` prints")
	case len(o.sizes) == 0:
		return errors.New("--n is empty: write a number of instances such as 1000")
	case o.latency < 0:
		return errors.New("--latency must not be negative; write a duration such as 100ms, or 0s")
	case min(o.window, o.stateInterval, o.settingsInterval, o.settlePoll) <= 0:
		return errors.New("--window, --state-interval, --settings-interval and --settle-poll must be positive durations such as 2m")
	case o.concurrency < 1:
		return errors.New("--concurrency must be 1 or more")
	}
	return nil
}

// some returns a wanted number, or a tenth of all where none is wanted.
func some(wanted, n int) int {
	if wanted >= 0 {
		return min(wanted, n)
	}
	return min(max(n/10, 1), 100)
}

// asShipped reports whether the manager runs with its defaults, as the bars suppose.
func (o *options) asShipped() bool {
	return o.stateInterval == defaultStateInterval && o.settingsInterval == defaultSettingsInterval &&
		o.settlePoll == defaultSettlePoll && o.concurrency == defaultConcurrency
}
