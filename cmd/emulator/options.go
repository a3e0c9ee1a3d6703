// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// options are the flags.
type options struct {
	listen, instances, accounts string
	certFile, keyFile           string
	emulator                    emulator.Options
	version                     bool
}

// parse reads the flags; with --help it returns flag.ErrHelp.
func parse(args []string, usage io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("emulator", flag.ContinueOnError)
	f.SetOutput(usage)
	f.StringVar(&o.listen, "listen", "127.0.0.1:8090", "the address to listen on; port 0 takes a free one, which is printed. Anybody who reaches it controls the emulator")
	f.StringVar(&o.instances, "instances", "", "a file with a JSON list of the instances to start with; without it there are none")
	f.StringVar(&o.accounts, "accounts", "", "a file with a JSON list of the partner accounts to start with, with their tokens; without it there are none")
	f.DurationVar(&o.emulator.RateInterval, "rate-interval", emulator.DefaultRateInterval, "the least time between two calls of one method of one instance; 0 switches the limit off")
	f.DurationVar(&o.emulator.RetryAfter, "retry-after", 0, "what 429 says in its Retry-After header, in whole seconds; 0 leaves the header out, as the vendor does")
	f.DurationVar(&o.emulator.RestartTime, "restart-time", emulator.DefaultRestartTime, "how long an instance restarts that does not say; 0 for no time")
	f.StringVar(&o.certFile, "tls-cert-file", "", "a file with a PEM certificate chain; with --tls-private-key-file, the emulator speaks HTTPS")
	f.StringVar(&o.keyFile, "tls-private-key-file", "", "a file with the certificate's PEM key")
	f.BoolVar(&o.version, "version", false, "print the version and end")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	// In emulator.Options 0 means the default.
	for _, duration := range []*time.Duration{&o.emulator.RateInterval, &o.emulator.RestartTime} {
		if *duration == 0 {
			*duration = -1
		}
	}
	switch {
	case f.NArg() > 0:
		return o, fmt.Errorf("there are no arguments, only flags: %q", f.Arg(0))
	case (o.certFile == "") != (o.keyFile == ""):
		return o, errors.New("--tls-cert-file and --tls-private-key-file go together")
	}
	return o, nil
}
