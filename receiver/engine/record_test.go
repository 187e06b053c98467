// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logsample"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/metrics"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

func TestLogNamesTheOutcome(t *testing.T) {
	failed := &store.Failure{Text: "send message: Meta refuses the request"}

	for name, tc := range map[string]struct {
		kind    store.Kind
		outcome store.Outcome
		want    string
	}{
		"answered": {
			kind:    store.KindMessage,
			outcome: store.Outcome{State: store.Done},
			want:    "message processed",
		},
		"type without a method": {
			kind:    store.KindMessage,
			outcome: store.Outcome{State: store.Skipped},
			want:    "message skipped: no enabled method handles its type",
		},
		"conversation of a person": {
			kind:    store.KindMessage,
			outcome: store.Outcome{State: store.Human},
			want:    "message not answered: people have the conversation",
		},
		"retry": {
			kind:    store.KindMessage,
			outcome: store.Outcome{State: store.Pending, Failure: failed},
			want:    "attempt failed, will retry",
		},
		"dead letter": {
			kind:    store.KindMessage,
			outcome: store.Outcome{State: store.Dead, Failure: failed},
			want:    "message dead-lettered",
		},
		"status": {
			kind:    store.KindStatus,
			outcome: store.Outcome{State: store.Done},
			want:    "event processed",
		},
		"status rejected for too long": {
			kind:    store.KindStatus,
			outcome: store.Outcome{State: store.Expired, Failure: failed},
			want:    "event expired after failed attempts",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer

			e := New(Dependencies{
				Clock:   clockwork.NewFakeClockAt(now),
				Live:    config.Fixed(testConfig(), config.Secrets{}),
				Metrics: metrics.New(clockwork.NewRealClock()),
				Log:     slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
			})
			work := &store.Work{Event: store.Event{Kind: tc.kind, ReceivedAt: now}}
			e.logOutcome(head{work: work, settings: e.Live.Current()}, &tc.outcome)

			if got := log.String(); !strings.Contains(got, `msg="`+tc.want+`"`) {
				t.Errorf("log = %s, want the message %q", got, tc.want)
			}
		})
	}
}

// TestExpiredEventsDoNotFloodTheLog lets many statuses expire, as a day after the begin of an outage of the AI.
func TestExpiredEventsDoNotFloodTheLog(t *testing.T) {
	var log bytes.Buffer

	e := New(Dependencies{
		Clock: clockwork.NewFakeClockAt(now),
		Live:  config.Fixed(testConfig(), config.Secrets{}),
		Log:   slog.New(slog.NewTextHandler(&log, nil)),
	})
	outcome := &store.Outcome{State: store.Expired, Failure: &store.Failure{Text: "Bird is unavailable"}}

	for range 10 * logsample.Burst {
		work := &store.Work{Event: store.Event{Kind: store.KindStatus, ReceivedAt: now.Add(-25 * time.Hour)}}
		e.logOutcome(head{work: work, settings: e.Live.Current()}, outcome)
	}

	if lines := strings.Count(log.String(), "event expired"); lines != logsample.Burst {
		t.Errorf("%d lines, want %d", lines, logsample.Burst)
	}
}
