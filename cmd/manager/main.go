// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Command manager runs the operator.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	stdlog "log"
	"os"
	"runtime/debug"
	"strings"
	"syscall"

	"go.uber.org/zap/zapcore"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/greenapi-operator/greenapi-operator/internal/version"
)

func main() {
	options := defaultOptions()
	// An error is for people, who find its reason at the end of what is printed; --zap-stacktrace-level asks for stacks.
	zapOptions := zap.Options{StacktraceLevel: zapcore.PanicLevel}
	flag.CommandLine.Init(os.Args[0], flag.ContinueOnError)
	options.bind(flag.CommandLine)
	zapOptions.BindFlags(flag.CommandLine)
	showVersion := flag.Bool("version", false, "print the version and end")
	// The list of all flags, which is printed with an error otherwise, would hide the reason.
	flag.CommandLine.SetOutput(io.Discard)
	err := flag.CommandLine.Parse(os.Args[1:])
	flag.CommandLine.SetOutput(os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		flag.Usage()
		return
	case err != nil:
		fail(fmt.Errorf("%w (--help lists the flags)", err))
	}
	if *showVersion {
		fmt.Println(version.Full())
		return
	}

	if zapOptions.Level != nil {
		zapOptions.Level = withoutBodies{zapOptions.Level}
	}
	tuneCollector()
	logger := zap.New(zap.UseFlagOptions(&zapOptions))
	ctrl.SetLogger(logger)
	klog.SetLogger(logger)
	// net/http writes unexpected bytes of a peer to the standard logger, and those may hold a token.
	stdlog.SetOutput(io.Discard)

	if err := run(options); err != nil {
		fail(err)
	}
}

// fail ends the process with the reason as the last that it prints. It is for a person at a terminal: no logger, which
// would add a stack trace.
func fail(err error) {
	fmt.Fprintln(os.Stderr, "manager:", err)
	os.Exit(1)
}

// gcPercent is how much the heap may grow between two collections, in percent of what was live, unless GOGC says otherwise.
// What is live hardly changes, and a pass leaves little behind: with less than a third of Go's default thousands of instances
// take much less memory for hardly any time (docs/design/performance.md).
const gcPercent = 30

func tuneCollector() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}

// withoutBodies leaves out the levels 8 and above, at which client-go logs the bodies of all it sends and gets: the
// metadata of Secrets among them, in which kubectl apply keeps the data as well, and the specs with their URLs (R24).
type withoutBodies struct{ zapcore.LevelEnabler }

// Enabled is part of zapcore.LevelEnabler, where a verbosity is a negative level.
func (l withoutBodies) Enabled(level zapcore.Level) bool {
	return level > -8 && l.LevelEnabler.Enabled(level)
}

// run checks the options and runs the manager until a signal ends it.
func run(options options) error {
	if args := flag.Args(); len(args) > 0 {
		if strings.ContainsAny(args[0], "@:/") {
			// It may be the value of a flag, with a password in it.
			return errors.New("there are no arguments, only flags: write a flag's value after a =")
		}
		return fmt.Errorf("there are no arguments, only flags: %q", args[0])
	}
	if err := options.complete(); err != nil {
		return err
	}
	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("no access to a cluster (set KUBECONFIG, or run in a pod): %w", err)
	}
	told := ctrl.SetupSignalHandler()
	ctx, stop := context.WithCancel(told)
	defer stop()
	watch, err := newNamespaces(ctx, config, options, stop)
	if err != nil {
		return fmt.Errorf("preparing to ask for rights: %w", err)
	}
	mgr, err := newManager(ctx, config, options, watch)
	if err != nil {
		return err
	}
	if options.insecureAPI {
		ctrl.Log.Info("WARNING: --insecure-api is set: tokens may travel unencrypted, and to private addresses. It is for the emulator only")
	}
	ctrl.Log.Info("Starting the manager", "version", version.Get())
	if err := mgr.Start(ctx); err != nil || told.Err() != nil || !watch.again.Load() {
		return err
	}
	return startAnew()
}

// startAnew replaces the process by a new one with the same flags, once all that was under way is finished (R25): a cache
// takes no namespace in that it was not made with. To Kubernetes it is the same container, which did not end.
func startAnew() error {
	executable, err := os.Executable()
	if err == nil {
		err = syscall.Exec(executable, os.Args, os.Environ())
	}
	return fmt.Errorf("cannot start anew, to look after more namespaces: %w", err)
}
