// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

// restartAt starts the scheduler again, with a clock that says another time.
func (f *fixture) restartAt(now time.Time) {
	f.clock = clockwork.NewFakeClockAt(now)
	f.Clock = f.clock
	f.Scheduler = New(f.Dependencies)
	f.after(0)
}

// TestClockThatWasAhead makes a copy while the clock is a year ahead. The next copies are made on time, and the first one
// that needs its place takes it.
func TestClockThatWasAhead(t *testing.T) {
	server, bucket, secrets := serve(t)
	settings := &config.Backup{
		Schedule: "0 3 * * *",
		Keep:     2,
		S3:       bucket,
	}
	f := newFixture(t, settings, secrets)
	night := start.Add(15 * time.Hour)

	f.restartAt(start.AddDate(1, 0, 0))
	f.restartAt(start)
	f.want(2, start, night, "")

	if text := f.log.String(); !strings.Contains(text, nameAt(start.AddDate(1, 0, 0))) {
		t.Errorf("the log has %s, want the copy that a clock has begun which was ahead", text)
	}

	f.after(15 * time.Hour)
	f.want(2, night, night.Add(day), "")

	if slices.Contains(server.Keys(), prefix+"/"+nameAt(start.AddDate(1, 0, 0))) {
		t.Error("the copy of the clock that was ahead is kept in the place of a newer one")
	}
}
