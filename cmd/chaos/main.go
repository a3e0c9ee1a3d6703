// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Command chaos lets everything go wrong at once, and asks the vendor's own ledger afterwards what came of it: real managers, a real
// API server with its etcd, and the emulator. What happens follows from a seed.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
)

// options are the flags.
type options struct {
	assets   string
	duration time.Duration
	seed     uint64
	lines    int
	tries    int
	file     string
	// stepped is a directory with a manager whose clock can be set, "" for the one beside this program.
	stepped string
}

func main() {
	o, err := parse(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	broken, err := run(ctx, o, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
	}
	if broken || err != nil {
		stop()
		os.Exit(1) //nolint:gocritic // the context has ended
	}
}

// parse reads the flags; with --help it returns flag.ErrHelp.
func parse(args []string, usage io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("chaos", flag.ContinueOnError)
	f.SetOutput(usage)
	f.StringVar(&o.assets, "assets", "", "the directory with etcd and kube-apiserver, as `make envtest` prints it")
	f.DurationVar(&o.duration, "duration", 30*time.Minute, "for how long things go wrong, 1s or more")
	f.Uint64Var(&o.seed, "seed", uint64(time.Now().UnixNano()), "what happens follows from it; the time unless it is given") //nolint:gosec // it is after 1970
	f.IntVar(&o.lines, "lines", 200, "how many instances there are, 1 to 2000")
	f.IntVar(&o.tries, "tries", 12, "how many smaller histories are played to find one that breaks the same; 0 for none")
	f.StringVar(&o.file, "history", "", "a file with a history to play in place of one that a seed makes, as a broken run leaves it")
	f.StringVar(&o.stepped, "stepped", "", "a directory with a manager that hack/steppedclock built: its clock is set too. Without it clocks are left alone")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	switch {
	case f.NArg() > 0:
		return o, fmt.Errorf("there are no arguments, only flags: %q", f.Arg(0))
	case o.assets == "":
		return o, errors.New("--assets is missing: run `make chaos`, or give the directory that `make envtest` prints")
	case o.duration < time.Second:
		return o, errors.New("--duration must be 1s or more, such as 30m")
	case o.lines < 1 || o.lines > 2000:
		return o, errors.New("--lines must be 1 to 2000")
	case o.tries < 0:
		return o, errors.New("--tries must not be negative; 0 looks for no smaller history")
	}
	return o, nil
}

// read reads a history from a file.
func read(file string, lines int) (history, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var h history
	if err := json.Unmarshal(content, &h); err != nil {
		return nil, fmt.Errorf("%s is no history: %w", file, err)
	}
	for _, e := range h {
		if kindOf(e.What).act == nil {
			var names []string
			for _, k := range kinds {
				names = append(names, fmt.Sprintf("%q", k.name))
			}
			return nil, fmt.Errorf("%s: nothing is called %q; there is %s", file, e.What, strings.Join(names, ", "))
		}
		for _, line := range e.Lines {
			if line < 0 || line >= lines {
				return nil, fmt.Errorf("%s: line %d is not one of --lines=%d", file, line, lines)
			}
		}
	}
	return h, nil
}

// run plays a history and, where it breaks a statement, looks for a smaller one that does. It reports whether one is broken.
func run(ctx context.Context, o options, out io.Writer) (bool, error) {
	// What the libraries have to say of outages is no news here.
	ctrl.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
	rest.SetDefaultWarningHandler(rest.NoWarnings{})
	h := generate(o.seed, o.duration, o.lines, o.stepped != "")
	if o.file != "" {
		var err error
		if h, err = read(o.file, o.lines); err != nil {
			return false, err
		}
	}
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(out, format+"\n", args...) }
	say("seed %d: %d events in %s, %d lines", o.seed, len(h), h.end().Round(time.Second), o.lines)
	result, err := play(ctx, o, h, say)
	if err != nil {
		return false, fmt.Errorf("the run came to nothing: %w (the logs are in %s)", err, result.logs)
	}
	if len(result.broken) == 0 {
		say("seed %d: everything holds. %d events, %d restarts, %d lines bought", o.seed, result.events, result.restarts, result.sold)
		return false, nil
	}
	say("seed %d: %d statements do not hold. The logs are in %s", o.seed, len(result.broken), result.logs)
	// Only what happened before it was seen can be the cause.
	h = h.before(result.broken[0].at)
	quiet := func(string, ...any) {}
	smallest := shrink(h, o.tries, func(smaller history) bool {
		if ctx.Err() != nil {
			return false
		}
		say("playing %d of %d events", len(smaller), len(h))
		again, err := play(ctx, o, smaller, quiet)
		_ = os.RemoveAll(again.logs)
		return err == nil && len(again.broken) > 0
	})
	return true, tell(result, smallest, say)
}

// tell writes the smallest history that was found, and how to play it.
func tell(result outcome, smallest history, say func(string, ...any)) error {
	say("The smallest history that was found and breaks a statement:")
	for _, e := range smallest {
		say("%6.1f s  %s%s, for %s (value %d)", e.At.Seconds(), e.What, places(e), e.For.Round(time.Second), e.Value)
	}
	content, err := json.MarshalIndent(smallest, "", "\t")
	if err != nil {
		return err
	}
	file := filepath.Join(result.logs, "history.json")
	say("Play it with --history %s", file)
	return os.WriteFile(file, content, 0o600)
}
