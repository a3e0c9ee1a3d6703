// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package qr

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math/rand/v2"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	library "rsc.io/qr"
)

// encoded is a QR code of a text, as the library that made it sees it.
func encoded(t *testing.T, text string) *library.Code {
	t.Helper()
	code, err := library.Encode(text, library.L)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// paint draws a code with so many pixels a module and so many light modules around.
func paint(code *library.Code, scale, quiet int, dark, light color.Color) *image.NRGBA {
	side := (code.Size + 2*quiet) * scale
	out := image.NewNRGBA(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			at := light
			if code.Black(x/scale-quiet, y/scale-quiet) {
				at = dark
			}
			out.Set(x, y, at)
		}
	}
	return out
}

func pngOf(t *testing.T, picture image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, picture); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// same compares the modules that were read with those that were drawn.
func same(g *WithT, name string, picture []byte, want *library.Code) {
	got, err := Read(picture)
	g.Expect(err).NotTo(HaveOccurred(), name)
	g.Expect(got.size).To(Equal(want.Size), name)
	for y := range want.Size {
		for x := range want.Size {
			if got.at(x, y) != want.Black(x, y) {
				g.Expect(fmt.Sprintf("module %d,%d is dark: %v", x, y, got.at(x, y))).To(BeEmpty(), name)
			}
		}
	}
}

func TestQRCodesOfEverySizeAreRead(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	sizes := map[int]bool{}
	for length := 10; length < 2900; length += 30 {
		code := encoded(t, strings.Repeat("a~", length/2))
		if sizes[code.Size] {
			continue
		}
		sizes[code.Size] = true
		same(g, fmt.Sprint(code.Size), pngOf(t, paint(code, 3, 4, color.Black, color.White)), code)
	}
	g.Expect(len(sizes)).To(BeNumerically(">", 35))
}

func TestQRCodesAreReadHoweverTheyAreDrawn(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	code := encoded(t, "2@"+strings.Repeat("What a phone scans/", 12))
	for scale := 1; scale <= 11; scale++ {
		for _, quiet := range []int{0, 1, 4, 30} {
			same(g, fmt.Sprintf("%d pixels a module, %d modules around", scale, quiet), pngOf(t, paint(code, scale, quiet, color.Black, color.White)), code)
		}
	}
	blue, cream, nothing := color.NRGBA{R: 20, G: 30, B: 120, A: 255}, color.NRGBA{R: 255, G: 250, B: 220, A: 255}, color.NRGBA{}
	same(g, "colors", pngOf(t, paint(code, 5, 4, blue, cream)), code)
	same(g, "nothing behind it", pngOf(t, paint(code, 5, 4, color.Black, nothing)), code)
	same(g, "light on dark", pngOf(t, paint(code, 5, 4, cream, blue)), code)
	same(g, "white on gray", pngOf(t, paint(code, 5, 4, color.Gray{Y: 250}, color.Gray{Y: 130})), code)
	same(g, "black on gray", pngOf(t, paint(code, 5, 4, color.Gray{Y: 0}, color.Gray{Y: 100})), code)
	same(g, "half transparent", pngOf(t, paint(code, 5, 4, color.NRGBA{A: 200}, nothing)), code)
	plain := paint(code, 5, 4, color.Black, color.White)
	for name, into := range map[string]draw.Image{
		"gray": image.NewGray(plain.Bounds()), "16 bits of gray": image.NewGray16(plain.Bounds()), "16 bits of color": image.NewNRGBA64(plain.Bounds()),
		"two colors": image.NewPaletted(plain.Bounds(), color.Palette{color.White, color.Black}),
	} {
		draw.Draw(into, plain.Bounds(), plain, image.Point{}, draw.Src)
		same(g, name, pngOf(t, into), code)
	}
	same(g, "as the library writes it", code.PNG(), code)
	for _, side := range []int{181, 200, 256, 333, 500} {
		same(g, fmt.Sprintf("soft edges, %d pixels", side), pngOf(t, shrink(paint(code, 24, 4, color.Black, color.White), side)), code)
	}
}

// shrink makes a picture smaller, with soft edges where modules do not end with a pixel.
func shrink(from *image.NRGBA, side int) *image.Gray {
	out, size := image.NewGray(image.Rect(0, 0, side, side)), from.Bounds().Dx()
	for y := range side {
		for x := range side {
			sum, count := 0, 0
			for row := y * size / side; row < (y+1)*size/side; row++ {
				for column := x * size / side; column < (x+1)*size/side; column++ {
					sum += int(from.NRGBAAt(column, row).R)
					count++
				}
			}
			out.SetGray(x, y, color.Gray{Y: uint8(sum / count)})
		}
	}
	return out
}

func TestWhatIsNoQRCodeIsRefused(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	noise, random := image.NewGray(image.Rect(0, 0, 200, 200)), rand.New(rand.NewPCG(1, 2))
	for i := range noise.Pix {
		noise.Pix[i] = uint8(random.UintN(256))
	}
	code := encoded(t, "a code without its corners")
	cornerless := paint(code, 4, 4, color.Black, color.White)
	draw.Draw(cornerless, image.Rect(16, 16, 16+7*4, 16+7*4), image.NewUniform(color.Black), image.Point{}, draw.Src)
	whole := code.PNG()
	for name, c := range map[string]struct {
		picture []byte
		want    string
	}{
		"nothing":            {nil, "no PNG"},
		"a text":             {[]byte("<html>"), "no PNG"},
		"half a picture":     {whole[:len(whole)/2], "damaged"},
		"a white picture":    {pngOf(t, paint(code, 4, 4, color.White, color.White)), "no QR code"},
		"noise":              {pngOf(t, noise), "no QR code"},
		"a code in a frame":  {pngOf(t, framed(paint(code, 4, 4, color.Black, color.White))), "no QR code"},
		"a corner is blank":  {pngOf(t, cornerless), "no QR code"},
		"hardly a contrast":  {pngOf(t, paint(code, 4, 4, color.Gray{Y: 120}, color.Gray{Y: 150})), "no QR code"},
		"a single pixel":     {pngOf(t, image.NewGray(image.Rect(0, 0, 1, 1))), "no QR code"},
		"too wide to decode": {claiming(t, 100_000, 100_000), "100000×100000 pixels, at most 4096×4096"},
		"too high to decode": {claiming(t, 10, 4097), "10×4097 pixels"},
	} {
		_, err := Read(c.picture)
		g.Expect(err).To(MatchError(ContainSubstring(c.want)), name)
	}
}

// framed draws a line around a picture.
func framed(picture *image.NRGBA) image.Image {
	side := picture.Bounds().Dx()
	for i := range side {
		for _, at := range []image.Point{{X: i}, {Y: i}, {X: i, Y: side - 1}, {X: side - 1, Y: i}} {
			picture.Set(at.X, at.Y, color.Black)
		}
	}
	return picture
}

// claiming is the beginning of a PNG that says it is that large.
func claiming(t *testing.T, width, height uint32) []byte {
	t.Helper()
	picture := pngOf(t, image.NewGray(image.Rect(0, 0, 1, 1)))
	const header = 16 // after the signature, a length and a name
	binary.BigEndian.PutUint32(picture[header:], width)
	binary.BigEndian.PutUint32(picture[header+4:], height)
	binary.BigEndian.PutUint32(picture[header+13:], crc32.ChecksumIEEE(picture[header-4:header+13]))
	return picture
}

// TestADamagedPictureIsNoDisaster: whatever bytes are wrong, there is an error, or what can be a QR code.
func TestADamagedPictureIsNoDisaster(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	whole, random := encoded(t, "what a phone scans").PNG(), rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		picture := bytes.Clone(whole)[:len(whole)-int(random.UintN(2))*random.IntN(len(whole))]
		for range random.IntN(6) {
			if len(picture) > 0 {
				picture[random.IntN(len(picture))] ^= 1 << random.UintN(8)
			}
		}
		code, err := Read(picture)
		g.Expect(code == nil).To(Equal(err != nil))
		if code != nil {
			g.Expect(code.size).To(Equal(encoded(t, "what a phone scans").Size))
		}
	}
}
