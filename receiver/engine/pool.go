// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/gate"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/metrics"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

var errStopped = errors.New("the receiver is shutting down")

// process makes one attempt at the head of a leased lane and records its outcome. It returns the next due event of the
// lane, nil if there is none.
type process func(context.Context, head) (*store.Work, error)

// pool processes the lanes of one class, the events of each lane in order, and up to capacity lanes at a time.
type pool struct {
	class    store.Class
	capacity func() int
	process  process
	store    store.Store
	gate     *gate.Gate
	live     *config.Live
	clock    clockwork.Clock
	metrics  *metrics.Metrics
	log      *slog.Logger // sampled
	woken    chan struct{}
	// askSchedule makes the engine read the schedule soon. It never blocks.
	askSchedule func()
	lanes       sync.WaitGroup
	isolation   isolation

	mu        sync.Mutex
	work      context.Context // of the attempts; nil before the pool runs
	active    map[string]*activeLane
	reserved  int  // lanes that an ingest or a claim under way may lease
	backlog   bool // lanes may be due for which there was no capacity
	stopping  bool
	renewedAt time.Time       // when the leases of all active lanes were renewed
	claims    bool            // lanes may be due: a claim was asked for
	nextDue   time.Time       // when a lane is due next; zero if none is known
	scopes    map[string]bool // for which lanes wait
}

// activeLane is a lane that this pool has leased.
type activeLane struct {
	ref    store.LeaseRef
	cancel context.CancelCauseFunc
}

func (e *Engine) newPool(class store.Class, capacity func() int, slot chan struct{}, process process) *pool {
	return &pool{
		class:     class,
		capacity:  capacity,
		process:   process,
		store:     e.Store,
		gate:      e.gate,
		live:      e.Live,
		clock:     e.Clock,
		metrics:   e.Metrics,
		log:       e.sampled,
		isolation: isolation{slot: slot},
		woken:     make(chan struct{}, 1),
		askSchedule: func() {
			select {
			case e.scheduleAsked <- struct{}{}:
			default:
			}
		},
		active: map[string]*activeLane{},
		scopes: map[string]bool{},
	}
}

func (p *pool) run(ctx context.Context, drain func() time.Duration) {
	work, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)

	p.mu.Lock()
	p.work = work
	p.mu.Unlock()

	var renewal sync.WaitGroup
	renewal.Go(func() { p.renewLeases(work) })

	p.wake() // for the lanes that are due at the start

	for ctx.Err() == nil {
		more, err := p.claimDue(ctx)
		if err != nil && ctx.Err() == nil {
			p.log.Error("claiming lanes failed", "class", p.class, "error", err)
		}

		if more {
			continue
		}

		next, err := p.claimWaiting(ctx)
		if err != nil && ctx.Err() == nil {
			p.log.Error("claiming waiting lanes failed", "class", p.class, "error", err)
		}

		p.waitForWork(ctx, next)
	}

	p.mu.Lock()
	p.stopping = true
	p.mu.Unlock()
	p.isolation.stopIsolation()

	timer := p.clock.AfterFunc(drain(), func() { cancel(errStopped) })

	p.lanes.Wait()
	timer.Stop()
	cancel(errStopped)
	renewal.Wait()
}

// busy reports whether lanes are claimed or processed.
func (p *pool) busy() bool {
	p.mu.Lock()
	defer p.mu.Unlock()

	return p.reserved > 0 || len(p.active) > 0
}

// leaseReason is why a lane was leased.
type leaseReason int

const (
	leasedDue      leaseReason = iota
	leasedWaiting              // for a scope that may be open
	leasedArriving             // the lane was idle, and one event arrived
)

// start processes claimed lanes.
func (p *pool) start(ctx context.Context, leases []store.Lease, from leaseReason) {
	for _, lease := range p.withoutIsolated(ctx, leases) {
		p.startLane(lease, from)
	}
}

// startLane processes a leased lane in its own goroutine.
func (p *pool) startLane(lease store.Lease, from leaseReason) {
	ctx, l := p.activate(lease)

	p.lanes.Go(func() {
		defer p.release(l)

		p.processLane(ctx, lease, from)
	})
}

// activate takes capacity for a lane, and returns the context of its attempts.
func (p *pool) activate(lease store.Lease) (context.Context, *activeLane) {
	p.mu.Lock()
	defer p.mu.Unlock()

	ctx, cancel := context.WithCancelCause(p.work)
	l := &activeLane{ref: lease.LeaseRef, cancel: cancel}
	p.active[lease.Lane] = l

	return ctx, l
}

// release frees the capacity that a lane took.
func (p *pool) release(l *activeLane) {
	l.cancel(nil)

	p.free(func() {
		if p.active[l.ref.Lane] == l {
			delete(p.active, l.ref.Lane)
		}
	})
}

// free frees capacity, and makes the pool look again if something waits for it.
func (p *pool) free(capacity func()) {
	p.mu.Lock()
	wasFull := p.freeCapacity() <= 0

	capacity()

	isAwaited := wasFull || p.claims || len(p.scopes) > 0 || p.isolation.isIsolating()
	p.mu.Unlock()

	if isAwaited {
		p.signal()
	}
}

func (p *pool) isStopping() bool {
	p.mu.Lock()
	defer p.mu.Unlock()

	return p.stopping
}

// processLane processes the events of a leased lane in order, until none is due, an attempt cannot be recorded, the lease
// is lost, or the pool stops.
func (p *pool) processLane(ctx context.Context, lease store.Lease, from leaseReason) {
	for work := &lease.Work; work != nil; {
		if p.isStopping() {
			p.releaseLease(ctx, lease.LeaseRef, p.clock.Now())
			return
		}

		work = p.attempt(ctx, lease.LeaseRef, work, from)
		from = leasedDue
	}
}
