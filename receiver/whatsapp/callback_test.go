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

	for _, foreign := range []string{"", "order 17", "abc:", "abc:-1", "abc:x", "abc:1000", "abc:1:", "abc:1:x", "abc:1:-1", "abc:1:2:3"} {
		if _, _, _, ok := ParseCallback(foreign); ok {
			t.Errorf("ParseCallback(%q) accepts the data of another application", foreign)
		}
	}
}
