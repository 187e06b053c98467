// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// A deadlock or another conflict repeats a transaction, but does not fail the call.
func TestConflictsAreRetried(t *testing.T) {
	access := newAccess(t)

	s := openStore(t, access)
	if _, err := s.Ingest(t.Context(), []store.Event{message(0, 2), message(1, 2)}); err != nil {
		t.Fatal(err)
	}

	first := conversation(message(0, 2).Lane)
	second := conversation(message(1, 2).Lane)

	var both sync.WaitGroup
	both.Add(2)

	var attempts atomic.Int64

	crossing := func(a, b laneKey) func(context.Context, *tx) error {
		return func(ctx context.Context, t *tx) error {
			attempt := attempts.Add(1)
			for _, key := range []laneKey{a, b} {
				t.lockRows(newLanes(), []laneKey{key})

				if err := t.flush(ctx); err != nil {
					return err
				}

				if key == a && attempt <= 2 {
					both.Done()
					both.Wait() // until each has its first lock
				}
			}

			return nil
		}
	}

	var all sync.WaitGroup
	for _, run := range []func(context.Context, *tx) error{crossing(first, second), crossing(second, first)} {
		all.Go(func() {
			if err := s.write(t.Context(), run); err != nil {
				t.Errorf("write: %v", err)
			}
		})
	}

	all.Wait()

	if n := attempts.Load(); n < 3 {
		t.Errorf("there were %d transactions, want more than 2: one of two was the victim of the deadlock", n)
	}

	tries := 0

	err := s.write(t.Context(), func(context.Context, *tx) error { tries++; return &fault{text: "conflict", code: "40001"} })
	if tries != maxAttempts || !isConflict(err) {
		t.Errorf("a permanent conflict was tried %d times and reported as %v", tries, err)
	}
}

// A server with asynchronous commit still commits durably, and the settings of the session stay as they were.
func TestTransactionSettings(t *testing.T) {
	user, err := server.NewUser()
	if err != nil {
		t.Fatal(err)
	}

	server.Exec(t, "ALTER ROLE "+user.Name+" SET synchronous_commit = off")
	s := openLive(t, func() Access { return Access{URL: user.URL} }, Options{timeouts: defaultTimeouts})

	var commit, limit string

	settings := func(_ context.Context, tx *tx) error {
		tx.query("SELECT current_setting('synchronous_commit'), current_setting('statement_timeout')",
			func(rows pgx.Rows) error { return rows.Scan(&commit, &limit) })

		return nil
	}
	if err := s.write(t.Context(), settings); err != nil || commit != "on" || limit != "15s" {
		t.Errorf("in a transaction: synchronous_commit %q, statement_timeout %q, %v", commit, limit, err)
	}

	_, c, err := s.acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Release()

	if err := c.QueryRow(t.Context(), "SELECT current_setting('synchronous_commit'), current_setting('statement_timeout')").Scan(&commit, &limit); err != nil {
		t.Fatal(err)
	}

	if commit != "off" || limit != "0" {
		t.Errorf("after it: synchronous_commit %q, statement_timeout %q, want those of the session", commit, limit)
	}
}

// A delivery that PostgreSQL cannot store unchanged must not be redelivered forever.
func TestTextThatPostgreSQLCannotStore(t *testing.T) {
	s := openStore(t, newAccess(t))
	for i, odd := range []string{"a\x00b", "a\xffb", strings.Repeat("long ", 10_000), strings.Repeat("ö", 300)} {
		e := message(int64(i), 1)
		e.Lane = odd
		e.Aliases = []string{odd + "alias"}
		e.Type = odd
		e.PhoneNumberID = odd

		e.Status = &store.StatusUpdate{
			MessageID:     odd,
			PhoneNumberID: odd,
			Participant:   odd,
			Status:        odd,
			At:            start,
		}
		for want := range 2 {
			fresh, err := s.Ingest(t.Context(), []store.Event{e})
			if err != nil || fresh[0] != (want == 0) {
				t.Fatalf("text %d: Ingest returned %v, %v", i, fresh, err)
			}
		}

		leases, err := s.Claim(t.Context(), store.Conversations, start, start.Add(time.Hour), 1)
		if err != nil || len(leases) != 1 || leases[0].Work.Event.ID != e.ID {
			t.Fatalf("text %d: Claim returned %v, %v", i, leases, err)
		}

		if _, err := s.MessageStatus(t.Context(), odd, odd, odd); err != nil {
			t.Errorf("text %d: MessageStatus: %v", i, err)
		}

		step := store.Step{
			Now:     start,
			Outcome: &store.Outcome{State: store.Done},
		}
		if _, err := s.Advance(t.Context(), leases[0].LeaseRef, e.ID, step); err != nil {
			t.Errorf("text %d: Advance: %v", i, err)
		}
	}

	long := strings.Repeat("long ", 1000)
	if sanitize(long+"a") == sanitize(long+"b") || sanitize(sanitize(long)) != sanitize(long) || len(sanitize(long)) > maxTextBytes {
		t.Error("different long texts must stay different")
	}
}

func TestClosedStore(t *testing.T) {
	s := Open(func() Access { return Access{} }, Options{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	if _, err := s.Advance(t.Context(), store.LeaseRef{}, store.ID{}, store.Step{Now: start}); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Advance returned %v, want ErrClosed", err)
	}

	if _, err := s.Stats(t.Context(), start); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Stats returned %v, want ErrClosed", err)
	}
}
