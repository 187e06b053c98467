// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	purgeEvery = 10 * time.Minute
	purgeTerm  = 3 * purgeEvery / 2 // a receiver that died is waited for so long
	purgeBatch = 1000               // small enough that deliveries do not wait for it
	// keepIDs is how long an event can be recognized as a duplicate: Meta delivers again for up to 7 days.
	keepIDs = 8 * 24 * time.Hour
)

// retain drops what is past its retention until ctx ends. Of receivers that share a store one does.
func (r *Receiver) retain(ctx context.Context) {
	ticker := r.clock.NewTicker(purgeEvery)
	defer ticker.Stop()

	for {
		r.purge(ctx)

		select {
		case <-ctx.Done():
			return
		case <-ticker.Chan():
		}
	}
}

func (r *Receiver) purge(ctx context.Context) {
	now := r.clock.Now()

	held, _, err := r.store.AcquireLeadership(ctx, store.JobRetention, r.name, now, now.Add(purgeTerm))
	if err != nil && ctx.Err() == nil {
		r.log.Error("find out who drops events past their retention", "error", err)
	}

	if !held || err != nil {
		return
	}

	payloads := time.Duration(r.live.Current().Store.RetentionDays) * 24 * time.Hour
	for ctx.Err() == nil {
		changed, err := r.store.Purge(ctx, now.Add(-payloads), now.Add(-max(payloads, keepIDs)), purgeBatch)
		if err != nil && ctx.Err() == nil {
			r.log.Error("drop events past their retention", "error", err)
		}

		if err != nil || changed < purgeBatch {
			return
		}
	}
}
