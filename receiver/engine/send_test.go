// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// Statuses that failed during a receiver's downtime are redelivered after its start.
func TestUnconfirmedSendWaitsForStatusSinceStart(t *testing.T) {
	const window = 11 * time.Second
	for name, tc := range map[string]struct {
		started, now time.Duration // since the engine started
		until        time.Duration // 0: the send may be repeated
	}{
		"sent long before the start": {
			started: -time.Hour,
			now:     time.Second,
			until:   window,
		},
		"sent after the start": {
			started: time.Minute,
			now:     time.Minute + time.Second,
			until:   time.Minute + window,
		},
		"sent before the start, window passed": {
			started: -time.Hour,
			now:     window + time.Millisecond,
		},
		"sent after the start, window passed": {
			started: time.Minute,
			now:     time.Minute + window + time.Millisecond,
		},
	} {
		t.Run(name, func(t *testing.T) {
			clock := clockwork.NewFakeClockAt(now)
			f := newFixture(t, standin.EchoReply)
			f.parts.Clock = clock
			e := New(f.parts)

			clock.Advance(tc.now)

			reply := &store.Reply{State: store.Sending, StartedAt: now.Add(tc.started)}
			// One attempt too many: a send that may be repeated fails for good.
			h := head{work: &store.Work{Attempts: 3}, settings: e.Live.Current()}
			err := e.startSend(t.Context(), &attempt{inbound: inbound{head: h}}, reply)

			var wait *postponed
			if tc.until == 0 {
				if f := failure.Of(err); f == nil || f.Code != codeUnconfirmed {
					t.Errorf("startSend() = %v, want that no attempt is left", err)
				}
			} else if !errors.As(err, &wait) || !wait.until.Equal(now.Add(tc.until)) {
				t.Errorf("startSend() = %v, want a wait until %s after the start", err, tc.until)
			}
		})
	}
}

func TestServiceWindowIsCheckedBeforeSending(t *testing.T) {
	f := newFixture(t, nil)
	id := f.ingest(t, "573001234567", "wamid.1")
	f.parts.Clock = clockwork.NewFakeClockAt(time.Now().Add(25 * time.Hour)) // a day without a receiver
	f.start(t)

	record := f.waitForDeadLetter(t, id)

	if got := record.Failures[len(record.Failures)-1]; got.Class != string(failure.TemplateRequired) {
		t.Errorf("failure = %+v, want template_required", got)
	}

	if calls := f.graph.Recorder.Total(); calls != 0 {
		t.Errorf("%d calls to Graph for a send that it would refuse, want none", calls)
	}
}
