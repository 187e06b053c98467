// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/intake"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/sqlite"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// What is finished goes when its time is over, what is dead stays, and one receiver of those that share a store sees to it.
func TestRetention(t *testing.T) {
	inbox, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "inbox.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		if err := inbox.Close(); err != nil {
			t.Error(err)
		}
	})

	clock := clockwork.NewFakeClock()
	live := config.Fixed(config.Config{Bird: config.Bird{BaseURL: "http://127.0.0.1"}, Store: config.Store{RetentionDays: 10}}, config.Secrets{})
	r := &Receiver{
		store: inbox,
		live:  live,
		clock: clock,
		log:   slog.New(slog.DiscardHandler),
		name:  "ours",
	}

	finished := map[store.State]store.ID{}
	for person, state := range map[string]store.State{"573000000001": store.Done, "573000000002": store.Dead} {
		now := clock.Now()

		events, err := intake.Events(t.Context(), standin.TextDelivery("4200", person, "Ana", standin.Wamid(person), "hello", now), live.Current().Config, now)
		if err != nil {
			t.Fatal(err)
		}

		if _, err := inbox.Ingest(t.Context(), events); err != nil {
			t.Fatal(err)
		}

		leases, err := inbox.Claim(t.Context(), store.Conversations, now, now.Add(time.Minute), 1)
		if err != nil || len(leases) != 1 {
			t.Fatalf("%d leases, %v", len(leases), err)
		}

		id := leases[0].Work.Event.ID
		if _, err := inbox.Advance(t.Context(), leases[0].LeaseRef, id, store.Step{Now: now, Outcome: &store.Outcome{State: state}}); err != nil {
			t.Fatal(err)
		}

		finished[state] = id
	}

	payload := func(state store.State) int {
		t.Helper()

		record, err := inbox.Get(t.Context(), finished[state])
		if err != nil {
			t.Fatal(err)
		}

		return len(record.Event.Payload)
	}

	clock.Advance(9 * 24 * time.Hour)
	r.purge(t.Context())

	if payload(store.Done) == 0 {
		t.Error("a payload went before its time")
	}

	clock.Advance(2 * 24 * time.Hour)

	if held, _, err := inbox.AcquireLeadership(t.Context(), store.JobRetention, "theirs", clock.Now(), clock.Now().Add(time.Hour)); err != nil || !held {
		t.Fatalf("the duty is not free: %v, %v", held, err)
	}

	r.purge(t.Context())

	if payload(store.Done) == 0 {
		t.Error("a payload went though another receiver has the duty")
	}

	clock.Advance(time.Hour)
	r.purge(t.Context())

	if _, err := inbox.Get(t.Context(), finished[store.Done]); err == nil {
		t.Error("a finished event stayed after its time")
	}

	if payload(store.Dead) == 0 {
		t.Error("a dead letter lost its payload")
	}
}
