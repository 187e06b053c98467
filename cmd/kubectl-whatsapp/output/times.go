// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package output

import (
	"time"

	"k8s.io/apimachinery/pkg/util/duration"
)

// Time writes a time as programs and people read it, in UTC: 2026-11-23T06:49:00Z. The zero time is "".
func Time(t time.Time) string {
	if t.IsZero() {
		return ""
	}

	return t.UTC().Format(time.RFC3339)
}

// Ago returns the time since t in the way of kubectl: 5m12s, 3d. The zero time is "".
func Ago(now, t time.Time) string {
	if t.IsZero() {
		return ""
	}

	return duration.HumanDuration(max(now.Sub(t), 0))
}

// Seconds returns a number of seconds in the way of kubectl.
func Seconds(s float64) string {
	return duration.HumanDuration(time.Duration(s * float64(time.Second)))
}
