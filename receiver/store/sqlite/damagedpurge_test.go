// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// finishedStore opens a store with finished events of which one page, with up to four of them, is overwritten.
func finishedStore(t *testing.T, count int64) (s *Store, path string) {
	t.Helper()

	path = filepath.Join(t.TempDir(), "inbox.db")

	s, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}

	for n := range count {
		e := message(n, count)
		e.State = store.Skipped
		e.Payload = []byte(strings.Repeat("x", 900))

		if _, err := s.Ingest(t.Context(), []store.Event{e}); err != nil {
			t.Fatal(err)
		}
	}

	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	id := message(200, count).ID
	overwrite(t, path, tableLeaf, string(id[:]))

	return openStore(t, path), path
}

// purgeAll purges everything, and returns how many entries were purged or set aside.
func purgeAll(t *testing.T, s *Store, payloads, events time.Time) (changed int) {
	t.Helper()

	for range 100 {
		n, err := s.Purge(t.Context(), store.Expiry{Payloads: payloads, Events: events}, 150)
		if err != nil {
			t.Fatalf("Purge after %d entries: %v", changed, err)
		}

		if changed += n; n == 0 {
			return changed
		}
	}

	t.Fatal("the purges do not end")

	return changed
}

func TestPurgeSetsDamagedEventsAside(t *testing.T) {
	const count = 500

	later := start.Add(time.Hour)

	for name, tc := range map[string]struct {
		events time.Time
		most   int64 // that cannot be purged
	}{
		"events":        {events: later, most: 64}, // SQLite merges pages with their neighbors
		"payloads only": {most: 4},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := finishedStore(t, count)
			purgeAll(t, s, later, tc.events)

			stats, err := s.Stats(t.Context(), later)
			if err != nil {
				t.Fatal(err)
			}

			if stats.DamagedEvents == 0 || stats.DamagedEvents > tc.most || stats.Damaged != 0 {
				t.Errorf("%d events are set aside and %d lanes, want 1 to %d events, and no lane", stats.DamagedEvents, stats.Damaged, tc.most)
			}

			left := 0

			for n := range int64(count) {
				if r, err := s.Get(t.Context(), message(n, count).ID); err == nil && len(r.Event.Payload) > 0 {
					left++
				}
			}

			if left > 0 {
				t.Errorf("%d readable payloads are left", left)
			}

			if n := purgeAll(t, s, later, tc.events); n != 0 {
				t.Errorf("the next purge changed %d entries, want none", n)
			}

			ping(t, s)
		})
	}
}

// The disk may have recovered.
func TestStartTriesDamagedEventsAgain(t *testing.T) {
	later := start.Add(time.Hour)

	s, path := finishedStore(t, 500)
	purgeAll(t, s, later, later)

	before, err := s.Stats(t.Context(), later)
	if err != nil {
		t.Fatal(err)
	}

	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = openStore(t, path)

	after, err := s.Stats(t.Context(), later)
	if err != nil || after.DamagedEvents != 0 {
		t.Errorf("after the start %d events are set aside, %v; want none yet", after.DamagedEvents, err)
	}

	if n := purgeAll(t, s, later, later); int64(n) != before.DamagedEvents {
		t.Errorf("the purge tried %d events, want the %d that were set aside", n, before.DamagedEvents)
	}
}

// A full disk needs room although the events themselves are kept, so that duplicates are recognized.
func TestPurgeOfPayloadsFreesPages(t *testing.T) {
	const count = 300

	for _, size := range []int{900, 1500, 3000, 20_000} {
		s := openStore(t, filepath.Join(t.TempDir(), "inbox.db"))

		for n := range int64(count) {
			e := message(n, count)
			e.State = store.Skipped
			e.Payload = []byte(strings.Repeat("x", size))

			if _, err := s.Ingest(t.Context(), []store.Event{e}); err != nil {
				t.Fatal(err)
			}
		}

		purgeAll(t, s, start.Add(time.Hour), time.Time{})

		var pages, free int64

		err := s.read(t.Context(), func(c *conn) error {
			err := c.query(t.Context(), "PRAGMA freelist_count", func(r row) error { free = r.int(0); return nil })
			if err != nil {
				return err
			}

			return c.query(t.Context(), "PRAGMA page_count", func(r row) error { pages = r.int(0); return nil })
		})
		if err != nil {
			t.Fatal(err)
		}

		if freed := int64(count*size) / pageSize; free < freed*2/3 {
			t.Errorf("payloads of %d bytes: %d of %d pages are free, want most of %d", size, free, pages, freed)
		}

		for n := range int64(count) {
			if r, err := s.Get(t.Context(), message(n, count).ID); err != nil || len(r.Event.Payload) > 0 || r.Event.State != store.Skipped {
				t.Fatalf("event %d is %v, %v; want it without its payload", n, r, err)
			}
		}
	}
}
