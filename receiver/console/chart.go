// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package console

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// The size of a chart in units of its view box. The page scales it.
const (
	chartWidth  = 360
	chartHeight = 80
)

// chart is a line over time, drawn by the server as SVG.
type chart struct {
	Title string
	Unit  string // after each value
	Max   string // the greatest value
	Last  string // the newest value
	Empty bool   // nothing was observed

	Width, Height int
	Lines         []string // the points attribute of each polyline; a gap in the values begins another one
	Areas         []string // the same, closed at the bottom
}

// newChart returns the chart of values, the oldest first. NaN is a gap.
func newChart(title, unit string, values []float64, format func(float64) string) chart {
	c := chart{
		Title:  title,
		Unit:   unit,
		Empty:  true,
		Width:  chartWidth,
		Height: chartHeight,
	}

	top := 0.0

	for _, value := range values {
		if !math.IsNaN(value) {
			c.Empty = false
			c.Last = format(value)
			top = max(top, value)
		}
	}

	c.Max = format(top)

	for _, run := range runs(values) {
		line := points(run, len(values), top)
		bottom := strconv.Itoa(chartHeight)
		first, _, _ := strings.Cut(line[0], ",")
		last, _, _ := strings.Cut(line[len(line)-1], ",")

		c.Lines = append(c.Lines, strings.Join(line, " "))
		c.Areas = append(c.Areas, strings.Join(line, " ")+" "+last+","+bottom+" "+first+","+bottom)
	}

	return c
}

// run is a sequence of values without a gap.
type run struct {
	from   int // the index of the first
	values []float64
}

func runs(values []float64) []run {
	var (
		all    []run
		isOpen bool
	)

	for i, value := range values {
		switch {
		case math.IsNaN(value):
			isOpen = false
			continue
		case !isOpen:
			all = append(all, run{from: i})
			isOpen = true
		}

		current := &all[len(all)-1]
		current.values = append(current.values, value)
	}

	return all
}

// points returns the coordinates of a run among count values, of which top is the greatest. A run of one value is a short
// line, since a point has no length.
func points(r run, count int, top float64) []string {
	step := float64(chartWidth) / float64(max(count-1, 1))

	coordinates := make([]string, 0, len(r.values)+1)

	for i, value := range r.values {
		coordinates = append(coordinates, point(float64(r.from+i)*step, value, top))
	}

	if len(r.values) == 1 {
		coordinates = append(coordinates, point(float64(r.from)*step+1, r.values[0], top))
	}

	return coordinates
}

func point(x, value, top float64) string {
	y := float64(chartHeight)
	if top > 0 {
		y -= value / top * (chartHeight - 4) // room for the width of the line
	}

	return strconv.FormatFloat(x, 'f', 1, 64) + "," + strconv.FormatFloat(y, 'f', 1, 64)
}

// formatCount formats a rate or a number.
func formatCount(value float64) string {
	switch {
	case value == math.Trunc(value):
		return strconv.FormatFloat(value, 'f', 0, 64)
	case value < 10:
		return strconv.FormatFloat(value, 'f', 1, 64)
	default:
		return strconv.FormatFloat(value, 'f', 0, 64)
	}
}

// formatSeconds formats a duration in seconds with two or three digits.
func formatSeconds(value float64) string {
	d := time.Duration(value * float64(time.Second))

	switch {
	case d < 10*time.Millisecond:
		return d.Round(100 * time.Microsecond).String()
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	default:
		return d.Round(time.Second).String()
	}
}
