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
	// settingsCheck is how often the pool asks the gate whether new settings opened a scope for which lanes wait.
	settingsCheck = 250 * time.Millisecond
)

// room returns how many lanes may be leased now.
func (p *pool) room() int {
	p.mu.Lock()
	defer p.mu.Unlock()

	return min(p.capacity()-len(p.active), maxClaim)
}

// claimDue leases due lanes up to the free capacity, if any may be due. It reports whether more lanes may be due and
// capacity is left.
func (p *pool) claimDue(ctx, work context.Context) (more bool, err error) {
	limit := p.room()
	if limit <= 0 || p.isAlone() {
		return false, nil // the end of a lane makes the pool look again
	}

	now := p.clock.Now()

	p.mu.Lock()
	isTime := !p.nextDue.IsZero() && !now.Before(p.nextDue)
	isDue := p.claims || isTime
	p.claims = false

	p.claiming = isDue

	if isTime {
		p.nextDue = time.Time{}
	}
	p.mu.Unlock()

	if !isDue {
		return false, nil
	}

	defer p.endClaim()

	if isTime {
		p.askSchedule() // for the time after this one
	}

	p.renewBeforeClaim(work, now.Round(0))

	leases, err := p.store.Claim(ctx, p.class, now, now.Add(p.live.Current().Processing.Lease), limit)
	if err != nil {
		return false, err
	}

	p.start(ctx, work, leases, false)

	if more = len(leases) == limit; more {
		p.mu.Lock()
		p.claims = true
		p.mu.Unlock()
	}

	return more, nil
}

// claimWaiting leases lanes that wait for a scope, as many as the scope admits. It returns when to ask again; zero if no
// lane waits.
func (p *pool) claimWaiting(ctx, work context.Context) (next time.Time, err error) {
	p.mu.Lock()
	scopes := slices.Sorted(maps.Keys(p.scopes))
	p.mu.Unlock()

	defer p.endClaim()

	for _, scope := range scopes {
		limit := p.room()
		if limit <= 0 || p.isAlone() {
			return time.Time{}, nil
		}

		admitted, opens := p.gate.Admit(scope, limit)
		now := p.clock.Now()

		// A new credential opens a scope before its next probe.
		next = sooner(next, sooner(opens, now.Add(settingsCheck)))

		if admitted == 0 {
			continue
		}

		p.mu.Lock()
		p.claiming = true
		p.mu.Unlock()

		leases, err := p.store.ClaimWaiting(ctx, p.class, scope, now.Add(p.live.Current().Processing.Lease), admitted)
		if err != nil {
			return now.Add(settingsCheck), err
		}

		if len(leases) < admitted {
			p.drained(scope)
		}

		p.start(ctx, work, leases, true)
	}

	return next, nil
}

func (p *pool) endClaim() {
	p.mu.Lock()
	defer p.mu.Unlock()

	p.claiming = false
}

// drained records that no lane waits for a scope any more.
func (p *pool) drained(scope string) {
	p.mu.Lock()
	delete(p.scopes, scope)
	p.mu.Unlock()

	p.gate.Drained(scope)
}

// sooner returns the earlier of two times; a zero time is none.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}

	return a
}
