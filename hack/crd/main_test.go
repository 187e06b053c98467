// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import "testing"

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
