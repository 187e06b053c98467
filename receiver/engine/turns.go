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
	// nearTurn is how long an event may keep its place among those that are worked while its phone number's throughput is
	// used up. Events of a number that is written to more than it may answer would soon have all places.
	nearTurn = 50 * time.Millisecond
	// maxTurns bounds the events that are postponed to their turn: at 80 a second, those of 20 minutes.
	maxTurns = 100_000
)

// turns are when events are to be sent that were postponed until then. They are lost with the process: what was postponed
// takes another turn then.
type turns struct {
	mu sync.Mutex
	at map[store.ID]time.Time
}

// keep notes an event's turn, unless too many wait already.
func (t *turns) keep(event store.ID, at, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()

	if len(t.at) >= maxTurns {
		// Some never come back, such as those that another receiver took over.
		maps.DeleteFunc(t.at, func(_ store.ID, at time.Time) bool { return at.Before(now) })
	}

	if len(t.at) >= maxTurns {
		return false
	}

	t.at[event] = at

	return true
}

// redeem tells whether an event has a turn, which it then uses.
func (t *turns) redeem(event store.ID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()

	_, taken := t.at[event]
	delete(t.at, event)

	return taken
}

// waitTurn returns when the phone number's throughput allows a send, or an error that postpones the event until then where
// that takes a while. What was sent before is recorded first.
func (e *Engine) waitTurn(ctx context.Context, t *task) error {
	id := t.work.Event.ID
	if e.turns.redeem(id) || e.Graph.Allow(t.number()) {
		return nil
	}

	if t.sent != nil {
		if _, err := e.record(ctx, t, store.Step{Now: e.Clock.Now(), Sent: t.sent}); err != nil {
			return err
		}

		t.sent = nil
	}

	now := e.Clock.Now()

	wait := e.Graph.Reserve(t.number())
	if wait > nearTurn && e.turns.keep(id, now.Add(wait), now) {
		return &postponed{until: now.Add(wait), why: "waiting for the phone number's throughput"}
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
