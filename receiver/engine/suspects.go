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
	// maxSharedStarts bounds how often an event starts beside others without recording anything. Such an event may end
	// the process, or another one did that started at the same time. From then on it is processed alone, so that the
	// next crash counts against the one event that caused it.
	maxSharedStarts = 3
	// maxStarts bounds how often an event starts without recording anything. An event that ends the process each time
	// must not block its lane for ever.
	maxStarts = 10
	// aloneInterval is the minimum time for other lanes between two lanes that are processed alone. The time that the
	// last one took is granted too.
	aloneInterval = 250 * time.Millisecond
)

// suspects are the lanes whose head may have ended the process. The pools share slot: one lane in the process is
// processed alone at a time.
type suspects struct {
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

// yieldToAlone reports whether a lane is processed alone, or waits for that: the pool then claims nothing. It starts the waiting
// lane if all other lanes have ended.
func (p *pool) yieldToAlone() bool {
	p.mu.Lock()
	others := len(p.active) + p.reserved - 1
	p.mu.Unlock()

	s := &p.suspects
	s.mu.Lock()
	defer s.mu.Unlock()

	if others == 0 {
		s.beginAlone()
	}

	return s.alone
}

// isAlone reports whether a lane is processed alone, or waits for that.
func (s *suspects) isAlone() bool {
	s.mu.Lock()
	defer s.mu.Unlock()

	return s.alone
}

// beginAlone lets the waiting lane begin. The caller holds the mutex.
func (s *suspects) beginAlone() {
	if s.begin != nil {
		close(s.begin)
		s.begin = nil
	}
}

// stopAlone lets the waiting lane end: it finds that the pool stops.
func (s *suspects) stopAlone() {
	s.mu.Lock()
	defer s.mu.Unlock()

	s.beginAlone()
}

// nextAlone returns the time from which on the next lane may be processed alone.
func (s *suspects) nextAlone() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()

	return s.pausedUntil
}

// withoutSuspects returns the leases whose head may be processed beside others. Of the other leases it starts at most one,
// which waits until it is alone, and gives back the rest.
func (p *pool) withoutSuspects(ctx context.Context, leases []store.Lease) []store.Lease {
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

	slices.SortStableFunc(suspected, func(a, b store.Lease) int { return aloneOrder(a) - aloneOrder(b) })

	now := p.clock.Now()
	next := p.suspects.nextAlone()
	due := later(now.Add(aloneInterval), next)

	for i, lease := range suspected {
		if i == 0 && !now.Before(next) && p.startAlone(lease) {
			continue
		}

		p.giveBack(ctx, lease.LeaseRef, due)
	}

	return cleared
}

// aloneOrder sorts lanes to process alone: first the lanes that never were, since most of them ended no process; then by
// the number of starts, the highest first, so that the events that end the process reach the bound after each other.
func aloneOrder(lease store.Lease) int {
	if starts := lease.Work.Starts; starts > maxSharedStarts+1 {
		return -starts
	}

	return -1 << 20
}

// resetSharedStarts begins the count anew of lanes that cannot have reached it alone: several are over the bound at once.
// An earlier version, or a receiver that ended before it could process anything, counted them together. It returns the
// other lanes.
func (p *pool) resetSharedStarts(ctx context.Context, suspected []store.Lease) []store.Lease {
	isOver := func(lease store.Lease) bool { return lease.Work.Starts > maxStarts }

	over := 0

	for _, lease := range suspected {
		if isOver(lease) {
			over++
		}
	}

	p.suspects.resets = p.suspects.resets || over > 1
	if !p.suspects.resets {
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

// startAlone starts the lane to process alone. It reports false if another pool processes one.
func (p *pool) startAlone(lease store.Lease) bool {
	s := &p.suspects

	select {
	case s.slot <- struct{}{}:
	default:
		return false
	}

	p.log.Warn("event started without an outcome several times: it is processed alone",
		logevent.EventID, lease.Work.Event.ID, "starts", lease.Work.Starts)

	begin := make(chan struct{})
	ctx, l := p.activate(lease)

	s.mu.Lock()
	s.alone = true
	s.begin = begin
	s.mu.Unlock()

	p.lanes.Go(func() {
		defer p.release(l)
		defer p.endAlone()

		select {
		case <-begin:
		case <-ctx.Done():
			return
		}

		startedAt := p.clock.Now()
		p.processAlone(ctx, lease)
		p.pauseAlone(p.clock.Since(startedAt))
	})
	p.wake() // it may be alone already

	return true
}

// processAlone processes the head of a lane. The events after it need not be alone.
func (p *pool) processAlone(ctx context.Context, lease store.Lease) {
	if p.isStopping() {
		p.giveBack(ctx, lease.LeaseRef, p.clock.Now())
		return
	}

	if next := p.attempt(ctx, lease.LeaseRef, &lease.Work, leasedDue); next != nil {
		p.giveBack(ctx, lease.LeaseRef, p.clock.Now())
	}
}

func (p *pool) endAlone() {
	s := &p.suspects

	s.mu.Lock()
	s.alone = false
	s.begin = nil
	s.mu.Unlock()

	<-s.slot
}

// pauseAlone grants the other lanes the time that a lane was processed alone.
func (p *pool) pauseAlone(took time.Duration) {
	p.suspects.mu.Lock()
	defer p.suspects.mu.Unlock()

	p.suspects.pausedUntil = p.clock.Now().Add(max(took, aloneInterval))
}

// giveBack ends a lease without an attempt, so that the start does not count. The lane is due at the given time.
func (p *pool) giveBack(ctx context.Context, lease store.LeaseRef, due time.Time) {
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
