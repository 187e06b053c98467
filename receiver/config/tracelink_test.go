// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"strings"
	"testing"
)

func TestLinkToATrace(t *testing.T) {
	const id = "4bf92f3577b34da6a3ce929d0e0e4736"

	for _, c := range []struct{ template, traceID, want string }{
		{"https://tempo.example.com/trace/{traceID}?tab=spans", id, "https://tempo.example.com/trace/" + id + "?tab=spans"},
		{"https://tempo.example.com/trace/{traceID}", "", ""},
		{"https://tempo.example.com/trace/{traceID}", "../a", "https://tempo.example.com/trace/..%2Fa"},
		{"", id, ""},
	} {
		if got := (Tracing{LinkTemplate: c.template}).Link(c.traceID); got != c.want {
			t.Errorf("the link of %q by %q is %q, want %q", c.traceID, c.template, got, c.want)
		}
	}
}

func TestLinkTemplateIsChecked(t *testing.T) {
	for _, template := range []string{"tempo/{traceID}", "https://tempo.example.com/", "javascript:{traceID}", "https://a/{traceID}/{traceID}"} {
		_, err := Parse([]byte(smallest + "tracing: {linkTemplate: \"" + template + "\"}\n"))
		if err == nil || !strings.Contains(err.Error(), "tracing.linkTemplate must be an absolute") {
			t.Errorf("the template %q: %v, want an error that names the key", template, err)
		}
	}
}
