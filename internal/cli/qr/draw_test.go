// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package qr

import (
	"fmt"
	"image/color"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/greenapi-operator/greenapi-operator/internal/cli/vt"
)

func TestADrawnCodeScansOnDarkAndLightTerminals(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	for _, text := range []string{"short", "2@" + strings.Repeat("What a phone scans/", 12)} {
		code, err := Read(pngOf(t, paint(encoded(t, text), 6, 4, color.Black, color.White)))
		g.Expect(err).NotTo(HaveOccurred())
		for name, c := range map[string]struct {
			with  Ink
			dark  bool
			quiet int
		}{
			"colors, dark terminal": {Colors, true, 4}, "colors, light terminal": {Colors, false, 4}, "colors, a narrow border": {Colors, true, 2},
			"light blocks, dark terminal": {Light, true, 4}, "dark blocks, light terminal": {Dark, false, 4},
		} {
			lines := code.Lines(c.quiet, c.with)
			g.Expect(lines).To(HaveLen(code.Rows(c.quiet)), name)
			screen := &vt.Terminal{}
			fmt.Fprint(screen, strings.Join(lines, "\r\n"))
			g.Expect(screen.NotUnderstood()).To(BeEmpty())
			g.Expect(screen.Scan(c.dark)).To(Equal(text), name)
			g.Expect(len([]rune(strings.Split(screen.Lines(), "\n")[0]))).To(Equal(code.Columns(c.quiet)), name)
			if c.with != Colors {
				g.Expect(strings.Join(lines, "")).NotTo(ContainSubstring("\x1b"), name)
			}
		}
	}
}

func TestACodeFitsByItsWidthAndItsHeight(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	code := &Code{size: 57}
	for _, c := range []struct {
		width, height, quiet int
		fits                 bool
	}{{65, 35, 4, true}, {80, 100, 4, true}, {64, 35, 3, true}, {63, 34, 3, true}, {62, 35, 2, true}, {61, 33, 2, true}, {60, 35, 2, false}, {80, 32, 2, false}, {0, 0, 2, false}} {
		quiet, fits := code.Fit(c.width, c.height, 2)
		g.Expect([]any{quiet, fits}).To(Equal([]any{c.quiet, c.fits}), fmt.Sprint(c))
	}
}
