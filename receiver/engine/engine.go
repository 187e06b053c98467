// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package engine works through the inbox: it claims conversations, hands each message to the AI and sends the answer
// back, and decides what happens when something fails.
package engine

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/bird"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/metrics"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// claimBatch bounds how many conversations one claim takes, so that replicas share a backlog.
const claimBatch = 128

var errStopped = errors.New("the receiver is shutting down")

// Parts are what the engine works with. All are required.
type Parts struct {
	Store   store.Store
	Bird    *bird.Client
	Graph   *whatsapp.Client
	Live    *config.Live
	Metrics *metrics.Metrics
	Clock   clockwork.Clock
	Log     *slog.Logger
}

// Engine is run once.
type Engine struct {
	Parts
	wake  chan struct{}
	lanes sync.WaitGroup

	mu       sync.Mutex
	active   map[string]*lane // by conversation
	stopping bool
	problems map[string]string // by operation: what the configuration has wrong
}

// lane is a conversation in hand.
type lane struct {
	ref    store.LeaseRef
	cancel context.CancelCauseFunc
}

// New returns an engine that Run starts.
func New(parts Parts) *Engine {
	return &Engine{Parts: parts, wake: make(chan struct{}, 1), active: map[string]*lane{}, problems: map[string]string{}}
}

// Wake makes the engine look for due work at once. It never blocks.
func (e *Engine) Wake() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// Run works until ctx ends, then takes nothing new, gives what is in hand drain to come to an end, and hands back the
// rest. It returns when nothing of it runs any more.
func (e *Engine) Run(ctx context.Context, drain time.Duration) {
	work, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	renewer := make(chan struct{})
	go func() { defer close(renewer); e.renew(work) }()

	for ctx.Err() == nil {
		wait := e.Live.Now().Processing.Poll
		more, err := e.claim(ctx, work)
		if err != nil && ctx.Err() == nil {
			e.Log.Error("claim conversations", "error", err)
		}
		if more {
			continue
		}
		timer := e.Clock.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-e.wake:
		case <-timer.Chan():
		}
		timer.Stop()
	}

	e.mu.Lock()
	e.stopping = true
	e.mu.Unlock()
	timer := e.Clock.AfterFunc(drain, func() { cancel(errStopped) })
	e.lanes.Wait()
	timer.Stop()
	cancel(errStopped)
	<-renewer
}

// claim takes due conversations for the free places and tells whether there may be more for the places still free.
func (e *Engine) claim(ctx, work context.Context) (more bool, err error) {
	settings := e.Live.Now().Processing
	e.mu.Lock()
	limit := min(settings.Concurrency-len(e.active), claimBatch)
	e.mu.Unlock()
	if limit <= 0 {
		return false, nil // a lane that ends wakes the loop
	}
	now := e.Clock.Now()
	leases, err := e.Store.Claim(ctx, now, now.Add(settings.Lease), limit)
	if err != nil {
		return false, err
	}
	for _, lease := range leases {
		laneCtx, cancel := context.WithCancelCause(work)
		l := &lane{ref: lease.LeaseRef, cancel: cancel}
		e.mu.Lock()
		e.active[lease.Lane] = l
		e.mu.Unlock()
		e.lanes.Go(func() {
			defer e.left(l)
			e.run(laneCtx, lease)
		})
	}
	return len(leases) == limit, nil
}

func (e *Engine) left(l *lane) {
	l.cancel(nil)
	e.mu.Lock()
	if e.active[l.ref.Lane] == l {
		delete(e.active, l.ref.Lane)
	}
	e.mu.Unlock()
	e.Wake()
}

// renew keeps the leases of the lanes in hand, and stops the work on those that were lost.
func (e *Engine) renew(ctx context.Context) {
	for {
		timer := e.Clock.NewTimer(e.Live.Now().Processing.Lease / 3)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.Chan():
		}
		e.mu.Lock()
		refs := make([]store.LeaseRef, 0, len(e.active))
		for _, l := range e.active {
			refs = append(refs, l.ref)
		}
		e.mu.Unlock()
		if len(refs) == 0 {
			continue
		}
		lost, err := e.Store.Renew(ctx, refs, e.Clock.Now().Add(e.Live.Now().Processing.Lease))
		if err != nil {
			if ctx.Err() == nil {
				e.Log.Error("renew leases", "error", err)
			}
			continue
		}
		e.mu.Lock()
		for _, ref := range lost {
			if l := e.active[ref.Lane]; l != nil && l.ref == ref {
				l.cancel(store.ErrLeaseLost)
			}
		}
		e.mu.Unlock()
	}
}

func (e *Engine) isStopping() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.stopping
}

// Problems says, by operation, what is wrong with the configuration, until a call of that operation succeeds.
func (e *Engine) Problems() map[string]string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return maps.Clone(e.problems)
}

// random spreads retries.
func random() float64 { return rand.Float64() } //nolint:gosec // spreading retries needs no secrecy
