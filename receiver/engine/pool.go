// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logevent"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// claimBatch bounds how many lanes one claim takes, so that replicas share a backlog.
const claimBatch = 128

var errStopped = errors.New("the receiver is shutting down")

// pool works the lanes of one class, each in order, up to a number of them at a time.
type pool struct {
	engine  *Engine
	class   store.Class
	places  func() int
	attempt func(context.Context, *task) error
	wake    chan struct{}
	lanes   sync.WaitGroup

	mu       sync.Mutex
	active   map[string]*lane
	stopping bool
}

// lane is a lane in hand.
type lane struct {
	ref    store.LeaseRef
	cancel context.CancelCauseFunc
}

func newPool(e *Engine, class store.Class, places func() int, attempt func(context.Context, *task) error) *pool {
	return &pool{
		engine:  e,
		class:   class,
		places:  places,
		attempt: attempt,
		wake:    make(chan struct{}, 1),
		active:  map[string]*lane{},
	}
}

func (p *pool) wakeUp() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *pool) run(ctx context.Context, drain time.Duration) {
	e := p.engine

	work, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)

	renewer := make(chan struct{})
	go func() { defer close(renewer); p.renew(work) }()

	for ctx.Err() == nil {
		more, err := p.claim(ctx, work)
		if err != nil && ctx.Err() == nil {
			e.Log.Error("claim work", "class", p.class, "error", err)
		}

		if more {
			continue
		}

		timer := e.Clock.NewTimer(e.Live.Current().Processing.Poll)
		select {
		case <-ctx.Done():
		case <-p.wake:
		case <-timer.Chan():
		}

		timer.Stop()
	}

	p.mu.Lock()
	p.stopping = true
	p.mu.Unlock()

	timer := e.Clock.AfterFunc(drain, func() { cancel(errStopped) })

	p.lanes.Wait()
	timer.Stop()
	cancel(errStopped)
	<-renewer
}

// claim takes due lanes for the free places and tells whether there may be more for the places still free.
func (p *pool) claim(ctx, work context.Context) (more bool, err error) {
	e := p.engine
	p.mu.Lock()
	limit := min(p.places()-len(p.active), claimBatch)
	p.mu.Unlock()

	if limit <= 0 {
		return false, nil // a lane that ends wakes the loop
	}

	now := e.Clock.Now()

	leases, err := e.Store.Claim(ctx, p.class, now, now.Add(e.Live.Current().Processing.Lease), limit)
	if err != nil {
		return false, err
	}

	for _, lease := range leases {
		laneCtx, cancel := context.WithCancelCause(work)
		l := &lane{ref: lease.LeaseRef, cancel: cancel}

		p.mu.Lock()
		p.active[lease.Lane] = l
		p.mu.Unlock()
		p.lanes.Go(func() {
			defer p.left(l)

			p.work(laneCtx, lease)
		})
	}

	return len(leases) == limit, nil
}

func (p *pool) left(l *lane) {
	l.cancel(nil)
	p.mu.Lock()
	if p.active[l.ref.Lane] == l {
		delete(p.active, l.ref.Lane)
	}
	p.mu.Unlock()
	p.wakeUp()
}

// renew keeps the leases of the lanes in hand, and stops the work on those that were lost.
func (p *pool) renew(ctx context.Context) {
	e := p.engine
	for {
		timer := e.Clock.NewTimer(e.Live.Current().Processing.Lease / 3)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.Chan():
		}

		p.mu.Lock()

		refs := make([]store.LeaseRef, 0, len(p.active))
		for _, l := range p.active {
			refs = append(refs, l.ref)
		}
		p.mu.Unlock()

		if len(refs) == 0 {
			continue
		}

		lost, err := e.Store.Renew(ctx, refs, e.Clock.Now().Add(e.Live.Current().Processing.Lease))
		if err != nil {
			if ctx.Err() == nil {
				e.Log.Error("renew leases", "class", p.class, "error", err)
			}

			continue
		}

		p.mu.Lock()
		for _, ref := range lost {
			if l := p.active[ref.Lane]; l != nil && l.ref == ref {
				l.cancel(store.ErrLeaseLost)
			}
		}
		p.mu.Unlock()
	}
}

func (p *pool) isStopping() bool {
	p.mu.Lock()
	defer p.mu.Unlock()

	return p.stopping
}

// work goes through the events of a claimed lane, in order, until none is due or the lane is lost.
func (p *pool) work(ctx context.Context, lease store.Lease) {
	e := p.engine
	for work := &lease.Work; work != nil; {
		if p.isStopping() {
			if err := e.Store.Release(context.WithoutCancel(ctx), lease.LeaseRef, e.Clock.Now()); err != nil && !errors.Is(err, store.ErrLeaseLost) {
				e.Log.Error("hand back work", "class", p.class, "error", err)
			}

			return
		}

		t := &task{
			lease:    lease.LeaseRef,
			work:     work,
			settings: e.Live.Current(),
			end:      store.Done,
		}

		err := p.attempt(ctx, t)
		if errors.Is(err, store.ErrLeaseLost) || errors.Is(context.Cause(ctx), store.ErrLeaseLost) {
			e.Log.Warn("lease lost to another receiver", logevent.Key, logevent.LeaseLost, logevent.EventID, work.Event.ID)
			return
		}

		step := e.settle(ctx, t, err)

		next, err := e.record(ctx, t, step)
		if errors.Is(err, store.ErrLeaseLost) {
			e.Log.Warn("lease lost to another receiver", logevent.Key, logevent.LeaseLost, logevent.EventID, work.Event.ID)
			return
		}

		if err != nil {
			e.Log.Error("record the end of an attempt", logevent.EventID, work.Event.ID, "error", err)
			return
		}

		if len(step.Emit) > 0 {
			e.Wake(store.Notices)
		}

		if step.Resend != nil {
			e.Wake(store.Conversations)
		}

		e.report(t, step.Outcome)

		work = next
	}
}
