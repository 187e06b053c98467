// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/groupcommit"
)

// Calls that share a transaction get the events of their own lanes, and a lost lease fails its own call only.
func TestPeeksShareARoundTrip(t *testing.T) {
	access := newAccess(t)
	s := openStore(t, access)

	var trips atomic.Int64

	s.database = watched(t, access, func([]sentStatement) { trips.Add(1) })

	inLane := func(n int64, lane string) store.Event {
		e := message(n, 1)
		e.Lane = lane

		return e
	}
	events := []store.Event{inLane(1, "one"), inLane(2, "two"), inLane(3, "one"), inLane(4, "one"), inLane(5, "three")}

	if _, err := s.Ingest(t.Context(), events); err != nil {
		t.Fatal(err)
	}

	leases, err := s.Claim(t.Context(), store.Conversations, start.Add(time.Hour), start.Add(2*time.Hour), 10)
	if err != nil || len(leases) != 3 {
		t.Fatalf("Claim returned %v, %v", leases, err)
	}

	calls := map[string]*groupcommit.Call[*peek]{}

	var batch []*groupcommit.Call[*peek]

	for _, lease := range leases {
		p := &peek{
			lane:  leaseLane(lease.LeaseRef),
			token: lease.Token,
			limit: 10,
		}
		if lease.Lane == "three" {
			p.token++
		}

		c := &groupcommit.Call[*peek]{Value: p}
		calls[lease.Lane] = c
		batch = append(batch, c)
	}

	trips.Store(0)

	if err := s.readPrepared(t.Context(), func(ctx context.Context, t *tx) error { return peekAll(ctx, t, batch) }); err != nil {
		t.Fatal(err)
	}

	if n := trips.Load(); n != 1 {
		t.Errorf("the calls cost %d round trips, want 1", n)
	}

	one := calls["one"]
	if found := one.Value.found; one.Err != nil || len(found) != 2 || found[0].ID != events[2].ID || found[1].ID != events[3].ID {
		t.Errorf("the lane with three events returned %v, %v", found, one.Err)
	}

	if two := calls["two"]; two.Err != nil || len(two.Value.found) != 0 {
		t.Errorf("the lane with one event returned %v, %v", two.Value.found, two.Err)
	}

	if three := calls["three"]; !errors.Is(three.Err, store.ErrLeaseLost) {
		t.Errorf("the lost lease returned %v, want ErrLeaseLost", three.Err)
	}
}
