// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	_ "embed"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
)

// panel is one plot: a figure against the number of instances.
type panel struct {
	Title string
	key   string
}

var panels = []panel{
	{Title: "memory, MiB", key: keyResident},
	{Title: "steady state, cores", key: keyCores},
	{Title: "all looked at once, s", key: keyLooked},
	{Title: "new to setSettings, p99, s", key: keyFresh99},
}

// Sizes in pixels.
const (
	panelWidth, panelHeight   = 240.0, 150.0
	gapX, gapY                = 80.0, 80.0
	marginLeft, marginTop     = 60.0, 50.0
	imageWidth, imageHeight   = 2*panelWidth + gapX + marginLeft + 30, 2*panelHeight + gapY + marginTop + 50
	ticks, headroom, unitStep = 4, 1.1, 10.0
)

// point is a place in the image.
type point struct{ X, Y float64 }

// tick is a mark at an axis.
type tick struct {
	point
	Text string
}

// drawn is a panel as the template needs it.
type drawn struct {
	panel
	Left, Top, Right, Bottom float64
	Points                   []point
	XTicks, YTicks           []tick
	// Limit is the height of the bar.
	Limit float64
}

// Line is the path through the points.
func (d drawn) Line() string {
	parts := make([]string, 0, len(d.Points))
	for _, p := range d.Points {
		parts = append(parts, fmt.Sprintf("%.1f,%.1f", p.X, p.Y))
	}
	return strings.Join(parts, " ")
}

//go:embed plot.svg.tmpl
var plotText string

var plotTemplate = template.Must(template.New("plot").Parse(plotText))

// plotAll draws the cost against the number of instances, from the results of a directory that can be compared with one.
func plotAll(directory string, latest *result) error {
	results, err := readResults(directory)
	if err != nil {
		return err
	}
	results = slices.DeleteFunc(results, func(r result) bool { return !r.alike(latest) })
	text, err := plot(results)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(directory, plotFile), []byte(text), 0o644)
}

// plot draws an SVG.
func plot(results []result) (string, error) {
	list := make([]drawn, 0, len(panels))
	for i, p := range panels {
		left := marginLeft + float64(i%2)*(panelWidth+gapX)
		top := marginTop + float64(i/2)*(panelHeight+gapY)
		list = append(list, draw(p, results, left, top))
	}
	var text strings.Builder
	err := plotTemplate.Execute(&text, map[string]any{"Width": imageWidth, "Height": imageHeight, "Panels": list})
	return text.String(), err
}

// draw places the points of one panel. Both axes begin at 0.
func draw(p panel, results []result, left, top float64) drawn {
	d := drawn{panel: p, Left: left, Top: top, Right: left + panelWidth, Bottom: top + panelHeight}
	limit := bars[p.key].value
	maxX, maxY := 0.0, limit
	for _, r := range results {
		maxX, maxY = max(maxX, float64(r.N)), max(maxY, r.Figures[p.key])
	}
	stepX, stepY := niceStep(maxX*headroom), niceStep(maxY*headroom)
	maxX, maxY = max(maxX*headroom, 1), max(maxY*headroom, 1e-9)
	x := func(value float64) float64 { return left + value/maxX*panelWidth }
	y := func(value float64) float64 { return d.Bottom - value/maxY*panelHeight }
	for value := 0.0; value <= maxX; value += stepX {
		d.XTicks = append(d.XTicks, tick{point{x(value), d.Bottom}, fmt.Sprintf("%g", value)})
	}
	for value := 0.0; value <= maxY; value += stepY {
		d.YTicks = append(d.YTicks, tick{point{left, y(value)}, fmt.Sprintf("%.3g", value)})
	}
	for _, r := range results {
		if value, known := r.Figures[p.key]; known {
			d.Points = append(d.Points, point{x(float64(r.N)), y(value)})
		}
	}
	d.Limit = y(limit)
	return d
}

// niceStep is 1, 2 or 5 times a power of ten, so that about so many ticks fit.
func niceStep(most float64) float64 {
	if most <= 0 {
		return 1
	}
	rough := most / ticks
	power := math.Pow(unitStep, math.Floor(math.Log10(rough)))
	for _, factor := range []float64{1, 2, 5} {
		if factor*power >= rough {
			return factor * power
		}
	}
	return unitStep * power
}
