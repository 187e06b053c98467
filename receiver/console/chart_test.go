// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package console

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestChart(t *testing.T) {
	nan := math.NaN()

	for _, c := range []struct {
		name      string
		values    []float64
		lines     []string
		max, last string
		empty     bool
	}{
		{"nothing", nil, nil, "0", "", true},
		{"only gaps", []float64{nan, nan}, nil, "0", "", true},
		{"zeros", []float64{0, 0}, []string{"0.0,80.0 360.0,80.0"}, "0", "0", false},
		{"rising", []float64{0, 5, 10}, []string{"0.0,80.0 180.0,42.0 360.0,4.0"}, "10", "10", false},
		{"a gap", []float64{2, nan, 2, 1}, []string{"0.0,4.0 1.0,4.0", "240.0,4.0 360.0,42.0"}, "2", "1", false},
	} {
		got := newChart(c.name, "", c.values, formatCount)
		if diff := cmp.Diff(c.lines, got.Lines); diff != "" {
			t.Errorf("%s: lines (-want +got):\n%s", c.name, diff)
		}

		if got.Max != c.max || got.Last != c.last || got.Empty != c.empty || len(got.Areas) != len(got.Lines) {
			t.Errorf("%s: max %q, last %q, empty %v", c.name, got.Max, got.Last, got.Empty)
		}
	}
}

func TestFormats(t *testing.T) {
	for value, want := range map[float64]string{0.00123: "1.2ms", 0.0567: "57ms", 1.26: "1.3s", 75.2: "1m15s"} {
		if got := formatSeconds(value); got != want {
			t.Errorf("%v s is %q, want %q", value, got, want)
		}
	}

	for value, want := range map[float64]string{3: "3", 0.25: "0.2", 123.4: "123"} {
		if got := formatCount(value); got != want {
			t.Errorf("%v is %q, want %q", value, got, want)
		}
	}
}
