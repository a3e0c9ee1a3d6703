// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Command assets prints the directory that holds a real kube-apiserver and
// etcd, and gets them first where they are missing. Standard output has that
// one line and nothing else, so that a caller can write
//
//	export KUBEBUILDER_ASSETS="$(go run -C hack/controlplane ./cmd/assets)"
//
// Everything that it has to say meanwhile goes to standard error.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/greenapi-operator/greenapi-operator/hack/controlplane/internal/assets"
	"github.com/greenapi-operator/greenapi-operator/hack/controlplane/internal/progress"
)

const usage = `Prints the directory that holds kube-apiserver and etcd; gets them first if need be.

Looked at in this order:
  1. $KUBEBUILDER_ASSETS, if it is set
  2. bin/controlplane/ of this checkout, filled by an earlier call
  3. setup-envtest's download of prebuilt binaries (seconds where the network allows it)
  4. a build from Go modules (some minutes the first time)

Flags:
`

func main() {
	os.Exit(run())
}

func run() int {
	flags := flag.NewFlagSet("assets", flag.ExitOnError)
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), usage)
		flags.PrintDefaults()
	}
	source := flags.String("source", os.Getenv("CONTROLPLANE_SOURCE"),
		"how to get what is missing: auto (download, else build), download or build; "+
			"the default is $CONTROLPLANE_SOURCE, else auto")
	// With ExitOnError, Parse does not return on an error.
	_ = flags.Parse(os.Args[1:])

	// Children run in process groups of their own and are ended through this
	// context, so that Ctrl-C leaves no compiler running.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	dir, err := find(ctx, *source)
	switch {
	case err == nil:
		fmt.Println(dir)
		return 0
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(os.Stderr, "controlplane: interrupted; the next call goes on where this one stopped")
		return 130
	default:
		fmt.Fprintf(os.Stderr, "controlplane: %v\n", err)
		return 1
	}
}

func find(ctx context.Context, source string) (string, error) {
	root, err := assets.FindRoot()
	if err != nil {
		return "", err
	}
	finder, err := assets.NewFinder(root, source, progress.New(os.Stderr))
	if err != nil {
		return "", err
	}
	return finder.Find(ctx)
}
