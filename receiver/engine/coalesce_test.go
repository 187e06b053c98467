// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"cmp"
	"log/slog"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// TestSettles checks which attempts settle a question: those in which the AI may have been asked, now or before the process
// ended.
func TestSettles(t *testing.T) {
	postpone := &postponed{until: now.Add(time.Second)}
	fail := &failure.Error{Class: failure.Transient, Op: "op"}

	for name, tc := range map[string]struct {
		work  store.Work
		asked bool
		err   error
		want  bool
	}{
		"first start, postponed": {work: store.Work{Starts: 1}, err: postpone},
		"first start, asked": {
			work:  store.Work{Starts: 1},
			asked: true,
			err:   fail,
			want:  true,
		},
		"after a crash, postponed": {
			work: store.Work{Starts: 2},
			err:  postpone,
			want: true,
		},
		"after a crash, failed before the AI was asked": {
			work: store.Work{Starts: 2},
			err:  fail,
			want: true,
		},
		"after a crash, replayed and taken over": {
			work: store.Work{Starts: 2, Replays: 1},
			err:  store.ErrTakenOver,
			want: true,
		},
		"after a crash, collecting": {
			work: store.Work{Starts: 2},
			err:  &postponed{until: now.Add(time.Second), collects: true},
		},
		"after a crash, with an answer": {
			work: store.Work{Starts: 2, Replies: []store.Reply{{State: store.Planned}}},
			err:  postpone,
		},
		"after a crash, outbound": {
			work: store.Work{Starts: 2, Event: store.Event{Kind: store.KindOutbound}},
			err:  postpone,
		},
		"after a crash, processed": {work: store.Work{Starts: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			e := New(Dependencies{
				Clock: clockwork.NewFakeClockAt(now),
				Live:  config.Fixed(testConfig(), config.Secrets{}),
				Log:   slog.New(slog.DiscardHandler),
			})

			tc.work.Event.ReceivedAt = now
			tc.work.Event.Kind = cmp.Or(tc.work.Event.Kind, store.KindMessage)

			step := e.resolveAttempt(t.Context(), &attempt{
				inbound:      inbound{head: head{work: &tc.work, settings: e.Live.Current()}},
				successState: store.Done,
				isAsked:      tc.asked,
			}, tc.err)
			if step.Settled != tc.want {
				t.Errorf("settled = %t, want %t", step.Settled, tc.want)
			}
		})
	}
}
