// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package failure

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestOf(t *testing.T) {
	known := &Error{
		Class: Permanent,
		Op:    "op",
		Code:  "7",
		Text:  "text",
	}
	if got := Of(fmt.Errorf("wrapped: %w", known)); got != known {
		t.Errorf("Of() = %+v, want the wrapped error", got)
	}

	unknown := Of(errors.New("secret 573001234567"))
	if unknown.Class != Transient || strings.Contains(unknown.Error(), "573001234567") {
		t.Errorf("Of(unknown) = %v, want a transient failure without the text of the error", unknown)
	}
}

func TestParseRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"":                              0,
		"soon":                          0,
		"-3":                            0,
		"7":                             7 * time.Second,
		" 7 ":                           7 * time.Second,
		"999999":                        MaxRetryAfter,
		"99999999999999":                0,
		"Mon, 23 Nov 2026 12:00:05 GMT": 5 * time.Second,
		"Mon, 23 Nov 2026 11:00:00 GMT": 0,
		"Tue, 24 Nov 2026 12:00:00 GMT": MaxRetryAfter,
	} {
		if got := ParseRetryAfter(value, now); got != want {
			t.Errorf("ParseRetryAfter(%q) = %v, want %v", value, got, want)
		}
	}
}

func TestBackoff(t *testing.T) {
	const base, limit = time.Second, time.Minute
	for n, full := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
		full *= time.Second
		if got := Backoff(n, base, limit, 0); got != full/2 {
			t.Errorf("Backoff(%d, random 0) = %v, want %v", n, got, full/2)
		}

		if got := Backoff(n, base, limit, 0.999); got <= full*9/10 || got > full {
			t.Errorf("Backoff(%d, random 0.999) = %v, want just under %v", n, got, full)
		}
	}

	if got := Backoff(1000, base, limit, 0); got != limit/2 {
		t.Errorf("Backoff(1000) = %v, want %v", got, limit/2)
	}
}
