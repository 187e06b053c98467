// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// renewLeases renews the leases of the active lanes until ctx ends, and cancels attempts whose lease is lost.
func (p *pool) renewLeases(ctx context.Context) {
	for {
		timer := p.clock.NewTimer(p.live.Current().Processing.Lease / 3)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.Chan():
		}

		p.renew(ctx)
	}
}

// renewBeforeClaim renews the leases of the active lanes if the clock has gone ahead since the last renewal. Else the pool
// could claim its own lanes.
func (p *pool) renewBeforeClaim(ctx context.Context, now time.Time) {
	p.mu.Lock()
	isLate := now.Sub(p.renewedAt) > p.live.Current().Processing.Lease/2
	p.mu.Unlock()

	if isLate {
		p.renew(ctx)
	}
}

func (p *pool) renew(ctx context.Context) {
	now := p.clock.Now().Round(0) // without the monotonic clock, which a step of the clock does not change
	refs := p.activeRefs()

	if len(refs) > 0 {
		lost, err := p.store.Renew(ctx, refs, now.Add(p.live.Current().Processing.Lease))
		if err != nil {
			if ctx.Err() == nil {
				p.log.Error("renewing leases failed", "class", p.class, "error", err)
			}

			return
		}

		p.cancelLost(lost)
	}

	p.mu.Lock()
	p.renewedAt = now
	p.mu.Unlock()
}

func (p *pool) activeRefs() []store.LeaseRef {
	p.mu.Lock()
	defer p.mu.Unlock()

	refs := make([]store.LeaseRef, 0, len(p.active))
	for _, l := range p.active {
		refs = append(refs, l.ref)
	}

	return refs
}

func (p *pool) cancelLost(lost []store.LeaseRef) {
	p.mu.Lock()
	defer p.mu.Unlock()

	for _, ref := range lost {
		if l := p.active[ref.Lane]; l != nil && l.ref == ref {
			l.cancel(store.ErrLeaseLost)
		}
	}
}
