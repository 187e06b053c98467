// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// minWait bounds how often the pool looks again for due lanes.
const minWait = time.Millisecond

// wake makes the pool claim due lanes.
func (p *pool) wake() {
	p.mu.Lock()
	p.claims = true
	p.mu.Unlock()

	p.signal()
}

// signal makes the pool look again for due lanes.
func (p *pool) signal() {
	select {
	case p.woken <- struct{}{}:
	default:
	}
}

// postponed records when the lane of an outcome is due, or for which scope it waits.
func (p *pool) postponed(outcome *store.Outcome) {
	if outcome.State != store.Pending {
		return
	}

	p.mu.Lock()
	p.recordDue(outcome.RetryAt)

	if outcome.WaitsFor != "" {
		p.addScope(outcome.WaitsFor)
	}
	p.mu.Unlock()

	p.signal()
}

// recordDue records that a lane is due at a time. The caller holds the lock.
func (p *pool) recordDue(at time.Time) {
	if p.nextDue.IsZero() || at.Before(p.nextDue) {
		p.nextDue = at
	}
}

// addScope records that lanes wait for a scope. Beyond the limit the schedule names it later. The caller holds the lock.
func (p *pool) addScope(scope string) {
	if len(p.scopes) < store.MaxWaitingScopes {
		p.scopes[scope] = true
	}
}

// dueAt records that a released lane is due at a time.
func (p *pool) dueAt(at time.Time) {
	p.mu.Lock()
	p.recordDue(at)
	p.mu.Unlock()

	p.signal()
}

// follow adopts the schedule of the store.
func (p *pool) follow(schedule store.Schedule) {
	p.mu.Lock()

	if !schedule.NextDue.IsZero() {
		p.recordDue(schedule.NextDue)
	}

	for _, scope := range schedule.Scopes {
		p.addScope(scope)
	}
	p.mu.Unlock()

	p.signal()
}

// waitForWork returns on a wake-up, when a lane is due, when a scope may open, or when ctx ends.
func (p *pool) waitForWork(ctx context.Context, scopeOpens time.Time) {
	p.mu.Lock()
	next := p.nextDue
	p.mu.Unlock()

	if p.room() <= 0 || p.yieldToIsolated() { // the next released lane wakes the pool
		next = time.Time{}
		scopeOpens = time.Time{}
	}

	if next.IsZero() || !scopeOpens.IsZero() && scopeOpens.Before(next) {
		next = scopeOpens
	}

	wait := time.Hour
	if !next.IsZero() {
		wait = max(next.Sub(p.clock.Now()), minWait)
	}

	timer := p.clock.NewTimer(wait)
	defer timer.Stop()

	select {
	case <-ctx.Done():
	case <-p.woken:
	case <-timer.Chan():
	}
}
