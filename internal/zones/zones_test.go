// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package zones

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// TestR31AnUnknownZoneIsNeverTakenForAnother: the error names it and says what to write.
func TestR31AnUnknownZoneIsNeverTakenForAnother(t *testing.T) {
	g := NewWithT(t)
	for _, name := range []string{"", "Local", "Europe/Atlantis", "MSK", "europe/nowhere", "../etc/passwd"} {
		location, err := Load(name)
		g.Expect(location).To(BeNil(), name)
		g.Expect(err).To(MatchError(ContainSubstring(`"`+name+`"`)), name)
		g.Expect(err).To(MatchError(ContainSubstring("Europe/Moscow or America/New_York")), name)
	}
	for _, name := range []string{"UTC", "Europe/Moscow", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "Europe/Moscow"} {
		location, err := Load(name)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(location.String()).To(Equal(name))
	}
}

// TestTheVersionOfTheZonesThatAreBuiltIn is the one that Go's own sources name.
func TestTheVersionOfTheZonesThatAreBuiltIn(t *testing.T) {
	g := NewWithT(t)
	root, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	g.Expect(err).NotTo(HaveOccurred())
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "update.bash"))
	g.Expect(err).NotTo(HaveOccurred())
	found := regexp.MustCompile(`(?m)^DATA=(\S+)$`).FindSubmatch(text)
	g.Expect(found).To(HaveLen(2))
	g.Expect(embedded).To(Equal(string(found[1])), "write the version of this Go into zones.go")
}

// TestTheVersionOfTheMachinesZones is read where a machine has them.
func TestTheVersionOfTheMachinesZones(t *testing.T) {
	g := NewWithT(t)
	write := func(name, text string) string {
		directory := t.TempDir()
		g.Expect(os.WriteFile(filepath.Join(directory, name), []byte(text), 0o600)).To(Succeed())
		return directory
	}
	g.Expect(versionIn(write("tzdata.zi", "# version 2031b\n# This zic input file\n"))).To(Equal("2031b"))
	g.Expect(versionIn(write("+VERSION", "2030a\n"))).To(Equal("2030a"))
	g.Expect(versionIn(write("tzdata.zi", "R d 1916 o\n"))).To(BeEmpty())
	g.Expect(versionIn(t.TempDir())).To(BeEmpty())
	g.Expect(Database()).NotTo(BeEmpty())
	t.Setenv("ZONEINFO", "/somewhere")
	g.Expect(Database()).To(Equal("ZONEINFO=/somewhere"))
}
