// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logevent"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	// maxSharedStarts is the maximum number of starts without a recorded step, while other events run. Such an event, or
	// another event that started at the same time, may have crashed the process. After it, the event runs in isolation, so the
	// next crash counts against this event only.
	maxSharedStarts = 3
	// maxStarts is the maximum number of starts without a recorded step. After it the event fails permanently, so an event
	// that crashes the process each time does not block its lane.
	maxStarts = 10
	// isolationInterval is the minimum time between two isolated lanes. The other lanes also get as much time as the last
	// isolated lane took.
	isolationInterval = 250 * time.Millisecond
)

// isolation tracks the lanes whose head may have crashed the process. The pools of an engine share slot, so one lane of the
// process runs in isolation at a time.
type isolation struct {
	slot chan struct{}

	mu          sync.Mutex
	alone       bool          // a lane is processed alone, or waits for that
	begin       chan struct{} // closed when the waiting lane begins; nil if none waits
	pausedUntil time.Time     // the time until then belongs to other lanes

	// resets is set when starts were found that cannot be of lanes processed alone. Only the pool's loop uses it.
	resets bool
}

// newSlot returns the slot that the pools of an engine share.
func newSlot() chan struct{} { return make(chan struct{}, 1) }

// yieldToIsolated reports whether a lane runs, or waits to run, in isolation. The pool claims nothing meanwhile. It starts
// the waiting lane if no other lane is active.
func (p *pool) yieldToIsolated() bool {
	p.mu.Lock()
	others := len(p.active) + p.reserved - 1
	p.mu.Unlock()

	s := &p.isolation
	s.mu.Lock()
	defer s.mu.Unlock()

	if others == 0 {
		s.beginIsolated()
	}

	return s.alone
}

// isIsolating reports whether a lane is processed alone, or waits for that.
func (i *isolation) isIsolating() bool {
	i.mu.Lock()
	defer i.mu.Unlock()

	return i.alone
}

// beginIsolated lets the waiting lane begin. The caller holds the mutex.
func (i *isolation) beginIsolated() {
	if i.begin != nil {
		close(i.begin)
		i.begin = nil
	}
}

// stopIsolation starts the waiting lane, which then finds that the pool is stopping.
func (i *isolation) stopIsolation() {
	i.mu.Lock()
	defer i.mu.Unlock()

	i.beginIsolated()
}

// nextIsolation returns the time from which on the next lane may be processed alone.
func (i *isolation) nextIsolation() time.Time {
	i.mu.Lock()
	defer i.mu.Unlock()

	return i.pausedUntil
}

// withoutIsolated returns the leases whose head may run together with others. It starts at most one of the other leases in
// isolation, and releases the rest.
func (p *pool) withoutIsolated(ctx context.Context, leases []store.Lease) []store.Lease {
	isSuspect := func(lease store.Lease) bool { return lease.Work.Starts > maxSharedStarts }
	if !slices.ContainsFunc(leases, isSuspect) {
		return leases
	}

	var cleared, suspected []store.Lease

	for _, lease := range leases {
		if isSuspect(lease) {
			suspected = append(suspected, lease)
		} else {
			cleared = append(cleared, lease)
		}
	}

	suspected = p.resetSharedStarts(ctx, suspected)

	slices.SortStableFunc(suspected, func(a, b store.Lease) int { return isolationOrder(a) - isolationOrder(b) })

	now := p.clock.Now()
	next := p.isolation.nextIsolation()
	due := later(now.Add(isolationInterval), next)

	for i, lease := range suspected {
		if i == 0 && !now.Before(next) && p.startIsolated(lease) {
			continue
		}

		p.releaseLease(ctx, lease.LeaseRef, due)
	}

	return cleared
}

// isolationOrder sorts the lanes to isolate. Lanes that never ran in isolation come first, because most of them crashed
// nothing. Then the number of starts decides, the highest first, so the crashing events reach maxStarts soon.
func isolationOrder(lease store.Lease) int {
	if starts := lease.Work.Starts; starts > maxSharedStarts+1 {
		return -starts
	}

	return -1 << 20
}

// resetSharedStarts resets the starts of lanes that cannot have reached maxStarts in isolation: several lanes exceed it at
// once. An earlier version, or a receiver that crashed before it processed anything, counted them together. It returns the
// other lanes.
func (p *pool) resetSharedStarts(ctx context.Context, suspected []store.Lease) []store.Lease {
	isOver := func(lease store.Lease) bool { return lease.Work.Starts > maxStarts }

	over := 0

	for _, lease := range suspected {
		if isOver(lease) {
			over++
		}
	}

	p.isolation.resets = p.isolation.resets || over > 1
	if !p.isolation.resets {
		return suspected
	}

	return slices.DeleteFunc(suspected, func(lease store.Lease) bool {
		if !isOver(lease) {
			return false
		}

		now := p.clock.Now()
		step := store.Step{
			Now:     now,
			Settled: mayBeAsked(&lease.Work),
			Outcome: &store.Outcome{State: store.Pending, RetryAt: now},
		}

		_, err := p.store.Advance(ctx, lease.LeaseRef, lease.Work.Event.ID, step)
		p.dueAt(now)

		if err != nil && !errors.Is(err, store.ErrLeaseLost) && ctx.Err() == nil {
			p.log.Error("resetting the starts of an event failed", logevent.EventID, lease.Work.Event.ID, "error", err)
		}

		return true
	})
}

// startIsolated starts the lane to process alone. It reports false if another pool processes one.
func (p *pool) startIsolated(lease store.Lease) bool {
	s := &p.isolation

	select {
	case s.slot <- struct{}{}:
	default:
		return false
	}

	p.log.Warn("event started several times without an outcome, so it is processed in isolation",
		logevent.EventID, lease.Work.Event.ID, "starts", lease.Work.Starts)

	begin := make(chan struct{})
	ctx, l := p.activate(lease)

	s.mu.Lock()
	s.alone = true
	s.begin = begin
	s.mu.Unlock()

	p.lanes.Go(func() {
		defer p.release(l)
		defer p.endIsolation()

		select {
		case <-begin:
		case <-ctx.Done():
			return
		}

		startedAt := p.clock.Now()
		p.processIsolated(ctx, lease)
		p.pauseIsolation(p.clock.Since(startedAt))
	})
	p.wake() // it may be alone already

	return true
}

// processIsolated processes the head of a lane. The events after it need not be alone.
func (p *pool) processIsolated(ctx context.Context, lease store.Lease) {
	if p.isStopping() {
		p.releaseLease(ctx, lease.LeaseRef, p.clock.Now())
		return
	}

	if next := p.attempt(ctx, lease.LeaseRef, &lease.Work, leasedDue); next != nil {
		p.releaseLease(ctx, lease.LeaseRef, p.clock.Now())
	}
}

func (p *pool) endIsolation() {
	s := &p.isolation

	s.mu.Lock()
	s.alone = false
	s.begin = nil
	s.mu.Unlock()

	<-s.slot
}

// pauseIsolation reserves as much time for the other lanes as the isolated lane took.
func (p *pool) pauseIsolation(took time.Duration) {
	p.isolation.mu.Lock()
	defer p.isolation.mu.Unlock()

	p.isolation.pausedUntil = p.clock.Now().Add(max(took, isolationInterval))
}

// releaseLease releases a lease without an attempt, so the start does not count. The lane is due at the given time.
func (p *pool) releaseLease(ctx context.Context, lease store.LeaseRef, due time.Time) {
	defer p.dueAt(due)

	err := p.store.Release(context.WithoutCancel(ctx), lease, due)
	if err != nil && !errors.Is(err, store.ErrLeaseLost) {
		p.log.Error("releasing a lease failed", "class", p.class, "error", err)
	}
}

// checkStarts returns a failure if the event ended the process, or panicked, each time that it was processed alone.
func (h head) checkStarts() error {
	if h.work.Starts <= maxStarts {
		return nil
	}

	return &failure.Error{
		Class: failure.Permanent,
		Op:    opProcess,
		Code:  codeAbandoned,
		Text:  "the process ended during each of several attempts",
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}

	return b
}
