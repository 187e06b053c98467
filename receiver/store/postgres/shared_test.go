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

// Whoever comes first brings the schema up to date, the others wait.
func TestManyReceiversStartAtOnce(t *testing.T) {
	access := newAccess(t)

	var all sync.WaitGroup
	for range 12 {
		s := openStore(t, access)
		all.Go(func() {
			if err := s.Ping(t.Context()); err != nil {
				t.Errorf("Ping: %v", err)
			}
		})
	}

	all.Wait()
}

func TestNewerSchemaIsRefused(t *testing.T) {
	user, err := server.NewUser()
	if err != nil {
		t.Fatal(err)
	}

	access := Access{URL: user.URL}
	if err := openStore(t, access).Ping(t.Context()); err != nil {
		t.Fatal(err)
	}

	server.Exec(t, "INSERT INTO "+user.Name+".goose_db_version (version_id, is_applied) VALUES (999, true)")

	_, err = openStore(t, access).Ingest(t.Context(), []store.Event{message(1, 1)})
	if err == nil || !strings.Contains(err.Error(), "has version 999") {
		t.Errorf("error is %v, want that the schema has version 999", err)
	}
}

// Two receivers get the same deliveries at the same time, as when Meta repeats them: some events with a lane, some without,
// in orders of their own.
func TestConcurrentDuplicatesAreStoredOnce(t *testing.T) {
	access := newAccess(t)
	stores := []*Store{openStore(t, access), openStore(t, access)}

	const events, copies = 300, 3

	var (
		fresh atomic.Int64
		all   sync.WaitGroup
	)
	for i := range 2 * copies {
		all.Go(func() {
			for n := range int64(events) {
				if i%2 == 1 {
					n = events - 1 - n
				}

				delivery := []store.Event{message(n, 7), message(n+events, 7)}
				delivery[1].State = store.Skipped

				delivery[1].Lane = ""
				if i%3 == 1 {
					delivery[0], delivery[1] = delivery[1], delivery[0]
				}

				isNew, err := stores[i%2].Ingest(t.Context(), delivery)
				if err != nil {
					t.Errorf("Ingest: %v", err)
					return
				}

				for _, is := range isNew {
					if is {
						fresh.Add(1)
					}
				}
			}
		})
	}

	all.Wait()

	if n := fresh.Load(); n != 2*events {
		t.Errorf("%d events were new, want each of %d once", n, 2*events)
	}

	totals, err := stores[0].Totals(t.Context())
	if err != nil || len(totals) != 2 || totals[0].Count != events || totals[1].Count != events {
		t.Errorf("totals are %v, %v, want %d kept and %d pending", totals, err, events, events)
	}

	stats, err := stores[1].Stats(t.Context(), start)
	if err != nil || stats.Pending != events {
		t.Errorf("%d events are pending, %v, want %d", stats.Pending, err, events)
	}
}

// Two receivers store and work the same lanes at the same time. Each event is worked once, and within a lane in the order
// of numbers: none becomes visible after one that was numbered later.
func TestOrderHoldsAcrossReceivers(t *testing.T) {
	access := newAccess(t)
	stores := []*Store{openStore(t, access), openStore(t, access)}

	const producers, each, lanes = 4, 100, 5

	var stored sync.WaitGroup
	for p := range int64(producers) {
		stored.Go(func() {
			for n := range int64(each) {
				e := message(p*each+n, lanes)

				e.Alias = e.Lane + "/alias"
				if _, err := stores[p%2].Ingest(t.Context(), []store.Event{e}); err != nil {
					t.Errorf("Ingest: %v", err)
					return
				}
			}
		})
	}

	var mu sync.Mutex

	worked := map[string][]int64{}
	held := map[string]bool{}
	total := 0
	work := func(s *Store, lease store.Lease) {
		mu.Lock()
		if held[lease.Lane] {
			t.Errorf("%s was claimed while it was leased", lease.Lane)
		}

		held[lease.Lane] = true
		mu.Unlock()

		for next := &lease.Work; next != nil; {
			mu.Lock()

			worked[lease.Lane] = append(worked[lease.Lane], next.Seq)
			total++
			held[lease.Lane] = total%13 != 0 // some attempts end with the lane given back
			keep := held[lease.Lane]
			mu.Unlock()

			var err error
			if next, err = s.Advance(t.Context(), lease.LeaseRef, next.Event.ID, store.Step{Now: start, Outcome: &store.Outcome{State: store.Done}}); err != nil {
				t.Errorf("Advance: %v", err)
				return
			}

			if next != nil && !keep {
				if err := s.Release(t.Context(), lease.LeaseRef, start); err != nil {
					t.Errorf("Release: %v", err)
				}

				return
			}

			mu.Lock()
			held[lease.Lane] = next != nil
			mu.Unlock()
		}
	}

	done := make(chan struct{})
	go func() { stored.Wait(); close(done) }()

	var workers sync.WaitGroup
	for i := range 4 {
		workers.Go(func() {
			s := stores[i%2]
			for {
				ended := false
				select {
				case <-done:
					ended = true
				default:
				}

				leases, err := s.Claim(t.Context(), store.Conversations, start, start.Add(time.Hour), 2)
				if err != nil {
					t.Errorf("Claim: %v", err)
					return
				}

				for _, lease := range leases {
					work(s, lease)
				}

				stats, err := s.Stats(t.Context(), start)
				if err != nil {
					t.Errorf("Stats: %v", err)
					return
				}

				if ended && stats.Pending == 0 || t.Failed() {
					return
				}
			}
		})
	}

	workers.Wait()
	<-done

	if total != producers*each {
		t.Errorf("%d events were worked, want %d", total, producers*each)
	}

	for lane, seqs := range worked {
		for i := 1; i < len(seqs); i++ {
			if seqs[i] <= seqs[i-1] {
				t.Errorf("%s: event %d was worked after %d", lane, seqs[i], seqs[i-1])
			}
		}
	}
}

// Receivers that learn of the names of the same people at the same time must end with the same people, and not in a
// deadlock.
func TestNamesAreJoinedConcurrently(t *testing.T) {
	access := newAccess(t)
	stores := []*Store{openStore(t, access), openStore(t, access)}

	const people, names = 5, 6

	name := func(person, i int) string { return string(rune('a'+person)) + string(rune('0'+i)) }

	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for n := range 60 {
				person := n % people
				i := (n/people + worker) % names
				e := message(int64(worker*1000+n), 1)
				e.Lane = name(person, i)

				e.Alias = name(person, (i+1+worker%2)%names)
				if _, err := stores[worker%2].Ingest(t.Context(), []store.Event{e}); err != nil {
					t.Errorf("Ingest: %v", err)
				}
			}
		})
	}

	all.Wait()

	stats, err := stores[0].Stats(t.Context(), start)
	if err != nil || stats.ActiveConversations != people {
		t.Errorf("%d people are active, %v, want %d", stats.ActiveConversations, err, people)
	}

	var wrong int

	err = stores[0].read(t.Context(), func(_ context.Context, tx *tx) error {
		tx.query(`
			SELECT count(*) FROM conversations c LEFT JOIN conversations p ON p.lane = c.person AND p.class = 0
			WHERE c.person IS NOT NULL AND (p.lane IS NULL OR p.person IS NOT NULL)`,
			func(rows pgx.Rows) error { return rows.Scan(&wrong) })

		return nil
	})
	if err != nil || wrong != 0 {
		t.Errorf("%d names lead to no person, %v", wrong, err)
	}
}

// A deadlock or another conflict costs a transaction, not a call.
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
				t.lockRows(&lanes{rows: map[laneKey]*lane{}}, []laneKey{key}, "")

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
		t.Errorf("a conflict that stays was tried %d times and reported as %v", tries, err)
	}
}

// A server that is set up not to wait for the disk is asked to, and a session is left as it was found.
func TestTransactionsAreDurableAndBounded(t *testing.T) {
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

	c, err := s.acquire(t.Context())
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

// A delivery that PostgreSQL could not keep as it is must not come back for ever.
func TestTextThatPostgreSQLDoesNotTake(t *testing.T) {
	s := openStore(t, newAccess(t))
	for i, odd := range []string{"a\x00b", "a\xffb", strings.Repeat("long ", 10_000), strings.Repeat("ö", 300)} {
		e := message(int64(i), 1)
		e.Lane = odd
		e.Alias = odd + "alias"
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
			Join:    odd + "other",
			Outcome: &store.Outcome{State: store.Done},
		}
		if _, err := s.Advance(t.Context(), leases[0].LeaseRef, e.ID, step); err != nil {
			t.Errorf("text %d: Advance: %v", i, err)
		}
	}

	long := strings.Repeat("long ", 1000)
	if sanitize(long+"a") == sanitize(long+"b") || sanitize(sanitize(long)) != sanitize(long) || len(sanitize(long)) > maxTextBytes {
		t.Error("long texts that differ must be kept as texts that do")
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
