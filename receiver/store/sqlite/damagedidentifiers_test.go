// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// TestFindByIdentifiersReadsAroundDamage checks that a damaged page hides only its own events from an erasure, and that these are
// named.
func TestFindByIdentifiersReadsAroundDamage(t *testing.T) {
	const (
		count = 500
		most  = 4 // on such a page
	)

	s, _ := finishedStore(t, count)
	erased := message(150, count).ID

	if _, err := s.Erase(t.Context(), []store.ID{erased}, start); err != nil {
		t.Fatal(err)
	}

	var everyone store.Identifiers
	for n := range int64(count) {
		everyone.Lanes = append(everyone.Lanes, message(n, count).Lane)
	}

	found := map[int64]bool{}
	unread := 0

	for after, calls := int64(0), 0; ; calls++ {
		if calls > count {
			t.Fatal("the search does not end")
		}

		records, next, err := s.FindByIdentifiers(t.Context(), everyone, after, 50)
		if err != nil {
			t.Fatal(err)
		}

		for _, record := range records {
			if found[record.Seq] || record.Seq <= after {
				t.Errorf("event %d was found again", record.Seq)
			}

			found[record.Seq] = true

			if record.Unread != nil {
				unread++

				if !errors.Is(record.Unread, store.ErrDamaged) || !record.OnlyEncrypted {
					t.Errorf("event %d is %+v", record.Seq, record)
				}
			}
		}

		if next == 0 {
			break
		}

		after = next
	}

	if len(found) != count-1 || unread == 0 || unread > most {
		t.Errorf("found %d events, of which %d were not read; want all but the erased one, and 1 to %d", len(found), unread, most)
	}

	if _, err := s.Erase(t.Context(), []store.ID{message(200, count).ID}, start); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("the erasure of a damaged event: %v, want store.ErrDamaged", err)
	}
}

// TestFindByIdentifiersOfNobodyAroundDamage searches for nobody: only the damaged events remain, and the search comes to its
// end.
func TestFindByIdentifiersOfNobodyAroundDamage(t *testing.T) {
	s, _ := finishedStore(t, 500)

	records, next, err := s.FindByIdentifiers(t.Context(), store.Identifiers{Lanes: []string{"nobody"}}, 0, 50)
	if err != nil || next != 0 || len(records) == 0 || len(records) > 4 {
		t.Errorf("found %d events, next %d, %v; want the 1 to 4 damaged ones", len(records), next, err)
	}
}

// TestStatusesOnADamagedPage reads the statuses of messages, some of which are on a damaged page.
func TestStatusesOnADamagedPage(t *testing.T) {
	const count = 300

	path := filepath.Join(t.TempDir(), "inbox.db")

	s, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}

	ids := make([]string, 0, count)
	events := make([]store.Event, 0, count)

	for n := range int64(count) {
		e := message(n, count)
		e.Kind = store.KindStatus
		e.State = store.Done
		e.Status = &store.StatusUpdate{
			PhoneNumberID: e.PhoneNumberID,
			MessageID:     fmt.Sprintf("wamid.%03d", n),
			Status:        "read",
			At:            start,
		}
		ids = append(ids, e.Status.MessageID)
		events = append(events, e)
	}

	if _, err := s.Ingest(t.Context(), events); err != nil {
		t.Fatal(err)
	}

	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	overwritePage(t, path, leafOf(t, path, "statuses", 1))
	s = openStore(t, path)

	read, damaged := 0, 0

	for _, id := range ids {
		found, err := s.Statuses(t.Context(), message(0, 1).PhoneNumberID, []string{id})

		switch {
		case errors.Is(err, store.ErrDamaged):
			damaged++
		case err != nil:
			t.Fatal(err)
		default:
			read += len(found)
		}
	}

	if damaged == 0 || read == 0 || read+damaged != count {
		t.Errorf("%d statuses were read and %d are damaged, of %d", read, damaged, count)
	}
}
