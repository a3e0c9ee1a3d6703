// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package emulator

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"image"
	"image/color"
	"image/png"
	"time"
)

// qrLifetime is how long the vendor shows one QR code (documented).
const qrLifetime = 20 * time.Second

// qrImage draws a picture that looks like a QR code, as PNG: another one for each instance and every 20 seconds. It
// cannot be scanned.
func qrImage(id int64, now time.Time) []byte {
	const modules, border, scale = 29, 4, 4
	const size = (modules + 2*border) * scale
	picture := image.NewPaletted(image.Rect(0, 0, size, size), color.Palette{color.White, color.Black})
	seed := fmt.Sprint(id, now.Unix()/int64(qrLifetime/time.Second))
	for y := range modules {
		for x := range modules {
			dark, fixed := finder(x, y, modules)
			if !fixed {
				hash := fnv.New32a()
				_, _ = fmt.Fprint(hash, seed, x, ",", y)
				dark = hash.Sum32()>>16&1 == 1
			}
			if !dark {
				continue
			}
			for pixel := range scale * scale {
				picture.SetColorIndex((x+border)*scale+pixel%scale, (y+border)*scale+pixel/scale, 1)
			}
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, picture); err != nil {
		panic(err) // a paletted picture in memory always encodes
	}
	return out.Bytes()
}

// finder draws the three squares in the corners; fixed tells whether the module belongs to one of them.
func finder(x, y, modules int) (dark, fixed bool) {
	const side = 8
	if x >= modules-side && y < side {
		x = modules - 1 - x
	} else if y >= modules-side && x < side {
		y = modules - 1 - y
	}
	if x >= side || y >= side {
		return false, false
	}
	fromCenter := max(x-3, 3-x, y-3, 3-y)
	return fromCenter == 3 || fromCenter <= 1, true
}
