// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"

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

		refs := p.activeRefs()
		if len(refs) == 0 {
			continue
		}

		lost, err := p.store.Renew(ctx, refs, p.clock.Now().Add(p.live.Current().Processing.Lease))
		if err != nil {
			if ctx.Err() == nil {
				p.log.Error("renew leases", "class", p.class, "error", err)
			}

			continue
		}

		p.cancelLost(lost)
	}
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
