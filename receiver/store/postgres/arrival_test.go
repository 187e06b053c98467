// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// A caller may leave while its events are being stored. Its leases would keep others from the lanes until they expire.
func TestLeasesOfACallerThatHasLeftAreReleased(t *testing.T) {
	s := openStore(t, newAccess(t))
	offer := store.Offer{
		Now:   start,
		Until: start.Add(time.Hour),
		Lanes: [3]int{1, 1, 1},
	}

	first, err := s.IngestAndClaim(t.Context(), []store.Event{message(1, 1)}, offer)
	if err != nil || len(first.Leases) != 1 {
		t.Fatalf("IngestAndClaim returned %v, %v", first, err)
	}

	_, err = s.Advance(t.Context(), first.Leases[0].LeaseRef, message(1, 1).ID, store.Step{
		Now:     start,
		Outcome: &store.Outcome{State: store.Done},
	})
	if err != nil {
		t.Fatal(err)
	}

	locked := make(chan struct{})
	unlock := make(chan struct{})

	var blocks sync.WaitGroup
	blocks.Go(func() {
		err := s.write(t.Context(), func(ctx context.Context, tx *tx) error {
			tx.lockRows(newLanes(), []laneKey{conversation(message(1, 1).Lane)})

			err := tx.flush(ctx)

			close(locked)
			<-unlock

			return err
		})
		if err != nil {
			t.Errorf("lock the lane: %v", err)
		}
	})
	<-locked

	ctx, leave := context.WithCancel(t.Context())

	var calls sync.WaitGroup
	calls.Go(func() {
		if arrival, err := s.IngestAndClaim(ctx, []store.Event{message(2, 1)}, offer); !errors.Is(err, context.Canceled) {
			t.Errorf("IngestAndClaim returned %v, %v, want that the caller has left", arrival, err)
		}
	})

	waitForLock(t, s)
	leave()
	calls.Wait()
	close(unlock)
	blocks.Wait()

	// The call of this event is behind the other.
	if _, err := s.Ingest(t.Context(), []store.Event{message(3, 1)}); err != nil {
		t.Fatal(err)
	}

	leases, err := s.Claim(t.Context(), store.Conversations, start, start.Add(time.Hour), 10)
	if err != nil || len(leases) != 1 || leases[0].Work.Event.ID != message(2, 1).ID || leases[0].Work.Starts != 1 {
		t.Errorf("Claim returned %v, %v, want the event of the caller that has left, at its first start", leases, err)
	}
}
