// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// storeOutage knows when the store last failed, so that deliveries were refused. It is safe for concurrent use. The zero value
// knows of no failure.
type storeOutage struct{ at atomic.Pointer[time.Time] }

// record records that the store failed at a time. Damage is not an outage: other calls succeed, and it does not end.
func (o *storeOutage) record(at time.Time, err error) {
	if !errors.Is(err, store.ErrDamaged) {
		o.at.Store(&at)
	}
}

// last returns when the store last failed, zero if it never did.
func (o *storeOutage) last() time.Time {
	if at := o.at.Load(); at != nil {
		return *at
	}

	return time.Time{}
}

// reachableSince returns since when Meta and the AI can deliver to this receiver: its start, or the end of the last outage of
// the store. What they could not deliver before, they deliver again.
func (e *Engine) reachableSince() time.Time { return later(e.startedAt, e.outage.last()) }
