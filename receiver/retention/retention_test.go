// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package retention

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"go.uber.org/goleak"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/election"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/intake"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/sqlite"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestPurge finishes one event and dead-letters another. The finished event is purged after its retention, by the leader
// only, and the dead letter stays.
func TestPurge(t *testing.T) {
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
	purger := New(Parts{
		Store:  inbox,
		Holder: "ours",
		Live:   live,
		Clock:  clock,
		Log:    slog.New(slog.DiscardHandler),
	})

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
	purger.purge(t.Context())

	if payload(store.Done) == 0 {
		t.Error("a payload was purged before the end of its retention")
	}

	clock.Advance(2 * 24 * time.Hour)

	theirs := election.NewCandidate(inbox, store.JobRetention, "theirs", clock)
	if leading, _, err := theirs.Acquire(t.Context(), time.Hour); err != nil || !leading {
		t.Fatalf("the leadership is not free: %v, %v", leading, err)
	}

	purger.purge(t.Context())

	if payload(store.Done) == 0 {
		t.Error("a payload was purged while another receiver leads")
	}

	clock.Advance(time.Hour)
	purger.purge(t.Context())

	if _, err := inbox.Get(t.Context(), finished[store.Done]); err == nil {
		t.Error("a finished event was not purged after its retention")
	}

	if payload(store.Dead) == 0 {
		t.Error("a dead letter lost its payload")
	}
}

// TestRunPurgesRegularlyUntilItsContextEnds counts the elections of a running Purger.
func TestRunPurgesRegularlyUntilItsContextEnds(t *testing.T) {
	clock := clockwork.NewFakeClock()
	inbox := &followerStore{elections: make(chan time.Time)}
	purger := New(Parts{
		Store:  inbox,
		Holder: "ours",
		Live:   config.Fixed(config.Config{}, config.Secrets{}),
		Clock:  clock,
		Log:    slog.New(slog.DiscardHandler),
	})

	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})

	go func() {
		defer close(ended)

		purger.Run(ctx)
	}()

	start := clock.Now()
	for round := range 3 {
		want := start.Add(time.Duration(round) * purgeEvery)
		if at := <-inbox.elections; !at.Equal(want) {
			t.Errorf("round %d at %v, want %v", round, at, want)
		}

		if err := clock.BlockUntilContext(t.Context(), 1); err != nil {
			t.Fatal(err)
		}

		if round < 2 {
			clock.Advance(purgeEvery)
		}
	}

	cancel()
	<-ended
}

// followerStore never elects the candidate, and sends the time of each election.
type followerStore struct{ elections chan time.Time }

func (s *followerStore) AcquireLeadership(_ context.Context, _, _ string, now, _ time.Time) (bool, []byte, error) {
	s.elections <- now

	return false, nil, nil
}

func (s *followerStore) PublishState(context.Context, string, string, []byte) error { return nil }

func (s *followerStore) Purge(context.Context, time.Time, time.Time, int) (int, error) {
	return 0, errors.New("purged without leadership")
}
