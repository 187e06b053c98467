// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"regexp"
	"testing"
)

func TestJoined(t *testing.T) {
	for text, want := range map[string]string{
		"one line":                              "one line",
		"a sentence\nin two lines.":             "a sentence in two lines.",
		"a paragraph.\n\nAnother\none.":         "a paragraph.\n\nAnother one.",
		"a list:\n- an item\nof two lines\n- b": "a list:\n- an item of two lines\n- b",
		"code:\n\n  a: b\n  c: d":               "code:\n\n  a: b\n  c: d",
	} {
		if got := joined(text); got != want {
			t.Errorf("joined(%q) = %q; want %q", text, got, want)
		}
	}
}

func TestBoundQuantities(t *testing.T) {
	limits := map[string]any{"pattern": anyQuantity}
	name := map[string]any{"pattern": "^[a-z]+$"}
	boundQuantities(map[string]any{"properties": map[string]any{"limits": limits, "name": name}})

	if limits["pattern"] != boundedQuantity || name["pattern"] != "^[a-z]+$" {
		t.Errorf("patterns %v and %v", limits["pattern"], name["pattern"])
	}

	pattern := regexp.MustCompile(boundedQuantity)
	for value, want := range map[string]bool{
		"10Gi":         true,
		"500m":         true,
		"1.5":          true,
		".5k":          true,
		"1e3":          true,
		"-1E-12":       true,
		"1e100":        false,
		"1e-999999999": false,
		"1.5.5":        false,
		"10GiB":        false,
		"":             false,
	} {
		if pattern.MatchString(value) != want {
			t.Errorf("%q matches: %t, want %t", value, !want, want)
		}
	}
}
