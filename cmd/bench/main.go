// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Command bench measures what the operator costs: the real manager as a process, against a real API server and the
// emulator, with as many instances as one likes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
)

// Exit codes beside 0.
const (
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// errInterrupted is the cause of a context that a person ended.
var errInterrupted = errors.New("interrupted")

func main() {
	o, err := parse(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(exitUsage)
	}
	ctrl.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
	rest.SetDefaultWarningHandler(rest.NoWarnings{})
	ctx, stop := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		for range signals {
			stop(errInterrupted)
		}
	}()
	os.Exit(run(ctx, o, os.Stdout))
}

// run measures for each number of instances, and returns the exit code.
func run(ctx context.Context, o options, out io.Writer) int {
	missed := 0
	var latest *result
	for _, n := range o.sizes {
		base, r, err := inTurns(ctx, o, n)
		if errors.Is(err, errInterrupted) {
			return exitInterrupted
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			return exitFailed
		}
		fmt.Fprint(out, r.table())
		if base != nil {
			fmt.Fprint(out, r.compare(base))
		}
		missed += r.missed()
		latest = r
	}
	if err := plotAll(o.out, latest); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return exitFailed
	}
	fmt.Fprintf(out, "\nThe figures as JSON, the tables and the plot are in %s.\n", o.out)
	if o.check && missed > 0 {
		fmt.Fprintf(os.Stderr, "bench: %d bars were missed\n", missed)
		return exitFailed
	}
	return 0
}

// baseResults is the directory of the other build's results, below that of this one's.
const baseResults = "base"

// inTurns measures the other build, if there is one, then this one, and saves what was found out.
func inTurns(ctx context.Context, o options, n int) (base, r *result, err error) {
	if o.base != "" {
		if base, err = measure(ctx, o, n, o.base); err != nil {
			return nil, nil, err
		}
		if err := base.save(filepath.Join(o.out, baseResults)); err != nil {
			return nil, nil, err
		}
	}
	if r, err = measure(ctx, o, n, ""); err != nil {
		return nil, nil, err
	}
	return base, r, r.save(o.out)
}
