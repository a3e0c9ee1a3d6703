// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Command kubectl is the real kubectl, for the tests of the plugin. Its main package is in k8s.io/kubernetes, which
// nobody can require without replacing a few dozen modules; all that it does is this.
package main

import (
	"k8s.io/component-base/cli"
	"k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"
)

func main() {
	if err := cli.RunNoErrOutput(cmd.NewDefaultKubectlCommand()); err != nil {
		util.CheckErr(err)
	}
}
