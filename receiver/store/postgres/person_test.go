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
		_, err = s.Purge(ctx, store.Expiry{Payloads: start, Events: start.Add(time.Hour)}, 100)
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
