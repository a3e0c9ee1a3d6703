// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package zones knows time zones by their IANA names, and which version of their rules is used (R31).
package zones

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // for an image without zones
)

// embedded is the version of the zones that Go 1.26.8 brings along (time/tzdata; lib/time/update.bash names it).
const embedded = "2025c"

// known are the zones that were loaded, by name: there are some hundreds of them.
var known sync.Map

// errUnknownZone says what to write instead.
var errUnknownZone = errors.New("write an IANA name such as Europe/Moscow or America/New_York")

// Load returns a zone by its IANA name. An unknown one is an error that says what to write instead, and is never taken for UTC.
func Load(name string) (*time.Location, error) {
	if location, ok := known.Load(name); ok {
		return location.(*time.Location), nil //nolint:forcetypeassert // nothing else is stored
	}
	location, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		return nil, fmt.Errorf("the time zone %q is not known: %w", name, errUnknownZone)
	}
	known.Store(name, location)
	return location, nil
}

// Database is the version of the zones that are used, and where they are from: the first of the places at which Go looks for
// them that has any.
func Database() string {
	if path := os.Getenv("ZONEINFO"); path != "" {
		return "ZONEINFO=" + path
	}
	for _, directory := range []string{"/usr/share/zoneinfo", "/usr/share/lib/zoneinfo", "/usr/lib/locale/TZ", "/etc/zoneinfo"} {
		if info, err := os.Stat(directory); err == nil && info.IsDir() {
			return cmp.Or(versionIn(directory), "unknown version") + " of " + directory
		}
	}
	return embedded + " built in"
}

// versionIn reads the version of the zones in a directory, "" if it does not say.
func versionIn(directory string) string {
	if text, err := os.ReadFile(filepath.Join(directory, "+VERSION")); err == nil {
		return strings.TrimSpace(string(text))
	}
	file, err := os.Open(filepath.Join(directory, "tzdata.zi"))
	if err != nil {
		return ""
	}
	defer file.Close()
	line, _ := bufio.NewReader(file).ReadString('\n')
	version, found := strings.CutPrefix(strings.TrimSpace(line), "# version ")
	if !found {
		return ""
	}
	return version
}
