// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// damagedStore opens a store with so many conversations of which one page is overwritten: the first of a type that
// contains a text.
func damagedStore(t *testing.T, lanes int64, pageType byte, text string) *Store {
	t.Helper()

	return openStore(t, damagedFile(t, lanes, pageType, text))
}

// damagedFile returns the file of such a store, which is not open.
func damagedFile(t *testing.T, lanes int64, pageType byte, text string) (path string) {
	t.Helper()

	path = filepath.Join(t.TempDir(), "inbox.db")

	s, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}

	for from := int64(0); from < lanes; from += 500 {
		var events []store.Event

		for n := from; n < from+500; n++ {
			e := message(n, lanes)
			e.Payload = []byte(strings.Repeat("x", 1500))
			events = append(events, e)
		}

		if _, err := s.Ingest(t.Context(), events); err != nil {
			t.Fatal(err)
		}
	}

	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	overwrite(t, path, pageType, text)

	return path
}

func overwrite(t *testing.T, path string, pageType byte, text string) {
	t.Helper()

	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}

	for at := 0; at+pageSize <= len(data); at += pageSize {
		if page := data[at : at+pageSize]; page[0] == pageType && strings.Contains(string(page), text) {
			copy(page, make([]byte, pageSize))

			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}

			return
		}
	}

	t.Fatal("no such page")
}

// The types of pages. Source: https://www.sqlite.org/fileformat2.html#b_tree_pages
const (
	tableLeaf = 0x0d
	indexLeaf = 0x0a // also of a table without rowids
)

// claimAll claims until nothing is due any more, and returns the number of leases.
func claimAll(t *testing.T, s *Store) (claimed int) {
	t.Helper()

	for range 1000 {
		leases, err := s.Claim(t.Context(), store.Conversations, start.Add(time.Hour), start.Add(2*time.Hour), 128)
		if err != nil {
			t.Fatalf("Claim after %d lanes: %v", claimed, err)
		}

		if len(leases) == 0 {
			return claimed
		}

		claimed += len(leases)
	}

	t.Fatal("the claims do not end")

	return claimed
}

func TestAnUnreadablePageStopsOnlyItsConversations(t *testing.T) {
	const lanes = 2000

	id := message(20, lanes).ID
	lane := message(20, lanes).Lane

	for name, page := range map[string]struct {
		pageType byte
		text     string
		most     int64 // lanes on such a page
	}{
		"of events":        {tableLeaf, string(id[:]), 4},
		"of conversations": {indexLeaf, lane, 300},
	} {
		t.Run(name, func(t *testing.T) {
			s := damagedStore(t, lanes, page.pageType, page.text)
			claimed := claimAll(t, s)

			stats, err := s.Stats(t.Context(), start)
			if err != nil {
				t.Fatal(err)
			}

			if stats.Damaged == 0 || stats.Damaged > page.most || int64(claimed)+stats.Damaged != lanes {
				t.Errorf("%d lanes were claimed and %d set aside, want all %d, and at most %d set aside", claimed, stats.Damaged, lanes, page.most)
			}

			ping(t, s)
		})
	}
}

func TestADamagedPageOfPausesStopsNoWork(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inbox.db")

	s, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}

	ingest(t, s, 1)

	if err := s.SetPause(t.Context(), store.Pause{Scope: "number:106540352242922", Until: start.Add(time.Hour)}, start); err != nil {
		t.Fatal(err)
	}

	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	overwrite(t, path, indexLeaf, "number:106540352242922")
	s = openStore(t, path)

	schedules, pauses, err := s.Schedule(t.Context(), start)
	if err != nil || schedules[store.Conversations].NextDue.IsZero() || len(pauses) > 0 {
		t.Errorf("Schedule returned %v, %v, %v; want that the lane is due, and no pause", schedules, pauses, err)
	}
}

func TestADamagedLaneIsNotWokenByItsNextEvent(t *testing.T) {
	const lanes = 2000

	id := message(20, lanes).ID
	s := damagedStore(t, lanes, tableLeaf, string(id[:]))
	claimAll(t, s)

	ingest := func(n int64) {
		if _, err := s.Ingest(t.Context(), []store.Event{message(n, lanes)}); err != nil {
			t.Fatal(err)
		}
	}
	ingest(lanes + 20)

	if n := claimAll(t, s); n != 0 {
		t.Errorf("%d lanes were claimed, want that the damaged one stays aside", n)
	}
}

func TestAStepIsRecordedAlthoughTheNextEventIsDamaged(t *testing.T) {
	const lanes = 500

	path := filepath.Join(t.TempDir(), "inbox.db")

	s, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}

	for n := range int64(3 * lanes) { // three events of each lane, far from each other
		e := message(n, lanes)
		e.Payload = []byte(strings.Repeat("x", 1500))

		if _, err := s.Ingest(t.Context(), []store.Event{e}); err != nil {
			t.Fatal(err)
		}
	}

	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	second := message(lanes+20, lanes).ID
	overwrite(t, path, tableLeaf, string(second[:]))
	s = openStore(t, path)

	leases, err := s.Claim(t.Context(), store.Conversations, start.Add(time.Hour), start.Add(2*time.Hour), lanes)
	if err != nil {
		t.Fatal(err)
	}

	for _, lease := range leases {
		if lease.Lane != message(20, lanes).Lane {
			continue
		}

		next, err := s.Advance(t.Context(), lease.LeaseRef, lease.Work.Event.ID, store.Step{
			Now:     start.Add(time.Hour),
			Outcome: &store.Outcome{State: store.Done},
		})
		if err != nil || next != nil {
			t.Fatalf("Advance returned %v, %v; want neither work nor an error", next, err)
		}

		if r, err := s.Get(t.Context(), lease.Work.Event.ID); err != nil || r.Event.State != store.Done {
			t.Errorf("the first event is %v, %v; want done", r, err)
		}

		if n := claimAll(t, s); n != 0 {
			t.Errorf("%d lanes were claimed, want that the damaged one is set aside", n)
		}

		return
	}

	t.Fatal("the lane was not claimed")
}

func TestCheckFindsDamage(t *testing.T) {
	sound := openStore(t, filepath.Join(t.TempDir(), "inbox.db"))
	ingest(t, sound, 1)

	if damages, err := sound.Check(t.Context()); err != nil || len(damages) > 0 {
		t.Errorf("Check of a sound store returned %q, %v", damages, err)
	}

	id := message(20, 2000).ID

	damages, err := damagedStore(t, 2000, tableLeaf, string(id[:])).Check(t.Context())
	if err != nil || len(damages) == 0 || len(damages) > store.MaxDamages {
		t.Errorf("Check of a damaged store returned %q, %v; want damages", damages, err)
	}
}

func TestCheckEndsWithItsContextAndWithTheStore(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "inbox.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()

	if _, err := s.Check(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Check returned %v, want that it was canceled", err)
	}

	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	if _, err := s.Check(t.Context()); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Check of a closed store returned %v, want ErrClosed", err)
	}
}

// Deliveries and reads of the schedule tell damage from an outage of the store.
func TestDamageIsReported(t *testing.T) {
	const lanes = 2000

	id := message(20, lanes).ID
	path := damagedFile(t, lanes, indexLeaf, string(id[:]))
	overwritePage(t, path, leafOf(t, path, "conversations_ready", 0))

	s := openStore(t, path)

	if _, err := s.IngestAndClaim(t.Context(), []store.Event{message(20, lanes)}, store.Offer{}); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("IngestAndClaim returned %v, want ErrDamaged", err)
	}

	if _, _, err := s.Schedule(t.Context(), start); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("Schedule returned %v, want ErrDamaged", err)
	}
}
