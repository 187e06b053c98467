// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import "testing"

func TestCallback(t *testing.T) {
	for _, want := range []struct {
		data         string
		part, resend int
	}{
		{data: "abc:7", part: 7},
		{data: "abc:0:1", resend: 1},
		{
			data:   "abc:7:2",
			part:   7,
			resend: 2,
		},
	} {
		if got := Callback("abc", want.part, want.resend); got != want.data {
			t.Errorf("Callback(%d, %d) = %q, want %q", want.part, want.resend, got, want.data)
		}

		event, part, resend, ok := ParseCallback(want.data)
		if event != "abc" || part != want.part || resend != want.resend || !ok {
			t.Errorf("ParseCallback(%q) = %q, %d, %d, %t", want.data, event, part, resend, ok)
		}
	}

	event, part, resend, ok := ParseCallback(FallbackCallback("abc", 7, 2))
	if event != "abc" || part != 7 || resend != 2 || !ok {
		t.Errorf("ParseCallback of a fallback = %q, %d, %d, %t", event, part, resend, ok)
	}

	if !IsFallbackCallback("abc:7:2:fallback") || IsFallbackCallback("abc:7:2") {
		t.Error("IsFallbackCallback does not tell a fallback from an answer")
	}

	for _, foreign := range []string{"", "order 17", "abc:", "abc:-1", "abc:x", "abc:1000", "abc:1:", "abc:1:x", "abc:1:-1", "abc:1:2:3", "abc:fallback", "abc:1:fallback:fallback"} {
		if _, _, _, ok := ParseCallback(foreign); ok {
			t.Errorf("ParseCallback(%q) accepts the data of another application", foreign)
		}
	}
}
