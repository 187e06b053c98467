// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// Ingest stores events, and processes at once those whose lane is idle, as far as there is capacity: their lanes are leased
// in the transaction that stores them, which saves a claim. It returns once the events are durable, and reports for each
// whether it was new.
func (e *Engine) Ingest(ctx context.Context, events []store.Event) (fresh []bool, err error) {
	now := e.Clock.Now()
	offer := store.Offer{Now: now, Until: now.Add(e.Live.Current().Processing.Lease)}

	for i, wanted := range pendingByClass(events) {
		offer.Lanes[i] = e.pools[i].reserve(wanted)
	}

	arrival, err := e.Store.IngestAndClaim(ctx, events, offer)
	if err != nil && ctx.Err() == nil && !errors.Is(err, store.ErrBusy) { // a busy store works
		e.outage.record(e.Clock.Now(), err)
	}

	from := leasedDue
	if len(events) == 1 {
		from = leasedArriving
	}

	for i, p := range e.pools {
		p.startReserved(arrival.Leases, offer.Lanes[i], from)

		if arrival.Due[i] {
			p.wake()
		}
	}

	return arrival.Fresh, err
}

// pendingByClass returns the number of pending events of each class.
func pendingByClass(events []store.Event) (n [3]int) {
	for i := range events {
		if events[i].State == store.Pending && events[i].Class < store.NoClass {
			n[events[i].Class]++
		}
	}

	return n
}

// reserve takes capacity for up to n lanes that an ingest may lease, and returns for how many. It takes none while lanes
// wait that became due earlier. The caller must call startReserved.
func (p *pool) reserve(n int) int {
	if n == 0 {
		return 0
	}

	p.mu.Lock()
	defer p.mu.Unlock()

	if p.work == nil || p.stopping || p.isolation.isIsolating() {
		return 0
	}

	if p.freeCapacity() < n {
		p.backlog = true
	}

	if p.backlog {
		return 0
	}

	p.reserved += n
	p.lanes.Add(1)

	return n
}

// startReserved processes the leases of the pool's class that an ingest granted, and frees the capacity that
// was reserved for it.
func (p *pool) startReserved(leases []store.Lease, reserved int, from leaseReason) {
	if reserved == 0 {
		return
	}

	defer p.lanes.Done()

	for _, lease := range leases {
		if lease.Class == p.class {
			p.startLane(lease, from)
		}
	}

	p.free(func() { p.reserved -= reserved })
}
