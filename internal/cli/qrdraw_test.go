// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"image/color"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

func TestADrawnCodeScansOnDarkAndLightTerminals(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	for _, text := range []string{"short", "2@" + strings.Repeat("What a phone scans/", 12)} {
		code, err := readQR(pngOf(t, paint(encoded(t, text), 6, 4, color.Black, color.White)))
		g.Expect(err).NotTo(HaveOccurred())
		for name, c := range map[string]struct {
			with  ink
			dark  bool
			quiet int
		}{
			"colors, dark terminal": {inkColors, true, 4}, "colors, light terminal": {inkColors, false, 4}, "colors, a narrow border": {inkColors, true, 2},
			"light blocks, dark terminal": {inkLight, true, 4}, "dark blocks, light terminal": {inkDark, false, 4},
		} {
			lines := code.lines(c.quiet, c.with)
			g.Expect(lines).To(HaveLen(code.rows(c.quiet)), name)
			screen := &vt{}
			fmt.Fprint(screen, strings.Join(lines, "\r\n"))
			g.Expect(screen.notUnderstood()).To(BeEmpty())
			g.Expect(screen.scan(c.dark)).To(Equal(text), name)
			g.Expect(len([]rune(strings.Split(screen.lines(), "\n")[0]))).To(Equal(code.columns(c.quiet)), name)
			if c.with != inkColors {
				g.Expect(strings.Join(lines, "")).NotTo(ContainSubstring("\x1b"), name)
			}
		}
	}
}

func TestACodeFitsByItsWidthAndItsHeight(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	code := &qrCode{size: 57}
	for _, c := range []struct {
		width, height, quiet int
		fits                 bool
	}{{65, 35, 4, true}, {80, 100, 4, true}, {64, 35, 3, true}, {63, 34, 3, true}, {62, 35, 2, true}, {61, 33, 2, true}, {60, 35, 2, false}, {80, 32, 2, false}, {0, 0, 2, false}} {
		quiet, fits := code.fit(terminal{width: c.width, height: c.height}, 2)
		g.Expect([]any{quiet, fits}).To(Equal([]any{c.quiet, c.fits}), fmt.Sprint(c))
	}
}

func TestLinesAreCutByTheColumnsTheyTake(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	for _, c := range []struct {
		line    string
		columns int
		want    string
	}{{"hello", 0, "hello"}, {"hello", 5, "hello"}, {"hello", 4, "hel…"}, {"hello", 1, "…"}, {"日本語", 6, "日本語"}, {"日本語", 5, "日本…"}, {"日本語", 4, "日…"}, {"e\u0301e\u0301e\u0301", 3, "e\u0301e\u0301e\u0301"}, {"", 3, ""}} {
		g.Expect(cut(c.line, c.columns)).To(Equal(c.want), fmt.Sprint(c))
	}
}
