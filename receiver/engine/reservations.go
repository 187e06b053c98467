// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	// maxInlineWait is how long an attempt waits for throughput without being postponed. Longer waits would let the events
	// of one busy phone number take all the capacity.
	maxInlineWait = 50 * time.Millisecond
	// maxReservations bounds the events that are postponed to their reserved send: at 80 a second, those of 20 minutes.
	maxReservations = 100_000
)

// reservations are the reserved sends of postponed events, by event. They are lost when the process ends: the events
// reserve again.
type reservations struct {
	mu sync.Mutex
	at map[store.ID]time.Time
}

// add stores the reservation of an event. It reports false if there are too many.
func (r *reservations) add(event store.ID, at, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()

	if len(r.at) >= maxReservations {
		// Some are never consumed, such as those of events that another receiver took over.
		maps.DeleteFunc(r.at, func(_ store.ID, at time.Time) bool { return at.Before(now) })
	}

	if len(r.at) >= maxReservations {
		return false
	}

	r.at[event] = at

	return true
}

// consume removes the reservation of an event and reports whether there was one.
func (r *reservations) consume(event store.ID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()

	_, ok := r.at[event]
	delete(r.at, event)

	return ok
}

// waitForThroughput returns nil when the throughput of the phone number allows a send. If that takes long, it reserves the
// send, records the part sent before, and returns an error that postpones the event.
func (e *Engine) waitForThroughput(ctx context.Context, a *attempt) error {
	id := a.work.Event.ID
	if e.reservations.consume(id) || e.Graph.Allow(a.number()) {
		return nil
	}

	if sent := a.pendingStep.Sent; sent != nil {
		if _, err := e.record(ctx, a.head, store.Step{Now: e.Clock.Now(), Sent: sent}); err != nil {
			return err
		}

		a.pendingStep.Sent = nil
	}

	now := e.Clock.Now()
	wait := e.Graph.Reserve(a.number())

	if wait > maxInlineWait && e.reservations.add(id, now.Add(wait), now) {
		return &postponed{until: now.Add(wait), reason: "waiting for the phone number's throughput"}
	}

	timer := e.Clock.NewTimer(wait)
	defer timer.Stop()

	select {
	case <-timer.Chan():
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the phone number's throughput: %w", ctx.Err())
	}
}
