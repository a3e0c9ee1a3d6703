// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Command demo shows the operator at work: the real manager and emulator as processes, on a real API server, each line
// of the story checked against the API server and the emulator.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/greenapi-operator/greenapi-operator/internal/sandbox"
)

// Exit codes beside 0.
const (
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// options are the flags.
type options struct {
	// assets is the directory with etcd and kube-apiserver.
	assets string
	// once ends the demo after the story instead of staying up.
	once bool
}

// errInterrupted is the cause of a context that a person ended.
var errInterrupted = errors.New("interrupted")

func main() {
	var o options
	flag.StringVar(&o.assets, "assets", "", "the directory with etcd and kube-apiserver, as `make envtest` prints it")
	flag.BoolVar(&o.once, "once", false, "stop everything at the end, with a code other than 0 if a line did not hold")
	flag.Parse()
	switch {
	case flag.NArg() > 0:
		usage(fmt.Sprintf("there are no arguments, only flags: %q", flag.Arg(0)))
	case o.assets == "":
		usage("--assets is missing: run `make demo`, or give the directory that `make envtest` prints")
	}
	silenceLibraries()
	ctx, stop := context.WithCancelCause(context.Background())
	go awaitSignals(stop)
	os.Exit(run(ctx, o, stop))
}

func usage(problem string) {
	fmt.Fprintln(os.Stderr, "demo:", problem)
	os.Exit(exitUsage)
}

// silenceLibraries keeps the libraries' own logs out of the story. What matters of them comes back as errors.
func silenceLibraries() {
	ctrl.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
	rest.SetDefaultWarningHandler(rest.NoWarnings{})
}

// awaitSignals ends the context at the first signal and swallows the others: what was started has to be stopped, and
// that takes a few seconds.
func awaitSignals(stop context.CancelCauseFunc) {
	// SIGPIPE would end the process. With somebody to notify, the write fails instead, and the narrator sees to it.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	for range signals {
		stop(errInterrupted)
	}
}

// run is the demo from beginning to end; it returns the exit code.
func run(ctx context.Context, o options, stop context.CancelCauseFunc) int {
	say := newNarrator(os.Stdout, func() { stop(errInterrupted) })
	say.title("The GREEN-API operator at work")
	stage, err := newStage(o.assets, say, stop)
	if err != nil {
		say.problem(err.Error())
		return exitFailed
	}
	err = stage.open(ctx)
	if err == nil {
		err = perform(ctx, stage, o.once)
	}
	if cause := context.Cause(ctx); err != nil && cause != nil {
		// What failed afterwards follows from this.
		err = cause
	}
	code := exitCode(stage, err)
	stage.close(endingOf(err, code, o.once))
	return code
}

// endingOf says how to stop: the logs stay where nobody has had the time to read them, and where the control plane is
// gone there is nothing to be stored.
func endingOf(err error, code int, once bool) ending {
	_, dead := errors.AsType[*sandbox.DiedError](err)
	return ending{keepLogs: code == exitFailed && (err != nil || once), quick: dead}
}

// perform tells the story and, unless it is to stop at its end, stays up until somebody ends it.
func perform(ctx context.Context, stage *stage, once bool) error {
	story := &story{stage: stage}
	if err := story.tell(ctx); err != nil {
		return err
	}
	if err := stage.showTables(ctx); err != nil {
		return err
	}
	stage.say.total()
	if once {
		return nil
	}
	stage.showWayIn()
	<-ctx.Done()
	if cause := context.Cause(ctx); !errors.Is(cause, errInterrupted) {
		return cause
	}
	return nil
}

// exitCode returns the exit code, and says what went wrong, if anything did.
func exitCode(stage *stage, err error) int {
	switch {
	case errors.Is(err, errInterrupted):
		return exitInterrupted
	case err != nil:
		stage.say.problem(err.Error())
		stage.showLogs(err)
		return exitFailed
	case stage.say.failed > 0:
		return exitFailed
	}
	return 0
}
