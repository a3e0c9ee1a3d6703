// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Command golangci-lint is golangci-lint with the two linters of the Kubernetes
// community that are not part of it: kubeapilinter, which knows the Kubernetes
// API conventions, and logcheck, which knows the structured-logging rules.
//
// The usual way to add such plugins, "golangci-lint custom", clones a Git
// repository at build time. A main package with a module of its own gives the
// same binary, needs nothing but Go modules, and pins every version in one
// go.mod with checksums.
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/golangci/golangci-lint/v2/pkg/commands"
	"github.com/golangci/golangci-lint/v2/pkg/exitcodes"

	// Each of these registers its linter under the name that .golangci.yml uses.
	_ "sigs.k8s.io/kube-api-linter"
	_ "sigs.k8s.io/logtools/logcheck/gclplugin"
)

func main() {
	if err := commands.Execute(buildInfo()); err != nil {
		fmt.Fprintf(os.Stderr, "golangci-lint: %v\n", err)
		os.Exit(exitcodes.Failure)
	}
}

// buildInfo says which versions are inside, as "golangci-lint version" prints
// them. The version of golangci-lint comes first, because golangci-lint itself
// parses it.
func buildInfo() commands.BuildInfo {
	info := commands.BuildInfo{
		GoVersion: runtime.Version(),
		Version:   "unknown",
		Commit:    "Go modules",
		Date:      "(unknown)",
	}
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return info
	}
	versions := map[string]string{}
	for _, dep := range build.Deps {
		versions[dep.Path] = dep.Version
	}
	info.Version = strings.TrimPrefix(versions["github.com/golangci/golangci-lint/v2"], "v")
	info.Commit = fmt.Sprintf("Go modules (kube-api-linter %s, logtools %s)",
		versions["sigs.k8s.io/kube-api-linter"], versions["sigs.k8s.io/logtools"])
	return info
}
