// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package retention

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
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

	var logged strings.Builder

	clock := clockwork.NewFakeClock()
	live := config.Fixed(config.Config{Bird: config.Bird{BaseURL: "http://127.0.0.1"}, Store: config.Store{RetentionDays: 10, DeadLetterDays: 20}}, config.Secrets{})
	purger := New(Dependencies{
		Store:  inbox,
		Holder: "ours",
		Live:   live,
		Clock:  clock,
		Log:    slog.New(slog.NewTextHandler(&logged, nil)),
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

	pass := func(days int) {
		for range 2 * days {
			clock.Advance(12 * time.Hour)
			purger.purge(t.Context())
		}
	}

	pass(3)

	if strings.Contains(logged.String(), announcement) {
		t.Error("a dead letter was announced 6 days before its purge")
	}

	pass(1)
	clock.Advance(time.Hour)
	purger.purge(t.Context())

	if n := strings.Count(logged.String(), announcement); n != 1 {
		t.Errorf("a dead letter was announced %d times within an hour, want 1:\n%s", n, logged.String())
	}

	pass(5)

	if _, err := inbox.Get(t.Context(), finished[store.Dead]); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a dead letter was not purged after its retention: %v", err)
	}
}

// TestTheFirstPurgeOfDeadLettersIsAnnounced uses a store with an old dead letter, of an earlier version, for the first time.
func TestTheFirstPurgeOfDeadLettersIsAnnounced(t *testing.T) {
	clock := clockwork.NewFakeClock()
	inbox := &leaderStore{clock: clock, oldest: clock.Now().Add(-365 * 24 * time.Hour)}
	purger := New(Dependencies{
		Store:  inbox,
		Holder: "ours",
		Live:   config.Fixed(config.Config{}, config.Secrets{}),
		Clock:  clock,
		Log:    slog.New(slog.DiscardHandler),
	})

	for day := range 7 {
		purger.purge(t.Context())

		if !inbox.before.DeadLetters.IsZero() {
			t.Fatalf("dead letters were purged on day %d", day)
		}

		clock.Advance(24 * time.Hour)
	}

	purger.purge(t.Context())

	if want := clock.Now().Add(-90 * 24 * time.Hour); !inbox.before.DeadLetters.Equal(want) {
		t.Errorf("dead letters of before %v were purged, want %v", inbox.before.DeadLetters, want)
	}
}

// leaderStore elects the candidate unless it follows another, and records the last purge.
type leaderStore struct {
	clock   clockwork.Clock
	oldest  time.Time
	state   []byte
	follows bool
	before  store.Expiry
}

func (s *leaderStore) AcquireLeadership(context.Context, string, string, time.Time, time.Time) (bool, []byte, error) {
	return !s.follows, s.state, nil
}

func (s *leaderStore) PublishState(_ context.Context, _, _ string, state []byte) error {
	s.state = state

	return nil
}

func (s *leaderStore) Stats(context.Context, time.Time) (store.Stats, error) {
	return store.Stats{OldestDeadLetter: s.oldest}, nil
}

func (s *leaderStore) Purge(_ context.Context, before store.Expiry, _ int) (int, error) {
	s.before = before

	return 0, nil
}

// TestRunPurgesRegularlyUntilItsContextEnds counts the elections of a running Purger.
func TestRunPurgesRegularlyUntilItsContextEnds(t *testing.T) {
	clock := clockwork.NewFakeClock()
	inbox := &followerStore{elections: make(chan time.Time)}
	purger := New(Dependencies{
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
		want := start.Add(time.Duration(round) * purgeInterval)
		if at := <-inbox.elections; !at.Equal(want) {
			t.Errorf("round %d at %v, want %v", round, at, want)
		}

		if err := clock.BlockUntilContext(t.Context(), 1); err != nil {
			t.Fatal(err)
		}

		if round < 2 {
			clock.Advance(purgeInterval)
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

func (s *followerStore) Stats(context.Context, time.Time) (store.Stats, error) {
	return store.Stats{}, errors.New("looked without leadership")
}

func (s *followerStore) Purge(context.Context, store.Expiry, int) (int, error) {
	return 0, errors.New("purged without leadership")
}
