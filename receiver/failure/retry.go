// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package failure

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// MaxRetryAfter bounds what a server can ask for.
const MaxRetryAfter = 15 * time.Minute

// ParseRetryAfter reads the header of that name, in seconds or as a date (RFC 9110, section 10.2.3). It returns 0 where
// there is none, and at most MaxRetryAfter.
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

// Backoff is the wait before attempt n+1, n from 0: base · 2^n up to most, of which the upper half is random, so that
// what failed together does not come back together. random is from [0, 1).
func Backoff(n int, base, most time.Duration, random float64) time.Duration {
	wait := most
	if n < 32 && base <= most>>n {
		wait = base << n
	}

	return wait/2 + time.Duration(random*float64(wait/2))
}
