// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// A changed byte on the disk can change the length of a value, which SQLite does not see.
func TestAnAlteredIDStopsOnlyItsConversation(t *testing.T) {
	const lanes = 500

	s := openStore(t, filepath.Join(t.TempDir(), "inbox.db"))

	var events []store.Event
	for n := range int64(lanes) {
		events = append(events, message(n, lanes))
	}

	if _, err := s.Ingest(t.Context(), events); err != nil {
		t.Fatal(err)
	}

	err := s.writer.do(t.Context(), func(tx *tx) error {
		id := message(20, lanes).ID
		_, err := tx.exec("UPDATE events SET id = x'01' WHERE id = ?", id[:])

		return err
	})
	if err != nil {
		t.Fatal(err)
	}

	claimed := claimAll(t, s)

	stats, err := s.Stats(t.Context(), start)
	if err != nil {
		t.Fatal(err)
	}

	if claimed != lanes-1 || stats.Damaged != 1 {
		t.Errorf("%d lanes were claimed and %d set aside, want %d and 1", claimed, stats.Damaged, lanes-1)
	}
}
