// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package encrypted

import (
	"context"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/sqlite"
)

// countingStore is an engine that counts the events which calls of FindByIdentifiers look at. Their Seqs have no gaps.
type countingStore struct {
	store.Store

	last   int64 // Seq of the newest event
	looked int64
}

func (s *countingStore) FindByIdentifiers(ctx context.Context, identifiers store.Identifiers, after int64, limit int) ([]store.FoundRecord, int64, error) {
	found, next, err := s.Store.FindByIdentifiers(ctx, identifiers, after, limit)

	to := next
	if to == 0 {
		to = s.last
	}

	s.looked += to - after

	return found, next, err
}

// TestFindByIdentifiersLooksAtEachEventOnce checks that a search of pages of encrypted events, of which few
// are about the person, does not read the rest of the store again for each page.
func TestFindByIdentifiersLooksAtEachEventOnce(t *testing.T) {
	const (
		events = 2000
		page   = 50
	)

	inner, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "inbox.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}

	counting := &countingStore{Store: inner}
	s := wrapped(t, counting)

	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})

	batch := make([]store.Event, 0, events)

	for i := range events {
		e := message(time.Unix(1795430400, 0))
		e.ID = store.NewID(store.KindMessage, strconv.Itoa(i))
		e.Payload = []byte(`{"text":"of others"}`)

		if i%500 == 0 {
			e.Payload = []byte(`{"text":"` + secret + `"}`)
		}

		batch = append(batch, e)
	}

	if _, err := s.Ingest(t.Context(), batch); err != nil {
		t.Fatal(err)
	}

	newest, err := inner.Search(t.Context(), store.Search{}, 0, 1)
	if err != nil || len(newest.Records) != 1 {
		t.Fatalf("Search returned %+v, %v", newest, err)
	}

	counting.last = newest.Records[0].Seq
	found := 0

	for after := int64(0); ; {
		records, next, err := s.FindByIdentifiers(t.Context(), store.Identifiers{Texts: []string{secret}}, after, page)
		if err != nil {
			t.Fatal(err)
		}

		found += len(records)

		if next == 0 {
			break
		}

		after = next
	}

	if found != events/500 {
		t.Errorf("found %d events, want %d", found, events/500)
	}

	if counting.looked > 2*events {
		t.Errorf("looked at %d events of %d", counting.looked, events)
	}
}
