// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package latency summarizes how long answers took.
package latency

import (
	"fmt"
	"slices"
	"time"
)

// Summary holds the quantiles of the times until an answer. It is zero without any.
type Summary struct {
	MinMilliseconds    int64 `json:"min_ms"`
	MedianMilliseconds int64 `json:"median_ms"`
	P95Milliseconds    int64 `json:"p95_ms"`
	MaxMilliseconds    int64 `json:"max_ms"`
}

// Of returns the summary of times.
func Of(times []time.Duration) Summary {
	if len(times) == 0 {
		return Summary{}
	}

	times = slices.Sorted(slices.Values(times))
	at := func(share float64) int64 { return times[int(share*float64(len(times)-1)+0.5)].Milliseconds() }

	return Summary{
		MinMilliseconds:    at(0),
		MedianMilliseconds: at(0.5),
		P95Milliseconds:    at(0.95),
		MaxMilliseconds:    at(1),
	}
}

// String returns the summary in words for people.
func (s Summary) String() string {
	return fmt.Sprintf("min %d ms, median %d ms, p95 %d ms, max %d ms",
		s.MinMilliseconds, s.MedianMilliseconds, s.P95Milliseconds, s.MaxMilliseconds)
}
