// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package vt is a terminal for tests: what is written to it can be read as a person does, and scanned as a phone does.
package vt

import (
	"image"
	"image/color"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// Terminal makes of what is written to it characters with colors. It understands what kubectl greenapi writes, and
// remembers what it does not. Its zero value is an empty screen.
type Terminal struct {
	mu           sync.Mutex
	cells        [][]cell
	x, y         int
	text, ground int
	hidden       bool
	pending      []byte
	unknown      []string
	everything   strings.Builder
}

// cell is a character and its colors, of the 256; the terminal's own are 0.
type cell struct {
	r            rune
	text, ground int
}

var sequence = regexp.MustCompile(`^\x1b\[(\??)([0-9;]*)([A-Za-z])`)

// Write is part of io.Writer.
func (v *Terminal) Write(b []byte) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.everything.Write(b)
	v.pending = append(v.pending, b...)
	for len(v.pending) > 0 {
		if v.pending[0] != 0x1b {
			r, n := firstRune(v.pending)
			if n == 0 {
				break
			}
			v.pending = v.pending[n:]
			v.put(r)
			continue
		}
		m := sequence.FindSubmatch(v.pending)
		if m == nil {
			if len(v.pending) > 20 {
				v.unknown = append(v.unknown, string(v.pending[:20]))
				v.pending = v.pending[1:]
				continue
			}
			break
		}
		v.pending = v.pending[len(m[0]):]
		v.obey(string(m[0]), string(m[1])+string(m[3]), string(m[2]))
	}
	return len(b), nil
}

func firstRune(b []byte) (rune, int) {
	for n := 1; n <= 4 && n <= len(b); n++ {
		if runes := []rune(string(b[:n])); len(runes) == 1 && runes[0] != '\uFFFD' {
			return runes[0], n
		}
	}
	return 0, 0
}

func (v *Terminal) put(r rune) {
	switch r {
	case '\r':
		v.x = 0
		return
	case '\n':
		v.y++
		return
	case 0x07, 0x08, 0x7f:
		v.unknown = append(v.unknown, strconv.QuoteRune(r))
		return
	}
	for len(v.cells) <= v.y {
		v.cells = append(v.cells, nil)
	}
	for len(v.cells[v.y]) <= v.x {
		v.cells[v.y] = append(v.cells[v.y], cell{r: ' '})
	}
	v.cells[v.y][v.x] = cell{r, v.text, v.ground}
	v.x++
}

func (v *Terminal) obey(whole, name, arguments string) {
	number, err := strconv.Atoi(arguments)
	if err != nil {
		number = 0
	}
	switch {
	case name == "?l" && number == 25, name == "?h" && number == 25:
		v.hidden = name == "?l"
	case name == "A":
		v.y = max(v.y-max(number, 1), 0)
	case name == "H":
		v.x, v.y = 0, 0
	case name == "J" && number == 2:
		v.cells = nil
	case name == "J" && number == 0:
		v.eraseBehind()
		v.cells = v.cells[:min(v.y+1, len(v.cells))]
	case name == "K" && number == 0:
		v.eraseBehind()
	case name == "m":
		v.paint(whole, strings.Split(arguments, ";"))
	default:
		v.unknown = append(v.unknown, whole)
	}
}

func (v *Terminal) eraseBehind() {
	if v.y < len(v.cells) {
		v.cells[v.y] = v.cells[v.y][:min(v.x, len(v.cells[v.y]))]
	}
}

func (v *Terminal) paint(whole string, codes []string) {
	for i := 0; i < len(codes); i++ {
		switch {
		case codes[i] == "0" || codes[i] == "":
			v.text, v.ground = 0, 0
		case codes[i] == "1":
		case (codes[i] == "38" || codes[i] == "48") && i+2 < len(codes) && codes[i+1] == "5":
			index, _ := strconv.Atoi(codes[i+2])
			if codes[i] == "38" {
				v.text = index
			} else {
				v.ground = index
			}
			i += 2
		default:
			v.unknown = append(v.unknown, whole)
		}
	}
}

// Lines is what a person reads.
func (v *Terminal) Lines() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	var out strings.Builder
	for _, line := range v.cells {
		for _, c := range line {
			out.WriteRune(c.r)
		}
		out.WriteString("\n")
	}
	return out.String()
}

// All is everything that was ever written.
func (v *Terminal) All() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.everything.String()
}

// CursorHidden reports whether the cursor was hidden and not shown again.
func (v *Terminal) CursorHidden() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.hidden
}

// NotUnderstood is what was written and means nothing to this terminal.
func (v *Terminal) NotUnderstood() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.unknown
}

// Scan reads the QR code on the screen as a phone does, where the terminal's own colors are light text on a dark
// background, or the other way around. It returns "" if there is none.
func (v *Terminal) Scan(darkBackground bool) string {
	picture := v.picture(darkBackground)
	bitmap, err := gozxing.NewBinaryBitmapFromImage(picture)
	if err != nil {
		return ""
	}
	result, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true})
	if err != nil {
		return ""
	}
	return result.GetText()
}

// picture draws the half blocks of the screen; other characters are left out.
func (v *Terminal) picture(darkBackground bool) image.Image {
	v.mu.Lock()
	defer v.mu.Unlock()
	const scale, margin, columns = 4, 4, 100
	own := map[bool]color.Gray{true: {Y: 0}, false: {Y: 255}}
	text, ground := own[!darkBackground], own[darkBackground]
	shade := func(index int, otherwise color.Gray) color.Gray {
		switch index {
		case 16:
			return color.Gray{Y: 0}
		case 231:
			return color.Gray{Y: 255}
		}
		return otherwise
	}
	out := image.NewGray(image.Rect(0, 0, (columns+2*margin)*scale, (2*len(v.cells)+2*margin)*scale))
	for i := range out.Pix {
		out.Pix[i] = ground.Y
	}
	for y, line := range v.cells {
		for x, c := range line {
			halves := [2]color.Gray{shade(c.ground, ground), shade(c.ground, ground)}
			if c.r == '█' || c.r == '▀' {
				halves[0] = shade(c.text, text)
			}
			if c.r == '█' || c.r == '▄' {
				halves[1] = shade(c.text, text)
			}
			for i := range 2 * scale * scale {
				out.SetGray((x+margin)*scale+i%scale, (2*y+margin)*scale+i/scale, halves[i/scale/scale])
			}
		}
	}
	return out
}
