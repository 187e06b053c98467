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
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/metrics"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// maxClaim bounds the lanes of one claim, so that replicas share a backlog.
const maxClaim = 128

var errStopped = errors.New("the receiver is shutting down")

// process makes one attempt at the head of a leased lane and records its outcome. It returns the next due event of the
// lane, nil if there is none.
type process func(context.Context, store.LeaseRef, *store.Work) (*store.Work, error)

// pool processes the lanes of one class, the events of each lane in order, and up to capacity lanes at a time.
type pool struct {
	class    store.Class
	capacity func() int
	process  process
	store    store.Store
	live     *config.Live
	clock    clockwork.Clock
	metrics  *metrics.Metrics
	log      *slog.Logger
	woken    chan struct{}
	lanes    sync.WaitGroup
	suspects suspects

	mu       sync.Mutex
	active   map[string]*activeLane
	stopping bool
}

// activeLane is a lane that this pool has leased.
type activeLane struct {
	ref    store.LeaseRef
	cancel context.CancelCauseFunc
}

func newPool(parts Parts, class store.Class, capacity func() int, turn chan struct{}, process process) *pool {
	return &pool{
		class:    class,
		capacity: capacity,
		process:  process,
		store:    parts.Store,
		live:     parts.Live,
		clock:    parts.Clock,
		metrics:  parts.Metrics,
		log:      parts.Log,
		woken:    make(chan struct{}, 1),
		suspects: suspects{turn: turn},
		active:   map[string]*activeLane{},
	}
}

func (p *pool) wake() {
	select {
	case p.woken <- struct{}{}:
	default:
	}
}

func (p *pool) run(ctx context.Context, drain time.Duration) {
	work, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)

	var renewal sync.WaitGroup
	renewal.Go(func() { p.renewLeases(work) })

	for ctx.Err() == nil {
		more, err := p.claim(ctx, work)
		if err != nil && ctx.Err() == nil {
			p.log.Error("claim lanes", "class", p.class, "error", err)
		}

		if !more {
			p.waitForWork(ctx)
		}
	}

	p.mu.Lock()
	p.stopping = true
	p.mu.Unlock()
	p.suspects.stopAlone()

	timer := p.clock.AfterFunc(drain, func() { cancel(errStopped) })

	p.lanes.Wait()
	timer.Stop()
	cancel(errStopped)
	renewal.Wait()
}

// waitForWork returns on a wake-up, at the next poll, or when ctx ends.
func (p *pool) waitForWork(ctx context.Context) {
	timer := p.clock.NewTimer(p.live.Current().Processing.Poll)
	defer timer.Stop()

	select {
	case <-ctx.Done():
	case <-p.woken:
	case <-timer.Chan():
	}
}

// claim leases due lanes up to the free capacity. It reports whether more lanes may be due and capacity is left.
func (p *pool) claim(ctx, work context.Context) (more bool, err error) {
	if p.isAlone() {
		return false, nil // the end of a lane wakes the loop
	}

	p.mu.Lock()
	limit := min(p.capacity()-len(p.active), maxClaim)
	p.mu.Unlock()

	if limit <= 0 {
		return false, nil // the next released lane wakes the loop
	}

	now := p.clock.Now()

	leases, err := p.store.Claim(ctx, p.class, now, now.Add(p.live.Current().Processing.Lease), limit)
	if err != nil {
		return false, err
	}

	for _, lease := range p.withoutSuspects(ctx, work, leases) {
		laneCtx, l := p.activate(work, lease)
		p.lanes.Go(func() {
			defer p.release(l)

			p.processLane(laneCtx, lease)
		})
	}

	return len(leases) == limit, nil
}

// activate takes capacity for a lane, and returns the context of its attempts.
func (p *pool) activate(work context.Context, lease store.Lease) (context.Context, *activeLane) {
	ctx, cancel := context.WithCancelCause(work)
	l := &activeLane{ref: lease.LeaseRef, cancel: cancel}

	p.mu.Lock()
	defer p.mu.Unlock()

	p.active[lease.Lane] = l

	return ctx, l
}

// release frees the capacity that a lane took.
func (p *pool) release(l *activeLane) {
	l.cancel(nil)

	p.mu.Lock()
	if p.active[l.ref.Lane] == l {
		delete(p.active, l.ref.Lane)
	}
	p.mu.Unlock()

	p.wake()
}

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

func (p *pool) isStopping() bool {
	p.mu.Lock()
	defer p.mu.Unlock()

	return p.stopping
}

// processLane processes the events of a leased lane in order, until none is due, an attempt cannot be recorded, the lease
// is lost, or the pool stops.
func (p *pool) processLane(ctx context.Context, lease store.Lease) {
	for work := &lease.Work; work != nil; {
		if p.isStopping() {
			p.giveBack(ctx, lease.LeaseRef, p.clock.Now())
			return
		}

		work = p.attempt(ctx, lease.LeaseRef, work)
	}
}
