// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"fmt"
	"html"
	"math"
	"slices"
)

// chart is a line chart with a logarithmic x axis, which may begin with 0.
type chart struct {
	file  string // name without .svg
	title string
	x, y  string // labels of the axes
	lines []line
}

type line struct {
	name   string
	points []point // from left to right
}

// point has no negative coordinate.
type point struct{ x, y float64 }

// The sizes of a chart, in the units of its coordinates.
const (
	chartWidth, chartHeight = 720, 360
	plotLeft, plotRight     = 72, 560 // the names of the lines are on the right
	plotTop, plotBottom     = 56, 296
	between                 = 18 // minimum distance of the names of lines
)

// chartStyle follows the reader's light or dark mode. Lines differ in their dashes too, for readers with color blindness.
const chartStyle = `
.ground{fill:#fff}.text{fill:#1f2328}.faint{fill:#59636e}.grid{stroke:#d1d9e0}
.line{fill:none;stroke-width:2}.line0{stroke:#0072b2}.line1{stroke:#c2410c;stroke-dasharray:7 4}.line2{stroke:#00795a;stroke-dasharray:2 4}
.mark0{fill:#0072b2}.mark1{fill:#c2410c}.mark2{fill:#00795a}
@media(prefers-color-scheme:dark){
.ground{fill:#0d1117}.text{fill:#f0f6fc}.faint{fill:#9198a1}.grid{stroke:#3d444d}
.line0{stroke:#58a6ff}.line1{stroke:#ffa657}.line2{stroke:#56d4a8}
.mark0{fill:#58a6ff}.mark1{fill:#ffa657}.mark2{fill:#56d4a8}}
`

// chartStyles is the number of lines that chartStyle distinguishes.
const chartStyles = 3

// drawing is an SVG under construction.
type drawing struct {
	bytes.Buffer
}

func (d *drawing) text(class, anchor string, x, y float64, content string) {
	fmt.Fprintf(d, `<text class="%s" text-anchor="%s" x="%.1f" y="%.1f">%s</text>`+"\n",
		class, anchor, x, y, html.EscapeString(content))
}

func (c chart) svg() []byte {
	scale := c.scale()

	var d drawing

	c.drawFrame(&d)
	scale.drawAxes(&d)

	heights := c.nameHeights(scale)
	for i, l := range c.lines {
		style := i % chartStyles
		l.draw(&d, scale, style)
		d.text(fmt.Sprintf("mark%d", style), "start", plotRight+12, heights[i]+4, l.name)
	}

	d.WriteString("</svg>\n")

	return d.Bytes()
}

// drawFrame draws the ground, the title and the labels of the axes.
func (c chart) drawFrame(d *drawing) {
	title := html.EscapeString(c.title)

	fmt.Fprintf(
		d,
		`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%[1]d" height="%[2]d" `+
			`role="img" font-family="system-ui,sans-serif" font-size="12">`+"\n",
		chartWidth,
		chartHeight,
	)
	fmt.Fprintf(d, "<title>%s</title>\n<style>%s</style>\n", title, chartStyle)
	fmt.Fprintf(d, `<rect class="ground" width="%d" height="%d" rx="6"/>`+"\n", chartWidth, chartHeight)
	fmt.Fprintf(
		d,
		`<text class="text" x="%d" y="26" font-size="15" font-weight="600">%s</text>`+"\n",
		plotLeft,
		title,
	)
	d.text("faint", "start", plotLeft, 44, c.y)
	d.text("faint", "middle", (plotLeft+plotRight)/2, plotBottom+44, c.x)
}

// drawAxes draws the grid of the y axis and the ticks of the x axis.
func (s chartScale) drawAxes(d *drawing) {
	for i := range s.steps + 1 {
		value := float64(i) * s.step
		y := s.y(value)
		fmt.Fprintf(d, `<path class="grid" d="M%d %.1fH%d"/>`+"\n", plotLeft, y, plotRight)
		d.text("faint", "end", plotLeft-8, y+4, short(value))
	}

	for _, value := range s.ticks {
		x := s.x(value)
		fmt.Fprintf(d, `<path class="grid" d="M%.1f %dv5"/>`+"\n", x, plotBottom)
		d.text("faint", "middle", x, plotBottom+20, short(value))
	}
}

// draw draws the line and its points, which show their values as tooltips.
func (l line) draw(d *drawing, scale chartScale, style int) {
	fmt.Fprintf(d, `<path class="line line%d" d="`, style)

	for j, p := range l.points {
		fmt.Fprintf(d, "%c%.1f %.1f", "ML"[min(j, 1)], scale.x(p.x), scale.y(p.y))
	}

	d.WriteString(`"/>` + "\n")

	for _, p := range l.points {
		tip := html.EscapeString(fmt.Sprintf("%s: %s at %s", l.name, short(p.y), short(p.x)))
		fmt.Fprintf(d, `<circle class="mark%d" cx="%.1f" cy="%.1f" r="3.5"><title>%s</title></circle>`+"\n",
			style, scale.x(p.x), scale.y(p.y), tip)
	}
}

// nameHeights returns the height of each line's name: at the end of the line, moved down where names would overlap.
func (c chart) nameHeights(s chartScale) []float64 {
	heights := make([]float64, len(c.lines))

	order := make([]int, len(c.lines))
	for i, l := range c.lines {
		order[i] = i

		heights[i] = plotBottom
		if n := len(l.points); n > 0 {
			heights[i] = s.y(l.points[n-1].y)
		}
	}

	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(heights[a], heights[b]) })

	for i, at := range order {
		if i > 0 {
			heights[at] = max(heights[at], heights[order[i-1]]+between)
		}
	}

	return heights
}

// chartScale maps values to coordinates.
type chartScale struct {
	first, last float64 // exponents of ten at the ends of the x axis
	ticks       []float64
	step        float64 // between the lines of the y axis, which begins with 0
	steps       int
}

func (c chart) scale() chartScale {
	s := chartScale{first: math.Inf(1), last: math.Inf(-1)}
	top := 0.0

	zero := false
	for _, l := range c.lines {
		for _, p := range l.points {
			top = max(top, p.y)
			if p.x <= 0 {
				zero = true
				continue
			}

			s.first = min(s.first, math.Floor(math.Log10(p.x)))
			s.last = max(s.last, math.Ceil(math.Log10(p.x)))
		}
	}

	if s.first > s.last { // no point, or only 0
		s.first = 0
		s.last = 1
	}

	for exponent := s.first; exponent <= s.last; exponent++ {
		s.ticks = append(s.ticks, math.Pow(10, exponent))
	}

	if zero {
		s.first--
		s.ticks = append([]float64{0}, s.ticks...)
	}

	s.last = max(s.last, s.first+1)
	s.step = niceStep(top)
	s.steps = max(int(math.Ceil(top/s.step)), 1)

	return s
}

// niceStep returns a step of 1, 2 or 5 times a power of ten that divides the range up to top into 3 to 6 steps.
func niceStep(top float64) float64 {
	if top <= 0 {
		return 1
	}

	power := math.Pow(10, math.Floor(math.Log10(top/3)))

	step := power
	for _, factor := range []float64{1, 2, 5} {
		if factor*power <= top/3 {
			step = factor * power
		}
	}

	return step
}

// x returns the coordinate of a value. The value 0 is one power of ten before the first.
func (s chartScale) x(value float64) float64 {
	exponent := s.first
	if value > 0 {
		exponent = math.Log10(value)
	}

	return plotLeft + (exponent-s.first)/(s.last-s.first)*(plotRight-plotLeft)
}

func (s chartScale) y(value float64) float64 {
	return plotBottom - value/(s.step*float64(s.steps))*(plotBottom-plotTop)
}

// short formats a number for an axis, such as 250, 10k and 1M.
func short(value float64) string {
	switch {
	case value >= 1e6:
		return fmt.Sprintf("%.4gM", value/1e6)
	case value >= 1e4:
		return fmt.Sprintf("%.4gk", value/1e3)
	default:
		return fmt.Sprintf("%.4g", value)
	}
}
