// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// element is an element of an SVG with its text.
type element struct {
	name, text string
	attributes map[string]string
}

func elements(t *testing.T, svg []byte) []element {
	t.Helper()

	var (
		all  []element
		open []int
	)

	decoder := xml.NewDecoder(strings.NewReader(string(svg)))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return all
		}

		if err != nil {
			t.Fatalf("not well-formed: %v\n%s", err, svg)
		}

		switch token := token.(type) {
		case xml.StartElement:
			e := element{name: token.Name.Local, attributes: map[string]string{}}
			for _, a := range token.Attr {
				e.attributes[a.Name.Local] = a.Value
			}

			open = append(open, len(all))
			all = append(all, e)
		case xml.CharData:
			if len(open) > 0 {
				all[open[len(open)-1]].text += string(token)
			}
		case xml.EndElement:
			open = open[:len(open)-1]
		}
	}
}

func texts(all []element) []string {
	var found []string
	for _, e := range all {
		if e.name == "text" {
			found = append(found, e.text)
		}
	}

	return found
}

func TestChart(t *testing.T) {
	c := chart{
		title: "Cost of <claims>",
		x:     "events",
		y:     "µs",
		lines: []line{
			{name: "embedded", points: []point{{0, 100}, {10_000, 110}, {1_000_000, 120}}},
			{name: "R & D", points: []point{{0, 100}, {10_000, 400}, {1_000_000, 118}}},
		},
	}
	all := elements(t, c.svg())

	want := []string{
		"Cost of <claims>", "µs", "events",
		"0", "100", "200", "300", "400",
		"0", "10k", "100k", "1M",
		"embedded", "R & D",
	}
	if diff := cmp.Diff(want, texts(all)); diff != "" {
		t.Errorf("texts (-want +got):\n%s", diff)
	}

	var (
		lines, tips []string
		names       []float64
	)
	for _, e := range all {
		switch {
		case strings.HasPrefix(e.attributes["class"], "line "):
			lines = append(lines, e.attributes["d"])
		case e.name == "title":
			tips = append(tips, e.text)
		case e.name == "text" && strings.HasPrefix(e.attributes["class"], "mark"):
			y, err := strconv.ParseFloat(e.attributes["y"], 64)
			if err != nil {
				t.Fatal(err)
			}

			names = append(names, y)
		}
	}
	// One power of ten is a third of the width of the plot, and 0 is one power before the first.
	if diff := cmp.Diff([]string{"M72.0 236.0L234.7 230.0L560.0 224.0", "M72.0 236.0L234.7 56.0L560.0 225.2"}, lines); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}

	if len(tips) != 7 || tips[4] != "R & D: 100 at 0" {
		t.Errorf("the tooltips of the points are %q", tips)
	}

	if gap := math.Abs(names[0] - names[1]); gap < between-0.1 {
		t.Errorf("the names of two lines are %.1f apart", gap)
	}
}

func TestChartOfFewPoints(t *testing.T) {
	for name, lines := range map[string][]line{
		"no line":       nil,
		"no point":      {{name: "a"}},
		"one point":     {{name: "a", points: []point{{10, 5}}}},
		"only 0":        {{name: "a", points: []point{{0, 0}}}},
		"all of them 0": {{name: "a", points: []point{{0, 0}, {10, 0}}}},
		"four lines":    {{name: "a"}, {name: "b"}, {name: "c"}, {name: "d", points: []point{{1, 1e9}}}},
	} {
		t.Run(name, func(t *testing.T) {
			svg := chart{title: "t", lines: lines}.svg()
			elements(t, svg)

			for _, wrong := range []string{"NaN", "Inf", "%!"} {
				if strings.Contains(string(svg), wrong) {
					t.Errorf("has %s:\n%s", wrong, svg)
				}
			}
		})
	}
}

func TestNiceStep(t *testing.T) {
	for top, want := range map[float64]float64{
		0:    1,
		0.9:  0.2,
		1:    0.2,
		7:    2,
		15:   5,
		100:  20,
		160:  50,
		299:  50,
		300:  100,
		4500: 1000,
	} {
		if got := niceStep(top); math.Abs(got-want) > want/1e6 {
			t.Errorf("up to %v in steps of %v, want %v", top, got, want)
		}
	}
}

func TestShort(t *testing.T) {
	for value, want := range map[float64]string{
		0:         "0",
		0.25:      "0.25",
		640:       "640",
		9_999:     "9999",
		10_000:    "10k",
		123_456:   "123.5k",
		1_000_000: "1M",
		2_500_000: "2.5M",
	} {
		if got := short(value); got != want {
			t.Errorf("%v is written %q, want %q", value, got, want)
		}
	}
}
