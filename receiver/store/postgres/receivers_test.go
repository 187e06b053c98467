// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// The first receiver migrates the schema, the others wait.
func TestReceiversStartConcurrently(t *testing.T) {
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

// Two receivers get the same deliveries at the same time, as when Meta repeats them. Some events have a lane, some do
// not, and each receiver has its own order.
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
		t.Errorf("totals are %v, %v, want %d skipped and %d pending", totals, err, events, events)
	}

	stats, err := stores[1].Stats(t.Context(), start)
	if err != nil || stats.Pending != events {
		t.Errorf("%d events are pending, %v, want %d", stats.Pending, err, events)
	}
}

// Two receivers store events under two names of each person, and process the same lanes at the same time. Each event is
// processed once, and the events of a person in the order of their numbers: none becomes visible after an event with a
// higher number.
func TestOrderHoldsAcrossReceivers(t *testing.T) {
	access := newAccess(t)
	stores := []*Store{openStore(t, access), openStore(t, access)}

	const producers, each, lanes = 4, 100, 5

	for n := range int64(lanes) {
		e := message(-n-1, 1)
		e.Lane = message(n, lanes).Lane
		e.Aliases = []string{e.Lane + "/alias"}
		e.State = store.Done

		if _, err := stores[0].Ingest(t.Context(), []store.Event{e}); err != nil {
			t.Fatal(err)
		}
	}

	var stored sync.WaitGroup
	for p := range int64(producers) {
		stored.Go(func() {
			for n := range int64(each) {
				e := message(p*each+n, lanes)

				e.Aliases = []string{e.Lane + "/alias"}
				if n%2 == 1 {
					e.Lane, e.Aliases[0] = e.Aliases[0], e.Lane
				}

				if _, err := stores[p%2].Ingest(t.Context(), []store.Event{e}); err != nil {
					t.Errorf("Ingest: %v", err)
					return
				}
			}
		})
	}

	var mu sync.Mutex

	processed := map[string][]int64{}
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

			processed[lease.Lane] = append(processed[lease.Lane], next.Seq)
			total++
			held[lease.Lane] = total%13 != 0 // some attempts end with a release
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
		t.Errorf("%d events were processed, want %d", total, producers*each)
	}

	if len(processed) != lanes {
		t.Errorf("%d lanes were processed, want one for each of %d people", len(processed), lanes)
	}

	for lane, seqs := range processed {
		for i := 1; i < len(seqs); i++ {
			if seqs[i] <= seqs[i-1] {
				t.Errorf("%s: event %d was processed after %d", lane, seqs[i], seqs[i-1])
			}
		}
	}
}

// Receivers that learn the names of the same persons at the same time must agree on the persons, without a deadlock.
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

				e.Aliases = []string{name(person, (i+1+worker%2)%names)}
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

	checkNames(t, stores[0])
}

// checkNames checks that every name leads to a person, and that no work is left under a name that is not the person's
// lane.
func checkNames(t *testing.T, s *Store) {
	t.Helper()

	var wrong int

	err := s.read(t.Context(), func(_ context.Context, tx *tx) error {
		tx.query(`
			SELECT count(*) FROM names n LEFT JOIN conversations p ON p.lane = n.person AND p.class = 0
			WHERE p.lane IS NULL OR EXISTS (SELECT FROM conversations c WHERE c.lane = n.name AND c.class = 0)
				OR EXISTS (SELECT FROM events e WHERE e.lane = n.name AND e.class = 0 AND e.state = 'pending')`,
			func(rows pgx.Rows) error { return rows.Scan(&wrong) })

		return nil
	})
	if err != nil || wrong != 0 {
		t.Errorf("%d names reference no person, %v", wrong, err)
	}
}

// Receivers join the names of a few people in all ways, while they process their events, replay those that fail, take
// conversations over and purge. No call fails, and no event is lost.
func TestPersonsAreJoinedDuringAllOtherCalls(t *testing.T) {
	const receivers, deliveries, people, names = 3, 60, 3, 6

	access := newAccess(t)

	var (
		serial, left    atomic.Int64
		storing, others sync.WaitGroup
	)

	name := func(person int) string { return fmt.Sprintf("%d/%d", person, rand.IntN(names)) }
	done := make(chan struct{})

	for receiver := range receivers {
		s := openStore(t, access)
		for range 2 {
			storing.Go(func() {
				for range deliveries {
					var events []store.Event
					for range 1 + rand.IntN(4) {
						e := message(serial.Add(1), 1)
						person := rand.IntN(people)
						e.Lane = name(person)
						e.Aliases = []string{name(person), name(person)}
						events = append(events, e)
					}

					if _, err := s.Ingest(t.Context(), events); err != nil {
						t.Errorf("Ingest: %v", err)
					}

					left.Add(int64(len(events)))
				}
			})
		}

		others.Go(func() {
			for left.Load() > 0 || !closed(done) {
				if err := workAll(t.Context(), s, &left); err != nil {
					t.Errorf("a worker: %v", err)
					return
				}

				if err := maintain(t.Context(), s, receiver, name(rand.IntN(people))); err != nil {
					t.Errorf("maintenance: %v", err)
					return
				}
			}
		})
	}

	storing.Wait()
	close(done)
	others.Wait()
	checkNames(t, openStore(t, access))
}

func closed(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// maintain makes the calls of one receiver beside its work.
func maintain(ctx context.Context, s *Store, receiver int, name string) (err error) {
	switch receiver {
	case 0:
		_, err = s.Purge(ctx, start, start.Add(time.Hour), 100)
	case 1:
		_, _, err = s.ReplaySelected(ctx, store.Selection{States: store.Replayable}, 0, start, 20)
	default:
		if err = s.TakeOver(ctx, name, store.Takeover{By: store.Desk, At: start}, start); errors.Is(err, store.ErrNotFound) {
			err = nil
		}

		err = errors.Join(err, s.RepairClock(ctx, start.Add(time.Hour)))
	}

	return err
}

// workAll processes the due lanes, and counts the events that it ends. One in four fails.
func workAll(ctx context.Context, s *Store, left *atomic.Int64) error {
	leases, err := s.Claim(ctx, store.Conversations, start, start.Add(time.Minute), 4)
	if err != nil {
		return err
	}

	for _, lease := range leases {
		for work := &lease.Work; work != nil; {
			state := store.Done
			if rand.IntN(4) == 0 {
				state = store.Dead
			}

			next, err := s.Advance(ctx, lease.LeaseRef, work.Event.ID, store.Step{Now: start, Outcome: &store.Outcome{State: state}})
			if errors.Is(err, store.ErrLeaseLost) {
				break
			}

			if err != nil {
				return err
			}

			if state == store.Done {
				left.Add(-1)
			}

			work = next
		}
	}

	return nil
}
