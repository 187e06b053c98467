// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// A step resends a reply of an event that is pending when the step collects its locks, and done when it has them.
func TestResendOfEventThatEndsMeanwhile(t *testing.T) {
	access := newAccess(t)
	other := openStore(t, access)
	s := openStore(t, access)

	e := message(1, 1)
	status := message(2, 1)
	status.Kind = store.KindStatus
	status.Class = store.Statuses
	status.Lane = "status"

	if _, err := s.Ingest(t.Context(), []store.Event{e, status}); err != nil {
		t.Fatal(err)
	}

	claim := func(s *Store, class store.Class) store.LeaseRef {
		leases, err := s.Claim(t.Context(), class, start, start.Add(time.Hour), 10)
		if err != nil || len(leases) != 1 {
			t.Fatalf("Claim of class %s returned %v, %v", class, leases, err)
		}

		return leases[0].LeaseRef
	}
	answering := claim(other, store.Conversations)
	following := claim(s, store.Statuses)

	sent := store.Step{
		Now:    start,
		Answer: []store.Reply{{Type: "text", Body: []byte("{}")}},
		Sent:   &store.SentRef{MessageID: "wamid"},
	}
	if _, err := other.Advance(t.Context(), answering, e.ID, sent); err != nil {
		t.Fatal(err)
	}

	release := block(t, other, "SELECT FROM conversations WHERE lane = 'status' FOR UPDATE")

	resent := make(chan error, 1)
	go func() {
		_, err := s.Advance(t.Context(), following, status.ID, store.Step{
			Now:     start,
			Resend:  &store.ReplyRef{Event: e.ID},
			Outcome: &store.Outcome{State: store.Done},
		})
		resent <- err
	}()

	waitForLock(t, other)

	if _, err := other.Advance(t.Context(), answering, e.ID, store.Step{Now: start, Outcome: &store.Outcome{State: store.Done}}); err != nil {
		t.Fatal(err)
	}

	release()

	if err := <-resent; err != nil {
		t.Fatalf("the step that resends returned %v", err)
	}

	record, err := s.Get(t.Context(), e.ID)
	if err != nil || record.Event.State != store.Pending || record.Replies[0].Resends != 1 {
		t.Errorf("the event is %v, %v, want it pending with a reply to resend", record, err)
	}

	claim(s, store.Conversations)
}

// block executes a statement that locks what others need. Its transaction ends with release.
func block(t *testing.T, s *Store, sql string) (release func()) {
	t.Helper()

	blocker, err := connection(t, s).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	if _, err := blocker.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}

	return func() {
		t.Helper()

		if err := blocker.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// waitForLock returns once a transaction waits for a lock.
func waitForLock(t *testing.T, s *Store) {
	t.Helper()

	for waits := false; !waits; {
		waits = waitsForLock(t, s)
	}
}

// waitsForLock reports whether a transaction waits for a lock.
func waitsForLock(t *testing.T, s *Store) bool {
	t.Helper()

	_, c, err := s.acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Release()

	rows, err := c.Query(t.Context(), "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND usename = current_user")
	if err != nil {
		t.Fatal(err)
	}

	waits, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[bool])
	if err != nil {
		t.Fatal(err)
	}

	return waits
}
