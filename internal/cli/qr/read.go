// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package qr reads the QR code that a picture holds and draws it on a terminal. It knows nothing of what the code says.
package qr

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
)

const (
	// maxPixels is how wide and how high a picture may be; more is not decoded, whatever its header claims.
	maxPixels = 4096
	// minModules and maxModules are the sides of the smallest and the largest QR code (ISO/IEC 18004: versions 1 to 40).
	minModules, maxModules = 21, 177
	// finderSide is the side of a finder pattern, timingLine the row and the column of the timing patterns.
	finderSide, timingLine = 7, 6
	// minContrast is the least difference between the darkest and the lightest gray of a picture, of 255.
	minContrast = 64
	// tolerated is which part of the fixed patterns may be otherwise, one in so many: some messengers draw them round.
	tolerated = 20
)

var errNoCode = errors.New("there is no QR code in the picture")

// Code is a QR code as its modules, whatever picture it came from.
type Code struct {
	// size is the number of modules of a side.
	size int
	dark []bool
}

// at tells whether a module is dark. Outside of the code all is light.
func (c *Code) at(x, y int) bool {
	return x >= 0 && y >= 0 && x < c.size && y < c.size && c.dark[y*c.size+x]
}

// Read finds the QR code that fills a PNG, upright and with any border, and reads its modules.
func Read(picture []byte) (*Code, error) {
	header, err := png.DecodeConfig(bytes.NewReader(picture))
	if err != nil {
		return nil, errors.New("the picture is no PNG")
	}
	if header.Width > maxPixels || header.Height > maxPixels {
		return nil, fmt.Errorf("the picture has %d×%d pixels, at most %d×%d are read", header.Width, header.Height, maxPixels, maxPixels)
	}
	decoded, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		return nil, errors.New("the picture is damaged")
	}
	shades := grayOf(decoded)
	middle, ok := middleGray(shades)
	if !ok {
		return nil, errNoCode
	}
	for _, inverted := range []bool{false, true} {
		if inverted {
			for i, shade := range shades.Pix {
				shades.Pix[i] = 255 - shade
			}
			middle = 254 - middle
		}
		if code := (&raster{shades: shades, middle: middle}).find(); code != nil {
			return code, nil
		}
	}
	return nil, errNoCode
}

// grayOf lays a picture on white and takes its colors away.
func grayOf(picture image.Image) *image.Gray {
	bounds := picture.Bounds()
	flat := image.NewRGBA(image.Rect(0, 0, bounds.Dx(), bounds.Dy()))
	draw.Draw(flat, flat.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.Draw(flat, flat.Bounds(), picture, bounds.Min, draw.Over)
	out := image.NewGray(flat.Bounds())
	draw.Draw(out, out.Bounds(), flat, image.Point{}, draw.Src)
	return out
}

// middleGray lies between the darkest and the lightest shade; there is none where they hardly differ.
func middleGray(shades *image.Gray) (middle uint8, ok bool) {
	darkest, lightest := uint8(255), uint8(0)
	for _, shade := range shades.Pix {
		darkest, lightest = min(darkest, shade), max(lightest, shade)
	}
	if darkest > lightest || lightest-darkest < minContrast {
		return 0, false
	}
	return darkest + (lightest-darkest)/2, true
}

// raster is a picture with a square of modules in it. What is not lighter than middle is dark.
type raster struct {
	shades *image.Gray
	middle uint8
	// box is around everything dark. The finder patterns touch three of its corners.
	box image.Rectangle
	// size is how many modules its side is taken to have.
	size int
}

// find reads the code, trying all sizes that a code can have; nil if none fits. The timing patterns, which alternate from
// module to module, fit for one size only.
func (r *raster) find() *Code {
	r.box = r.around()
	width, height := r.box.Dx(), r.box.Dy()
	if width < minModules || height < minModules || max(width, height)-min(width, height) > max(width, height)/minModules {
		return nil
	}
	best, fewest := 0, 0
	for r.size = minModules; r.size <= min(maxModules, width, height); r.size += 4 {
		if wrong, ok := r.misfits(); ok && (best == 0 || wrong < fewest) {
			best, fewest = r.size, wrong
		}
	}
	if best == 0 {
		return nil
	}
	r.size = best
	code := &Code{size: best, dark: make([]bool, best*best)}
	for i := range code.dark {
		code.dark[i] = r.module(i%best, i/best)
	}
	return code
}

// around returns the box around all dark pixels.
func (r *raster) around() image.Rectangle {
	bounds := r.shades.Bounds()
	box := image.Rectangle{Min: bounds.Max, Max: bounds.Min}
	for y := range bounds.Dy() {
		for x, shade := range r.shades.Pix[y*r.shades.Stride : y*r.shades.Stride+bounds.Dx()] {
			if shade <= r.middle {
				box.Min.X, box.Min.Y = min(box.Min.X, x), min(box.Min.Y, y)
				box.Max.X, box.Max.Y = max(box.Max.X, x+1), max(box.Max.Y, y+1)
			}
		}
	}
	return box
}

// module looks at the middle of a module, where soft edges do not reach.
func (r *raster) module(x, y int) bool {
	left, right := within(r.box.Min.X, r.box.Dx(), x, r.size)
	top, bottom := within(r.box.Min.Y, r.box.Dy(), y, r.size)
	sum, count := 0, 0
	for row := top; row < bottom; row++ {
		for column := left; column < right; column++ {
			sum += int(r.shades.GrayAt(column, row).Y)
			count++
		}
	}
	return sum <= int(r.middle)*count
}

// within returns the pixels of the middle two fifths of one of so many equal parts of a length, at least one.
func within(start, length, part, parts int) (from, to int) {
	from = start + (10*part+3)*length/(10*parts)
	to = start + (10*part+7)*length/(10*parts)
	return from, max(to, from+1)
}

// misfits counts the modules of the finder and the timing patterns that are not as they must be. It is not ok where they
// are too many.
func (r *raster) misfits() (wrong int, ok bool) {
	finders, timing, checked := 0, 0, 0
	far := r.size - finderSide
	for _, corner := range []image.Point{{X: 0, Y: 0}, {X: far, Y: 0}, {X: 0, Y: far}} {
		for y := -1; y <= finderSide; y++ {
			for x := -1; x <= finderSide; x++ {
				at := corner.Add(image.Pt(x, y))
				if !at.In(image.Rect(0, 0, r.size, r.size)) {
					continue
				}
				checked++
				ring := max(x-3, 3-x, y-3, 3-y)
				if r.module(at.X, at.Y) != (ring <= 1 || ring == 3) {
					finders++
				}
			}
		}
	}
	length := 0
	for i := finderSide + 1; i < far-1; i++ {
		for _, at := range []image.Point{{X: i, Y: timingLine}, {X: timingLine, Y: i}} {
			length++
			if r.module(at.X, at.Y) != (i%2 == 0) {
				timing++
			}
		}
	}
	return finders + timing, finders <= checked/tolerated && timing <= length/tolerated
}
