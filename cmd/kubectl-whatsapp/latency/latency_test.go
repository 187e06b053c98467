// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package latency

import (
	"testing"
	"time"
)

func TestSummary(t *testing.T) {
	var times []time.Duration
	for i := range 21 {
		times = append(times, time.Duration(20-i)*time.Millisecond)
	}

	for _, c := range []struct {
		times []time.Duration
		want  string
	}{
		{nil, "min 0 ms, median 0 ms, p95 0 ms, max 0 ms"},
		{times[:1], "min 20 ms, median 20 ms, p95 20 ms, max 20 ms"},
		{times, "min 0 ms, median 10 ms, p95 19 ms, max 20 ms"},
	} {
		if got := Of(c.times).String(); got != c.want {
			t.Errorf("of %d times: %s, want %s", len(c.times), got, c.want)
		}
	}
}
