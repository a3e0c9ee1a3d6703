// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Command release makes what a release consists of besides its images and its chart. The Makefile runs it.
package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/pflag"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// run runs one of the commands on the checkout that --root names.
func run(arguments []string) error {
	f := pflag.NewFlagSet("release", pflag.ContinueOnError)
	version := f.String("version", "", "the version, such as v1.2.3")
	root := f.String("root", "../..", "the checkout")
	out := f.String("out", "bin/release", "where archives go, below the checkout")
	platforms := f.StringSlice("platforms", Platforms, "platforms of the archives")
	include := f.StringSlice("include", nil, "further files of the release, below the checkout")
	f.Usage = func() {
		fmt.Fprintf(os.Stderr, "usage: release archives|prepare|check|notes --version v1.2.3\n%s", f.FlagUsages())
	}
	if err := f.Parse(arguments); err != nil {
		if errors.Is(err, pflag.ErrHelp) {
			return nil
		}
		return err
	}
	if f.NArg() != 1 {
		return errors.New("want one command: archives, prepare, check or notes")
	}
	if err := checkVersion(*version); err != nil {
		return err
	}
	switch command := f.Arg(0); command {
	case "archives":
		return archives(*root, *version, assets{out: *out, platforms: *platforms, include: *include, build: buildPlugin})
	case "prepare":
		return prepare(*root, *version)
	case "check":
		return checkRelease(*root, *version)
	case "notes":
		text, err := notes(*root, *version)
		fmt.Print(text)
		return err
	default:
		return fmt.Errorf("no command %q: archives, prepare, check and notes there are", command)
	}
}

// checkVersion refuses what is no version of a release.
func checkVersion(version string) error {
	if !versionForm.MatchString(version) {
		return fmt.Errorf("--version must look like v1.2.3 or v1.2.3-rc.1, not %q", version)
	}
	return nil
}

// plain is the version as charts and changelogs write it.
func plain(version string) string { return strings.TrimPrefix(version, "v") }
