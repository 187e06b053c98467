// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"
)

func TestSmallGrowth(t *testing.T) {
	m, err := growth(t.Context(), []int{0, 100}, 40, 2)
	if err != nil {
		t.Fatal(err)
	}

	for _, c := range m.charts {
		if len(c.lines) != 2 || len(c.lines[1].points) != 2 {
			t.Fatalf("%s has the lines %v, want a line of two points for each engine", c.file, c.lines)
		}

		if last := c.lines[1].points[1]; last.x != 100 || last.y <= 0 {
			t.Errorf("%s has the lines %v, want a line of two points for each engine", c.file, c.lines)
		}
	}

	if want := 2 * 2 * 2 * len(costNames); len(m.figures) != want {
		t.Errorf("%d figures, want %d", len(m.figures), want)
	}

	if _, err := growth(t.Context(), []int{10, 100}, 0, 1); err == nil {
		t.Error("histories without an empty store are accepted")
	}
}
