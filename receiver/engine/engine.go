// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package engine works through the inbox: it claims conversations, hands each message to the AI and sends the answer
// back, acts on statuses and reported errors, tells the sink, and decides what happens when something fails.
package engine

import (
	"context"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/bird"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/media"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/metrics"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/notice"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/tracing"
)

// Statuses and notices are worked beside the conversations, in places of their own: neither waits for the other.
const (
	statusPlaces = 32
	noticePlaces = 16
)

// Parts are what the engine works with. All are required.
type Parts struct {
	Store   store.Store
	Bird    *bird.Client
	Graph   *cloudapi.Client
	Media   *media.Spool
	Notices *notice.Sender
	Live    *config.Live
	Metrics *metrics.Metrics
	Tracer  *tracing.Tracer
	Clock   clockwork.Clock
	Log     *slog.Logger
}

// Engine is run once.
type Engine struct {
	Parts
	pools  []*pool
	pauses pauses
	turns  turns
	began  time.Time

	mu       sync.Mutex
	problems map[string]string // by operation: what the configuration has wrong
	token    health.TokenState // what Meta last said of the access token
}

// New returns an engine that Run starts.
func New(parts Parts) *Engine {
	e := &Engine{
		Parts:    parts,
		began:    parts.Clock.Now(),
		pauses:   pauses{byScope: map[string]store.Pause{}},
		turns:    turns{at: map[store.ID]time.Time{}},
		problems: map[string]string{},
		token:    health.TokenUnknown,
	}
	e.pools = []*pool{
		newPool(e, store.Conversations, func() int { return e.Live.Current().Processing.Concurrency }, e.converse),
		newPool(e, store.Statuses, func() int { return statusPlaces }, e.follow),
		newPool(e, store.Notices, func() int { return noticePlaces }, e.tell),
	}

	return e
}

// Wake makes the engine look for due work of the given classes at once. It never blocks.
func (e *Engine) Wake(classes ...store.Class) {
	for _, p := range e.pools {
		if slices.Contains(classes, p.class) {
			p.wakeUp()
		}
	}
}

// Run works until ctx ends, then takes nothing new, gives what is in hand drain to come to an end, and hands back the
// rest. It returns when nothing of it runs any more.
func (e *Engine) Run(ctx context.Context, drain time.Duration) {
	e.readPauses(ctx) // before anything is sent

	var parts sync.WaitGroup
	parts.Go(func() { e.watchPauses(ctx) })

	for _, p := range e.pools {
		parts.Go(func() { p.run(ctx, drain) })
	}

	parts.Wait()
}

// Token is what Meta last said of the access token, by the sends that were tried.
func (e *Engine) Token() health.TokenState {
	e.mu.Lock()
	defer e.mu.Unlock()

	return e.token
}

// noteSend is note for calls that carry the access token.
func (e *Engine) noteSend(err error) {
	e.note(opSend, err)
	e.mu.Lock()
	defer e.mu.Unlock()

	if err == nil {
		e.token = health.TokenAccepted
	} else if cloudapi.TokenRefused(failure.Of(err)) {
		e.token = health.TokenRefused
	}
}

// note keeps the account of one call's outcome.
func (e *Engine) note(op string, err error) {
	if err == nil {
		e.mu.Lock()
		delete(e.problems, op)
		e.mu.Unlock()

		return
	}

	f := failure.Of(err)
	e.Metrics.CallFailed(f)

	if f.Class == failure.Configuration {
		e.mu.Lock()
		e.problems[op] = f.Text
		e.mu.Unlock()
	}
}

// Problems says, by operation, what is wrong with the configuration, until a call of that operation succeeds.
func (e *Engine) Problems() map[string]string {
	e.mu.Lock()
	defer e.mu.Unlock()

	return maps.Clone(e.problems)
}

// random spreads retries.
func random() float64 { return rand.Float64() } //nolint:gosec // spreading retries needs no secrecy
