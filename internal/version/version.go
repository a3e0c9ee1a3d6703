// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package version tells which version of the operator a binary is.
package version

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"

	"strings"

	"github.com/greenapi-operator/greenapi-operator/internal/zones"
)

// stamped is set by the linker: -X github.com/greenapi-operator/greenapi-operator/internal/version.stamped=v1.2.3
var stamped string

// Get returns the version, such as v1.2.3: the one that the build was told, else what Go knows of the checkout.
func Get() string {
	info, _ := debug.ReadBuildInfo()
	return choose(stamped, info)
}

// Full describes the binary in one line: version, commit, Go and platform, and the rules of time zones that it finds.
func Full() string {
	info, _ := debug.ReadBuildInfo()
	return describe(stamped, info) + ", time zones " + zones.Database()
}

func choose(stamped string, info *debug.BuildInfo) string {
	if stamped != "" {
		return stamped
	}
	// Go writes (devel) where it knows no version.
	if info != nil && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}

func describe(stamped string, info *debug.BuildInfo) string {
	settings := map[string]string{}
	if info != nil {
		for _, setting := range info.Settings {
			settings[setting.Key] = setting.Value
		}
	}
	var parts []string
	if revision := settings["vcs.revision"]; revision != "" {
		if settings["vcs.modified"] == "true" {
			revision += " with changes"
		}
		parts = append(parts, "commit "+revision)
	}
	goos, arch := cmp.Or(settings["GOOS"], runtime.GOOS), cmp.Or(settings["GOARCH"], runtime.GOARCH)
	parts = append(parts, runtime.Version(), goos+"/"+arch)
	return fmt.Sprintf("%s (%s)", choose(stamped, info), strings.Join(parts, ", "))
}
