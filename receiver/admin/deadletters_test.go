// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/retention"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// TestPurgeOfDeadLettersIsReported reports the purge of dead letters of a store that was away, for which the announcement
// begins today.
func TestPurgeOfDeadLettersIsReported(t *testing.T) {
	const day = 24 * time.Hour

	for name, test := range map[string]struct {
		age  time.Duration
		want time.Time
		warn string
	}{
		"expired long ago":      {100 * day, now.Add(7 * day), "dead letters or quarantined events are purged from 2026-11-30 on"},
		"expired just now":      {90 * day, now.Add(7 * day), "dead letters or quarantined events are purged from 2026-11-30 on"},
		"in the last week":      {85 * day, now.Add(7 * day), "dead letters or quarantined events are purged from 2026-11-30 on"},
		"before the last week":  {82 * day, now.Add(8 * day), ""},
		"of the last few hours": {time.Hour, now.Add(90*day - time.Hour), ""},
	} {
		t.Run(name, func(t *testing.T) {
			deps := newDependencies(t, allSecrets)
			deps.Store = storeWithStats{deps.Store, store.Stats{DeadLetters: 1, OldestDeadLetter: now.Add(-test.age)}}

			purger := retention.New(retention.Dependencies{
				Store:  deps.Store,
				Holder: "ours",
				Live:   config.Fixed(config.Config{}, allSecrets),
				Clock:  clockwork.NewFakeClockAt(now),
				Log:    slog.New(slog.DiscardHandler),
			})
			deps.DeadLettersExpireAt = purger.ExpireAt

			report := deps.Report(t.Context())
			if at := report.DeadLettersExpireAt; at == nil || !at.Equal(test.want) {
				t.Errorf("dead letters expire at %v, want %v", at, test.want)
			}

			want := []string{"1 dead letters have to be replayed or discarded"}
			if test.warn != "" {
				want = append(want, test.warn)
			}

			if !slices.Equal(report.Warnings, want) {
				t.Errorf("warnings %q, want %q", report.Warnings, want)
			}
		})
	}
}
