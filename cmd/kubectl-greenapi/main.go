// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Command kubectl-greenapi is a plugin of kubectl: kubectl greenapi.
package main

import (
	"os"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	// The ways to log in to clusters that kubectl knows.
	_ "k8s.io/client-go/plugin/pkg/client/auth"

	"github.com/greenapi-operator/greenapi-operator/internal/cli"
)

func main() {
	ctx, stop := cli.Interruptible()
	code := cli.Main(ctx, os.Args[1:], genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr})
	stop()
	os.Exit(code)
}
