// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import "testing"

func TestCallback(t *testing.T) {
	event, part, ok := ParseCallback(Callback("abc", 7))
	if event != "abc" || part != 7 || !ok {
		t.Errorf("ParseCallback(Callback()) = %q, %d, %t", event, part, ok)
	}

	for _, foreign := range []string{"", "order 17", "abc:", "abc:-1", "abc:x", "abc:1000"} {
		if _, _, ok := ParseCallback(foreign); ok {
			t.Errorf("ParseCallback(%q) accepts the data of another application", foreign)
		}
	}
}
