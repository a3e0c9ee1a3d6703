// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"testing"

	. "github.com/onsi/gomega"
)

func TestTheHelpOfThePluginListsEveryVerb(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	help := d.kubectl("--help")
	d.Expect(help.code).To(Equal(exitDone), help.err)
	for _, verb := range verbs(&session{}) {
		d.Expect(help.out).To(ContainSubstring("\n  " + verb.Name() + " "))
	}
}

func TestAWrongFlagIsExplained(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	wrong := d.kubectl("--no-such-flag")
	d.Expect(wrong.code).To(Equal(exitFailed))
	d.Expect(wrong.err).To(Equal("error: unknown flag: --no-such-flag\n  See kubectl greenapi --help\n"))
	d.Expect(d.kubectl("no-such-verb").err).To(Equal("error: unknown command \"no-such-verb\" for \"kubectl greenapi\"\n  See kubectl greenapi --help\n"))
}
