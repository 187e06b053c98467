// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package failure

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// MaxRetryAfter is the longest wait that a server can ask for.
const MaxRetryAfter = 15 * time.Minute

// ParseRetryAfter parses a Retry-After header, in seconds or as a date (RFC 9110, section 10.2.3). It returns 0 for an
// invalid or empty value, and at most MaxRetryAfter.
func ParseRetryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if value == "" {
		return 0
	}

	var wait time.Duration
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		wait = at.Sub(now)
	}

	return min(max(wait, 0), MaxRetryAfter)
}

// Backoff returns the wait before retry n, from 0: base · 2^n, at most limit. The upper half of it is jitter, so that
// events that failed together are not retried together. random is from [0, 1).
func Backoff(n int, base, limit time.Duration, random float64) time.Duration {
	wait := limit
	if n < 32 && base <= limit>>n {
		wait = base << n
	}

	return wait/2 + time.Duration(random*float64(wait/2))
}
