// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"maps"
	"slices"
	"time"
)

const (
	// maxClaim bounds the lanes of one claim, so that replicas share a backlog.
	maxClaim = 128
	// settingsCheckInterval is the interval at which the pool asks the gate whether new settings opened a scope.
	settingsCheckInterval = 250 * time.Millisecond
)

// freeCapacity returns how many more lanes may be leased. The caller holds the lock.
func (p *pool) freeCapacity() int { return p.capacity() - len(p.active) - p.reserved }

// room returns how many lanes a claim may lease now.
func (p *pool) room() int {
	p.mu.Lock()
	defer p.mu.Unlock()

	return min(p.freeCapacity(), maxClaim)
}

// reserveClaim takes the capacity for a claim of due lanes, if any may be due, and returns it. isTime reports whether a time
// has come at which a lane is due. Half of the capacity is left to events that arrive during the claim, unless lanes wait for
// capacity.
func (p *pool) reserveClaim(now time.Time) (limit int, isTime bool) {
	p.mu.Lock()
	defer p.mu.Unlock()

	isTime = !p.nextDue.IsZero() && !now.Before(p.nextDue)
	if !p.claims && !isTime {
		return 0, false
	}

	limit = min(p.freeCapacity(), maxClaim)
	if limit <= 0 {
		p.backlog = true // the end of a lane makes the pool look again
		return 0, false
	}

	if !p.backlog {
		limit = (limit + 1) / 2
	}

	p.claims = false
	p.reserved += limit

	if isTime {
		p.nextDue = time.Time{}
	}

	return limit, isTime
}

// claimDue leases due lanes up to the free capacity, if any may be due. It reports whether more lanes may be due and
// capacity is left.
func (p *pool) claimDue(ctx context.Context) (more bool, err error) {
	if p.yieldToIsolated() {
		return false, nil // the end of a lane makes the pool look again
	}

	now := p.clock.Now()

	limit, isTime := p.reserveClaim(now)
	if limit == 0 {
		return false, nil
	}

	defer p.endClaim(limit)

	if isTime {
		p.askSchedule() // for the time after this one
	}

	p.renewBeforeClaim(p.work, now.Round(0))

	leases, err := p.store.Claim(ctx, p.class, now, now.Add(p.live.Current().Processing.Lease), limit)
	if err != nil {
		return false, err
	}

	more = len(leases) == limit

	p.mu.Lock()
	p.backlog = more
	p.claims = p.claims || more
	p.mu.Unlock()

	p.start(ctx, leases, leasedDue)

	return more, nil
}

// claimWaiting leases lanes that wait for a scope, as many as the scope admits. It returns when to ask again; zero if no
// lane waits.
func (p *pool) claimWaiting(ctx context.Context) (next time.Time, err error) {
	p.mu.Lock()
	scopes := slices.Sorted(maps.Keys(p.scopes))
	p.mu.Unlock()

	for _, scope := range scopes {
		if p.yieldToIsolated() {
			return time.Time{}, nil
		}

		limit := p.reserveRoom()
		if limit == 0 {
			return time.Time{}, nil
		}

		opens, err := p.claimScope(ctx, scope, limit)

		next = earlierNonZero(next, opens)
		if err != nil {
			return next, err
		}
	}

	return next, nil
}

// reserveRoom takes the capacity for a claim of lanes that wait for a scope, and returns it.
func (p *pool) reserveRoom() int {
	p.mu.Lock()
	defer p.mu.Unlock()

	limit := max(min(p.freeCapacity(), maxClaim), 0)
	p.reserved += limit

	return limit
}

// claimScope leases up to limit lanes that wait for a scope, as many as it admits. It returns when to ask again.
func (p *pool) claimScope(ctx context.Context, scope string, limit int) (next time.Time, err error) {
	defer p.endClaim(limit)

	admitted, opens := p.gate.Admit(scope, limit)
	now := p.clock.Now()

	// A new credential opens a scope before its next probe.
	next = earlierNonZero(opens, now.Add(settingsCheckInterval))

	if admitted == 0 {
		return next, nil
	}

	leases, err := p.store.ClaimWaiting(ctx, p.class, scope, now.Add(p.live.Current().Processing.Lease), admitted)
	if err != nil {
		return now.Add(settingsCheckInterval), err
	}

	if len(leases) < admitted {
		p.endWait(scope)
	}

	p.start(ctx, leases, leasedWaiting)

	return next, nil
}

// endClaim frees the capacity that a claim reserved and did not use.
func (p *pool) endClaim(reserved int) {
	p.mu.Lock()
	defer p.mu.Unlock()

	p.reserved -= reserved
}

// endWait records that no lane waits for a scope any more.
func (p *pool) endWait(scope string) {
	p.mu.Lock()
	delete(p.scopes, scope)
	p.mu.Unlock()

	p.gate.EndWait(scope)
}

// earlierNonZero returns the earlier of two times; a zero time is none.
func earlierNonZero(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}

	return a
}
