// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"errors"
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
