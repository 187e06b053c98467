// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logevent"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/metrics"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// panicRetryDelay is the wait after a panic. The start counts, so an event that panics again and again becomes a dead
// letter (see maxStarts).
const panicRetryDelay = 5 * time.Second

// attempt makes one attempt at the head of a leased lane. It returns the next due event of the lane, nil if there is none
// or if the attempt could not be recorded. A panic ends only the attempt.
func (p *pool) attempt(ctx context.Context, lease store.LeaseRef, work *store.Work, from leaseReason) *store.Work {
	// A pending event that panics keeps its lease, since giving it back would not count the start.
	defer func() {
		if value := recover(); value != nil {
			p.panicked(ctx, lease, work.Event.ID, value)
		}
	}()

	next, err := p.process(ctx, head{
		lease:    lease,
		work:     work,
		settings: p.live.Current(),
		queued:   from == leasedWaiting,
		isOnly:   from == leasedArriving,
		now:      p.clock.Now(),
	})
	if errors.Is(err, store.ErrLeaseLost) {
		p.log.Warn("lease lost to another receiver", logevent.Key, logevent.LeaseLost, logevent.EventID, work.Event.ID)
		return nil
	}

	if err != nil {
		p.log.Error("recording the outcome of an attempt failed", logevent.EventID, work.Event.ID, "error", err)
		return nil
	}

	return next
}

// panicked records a panic, and makes the lane due in a moment instead of at the end of its lease.
func (p *pool) panicked(ctx context.Context, lease store.LeaseRef, event store.ID, value any) {
	recordPanic(p.log, p.metrics, event, value)

	due := p.clock.Now().Add(panicRetryDelay)
	defer p.dueAt(due)

	_, err := p.store.Renew(context.WithoutCancel(ctx), []store.LeaseRef{lease}, due)
	if err != nil {
		p.log.Error("shortening the lease after a panic failed", logevent.EventID, event, "error", err)
	}
}

// containPanic is deferred by goroutines of optional steps of an attempt.
func (e *Engine) containPanic(event store.ID) {
	if value := recover(); value != nil {
		recordPanic(e.Log, e.Metrics, event, value)
	}
}

// recordPanic logs and counts a panic.
func recordPanic(log *slog.Logger, counts *metrics.Metrics, event store.ID, value any) {
	counts.Panicked()
	log.Error("panic while an event was processed: this is a bug",
		logevent.EventID, event,
		"panic", describePanic(value),
		"stack", string(debug.Stack()))
}

// describePanic returns a description of a panic without its data, which may contain text of a person. Texts of runtime
// errors contain indices and types only.
func describePanic(value any) string {
	if err, ok := value.(runtime.Error); ok {
		return err.Error()
	}

	return fmt.Sprintf("%T", value)
}
