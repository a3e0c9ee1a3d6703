// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

func TestColumnsStandBelowEachOtherWhateverTheirCharactersTake(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	var out strings.Builder
	rows := [][]gridCell{{{text: "日本語"}, {text: "one"}}, {{text: "e\u0301"}, {text: ""}}, {{text: "long name"}, {text: "two"}}}
	(&grid{indent: 2, columns: []column{{name: "NAME"}, {name: "TEXT"}}}).print(&out, rows)
	g.Expect(out.String()).To(Equal("" +
		"  NAME        TEXT\n" +
		"  日本語      one\n" +
		"  e\u0301\n" +
		"  long name   two\n"))
}

func TestATableThatIsTooWide(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	rows := [][]gridCell{{{text: "a rather long name"}, {text: "and what is said of it"}}}
	for want, table := range map[string]*grid{
		"NAME                 …\na rather long name   …\n": {},
		"NAME               …\na rather long name …\n":     {cutsAll: true},
		"a rather long name: and what is said of it\n":     {narrow: func(row []gridCell) string { return row[0].text + ": " + row[1].text + "\n" }},
	} {
		var out strings.Builder
		table.terminal, table.columns = terminal{width: 20}, []column{{name: "NAME"}, {name: "TEXT"}}
		table.print(&out, rows)
		g.Expect(out.String()).To(Equal(want))
	}
}
