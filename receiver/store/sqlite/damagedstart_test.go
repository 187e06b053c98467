// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// leasedStore returns the path of a store that is not open, with so many leased lanes.
func leasedStore(t *testing.T, lanes int64) (path string) {
	t.Helper()

	path = filepath.Join(t.TempDir(), "inbox.db")

	s, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}

	var events []store.Event
	for n := range lanes {
		events = append(events, message(n, lanes))
	}

	if _, err := s.Ingest(t.Context(), events); err != nil {
		t.Fatal(err)
	}

	leases, err := s.Claim(t.Context(), store.Conversations, start, start.Add(time.Minute), int(lanes))
	if err != nil || len(leases) != int(lanes) {
		t.Fatalf("%d lanes were claimed, %v", len(leases), err)
	}

	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	return path
}

// A process dies while it has leases, and a page with some of their rows cannot be read any more.
func TestAStoreWithLeasesOpensBesideADamagedPageOfLanes(t *testing.T) {
	const (
		lanes = 2000
		most  = 300 // on such a page
	)

	path := leasedStore(t, lanes)
	overwritePage(t, path, leafOf(t, path, "conversations", 2))

	if claimed := claimAll(t, openStore(t, path)); claimed < lanes-most {
		t.Errorf("%d of %d lanes were claimed, want all but those on the page, %d at most", claimed, lanes, most)
	}
}

// Lanes that their index does not show cannot be set aside, so the figures show the damage.
func TestAStoreWithLeasesOpensWithADamagedIndexOfLanes(t *testing.T) {
	path := leasedStore(t, 2000)
	overwritePage(t, path, leafOf(t, path, "conversations_ready", 2))

	s := openStore(t, path)
	unclaimable := func() bool {
		t.Helper()

		stats, err := s.Stats(t.Context(), start)
		if err != nil {
			t.Fatal(err)
		}

		return stats.Unclaimable
	}

	if unclaimable() {
		t.Error("lanes count as unclaimable before the first claim")
	}

	due := start.Add(time.Hour)
	for leases, err := s.Claim(t.Context(), store.Conversations, due, due.Add(time.Hour), 100); err == nil; {
		if len(leases) == 0 {
			t.Fatal("the claims meet no damage")
		}

		leases, err = s.Claim(t.Context(), store.Conversations, due, due.Add(time.Hour), 100)
	}

	if !unclaimable() {
		t.Error("the figures do not show that lanes cannot be claimed")
	}

	if damages, err := s.Check(t.Context()); err != nil || len(damages) == 0 {
		t.Errorf("Check returned %v, %v, want the damage", damages, err)
	}
}
