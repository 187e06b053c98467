// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

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
