// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package engine processes stored events: it claims lanes, asks the AI about each message and sends the answer, handles
// statuses and reported errors, sends notices to the sink, and decides what happens after a failure.
package engine

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/gate"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/handoff"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logsample"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/media"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/metrics"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/notice"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/tracing"
)

// Statuses and notices have their own pools, so that they neither delay conversations nor wait for them.
const (
	statusCapacity = 32
	noticeCapacity = 16
)

// Dependencies are the dependencies of the engine. All are required.
type Dependencies struct {
	Store     store.Store
	Assistant *assistant.Client
	Graph     *cloudapi.Client
	Media     *media.Spool
	Notices   *notice.Sender
	Desk      *handoff.Client
	Live      *config.Live
	Metrics   *metrics.Metrics
	Tracer    *tracing.Tracer
	Clock     clockwork.Clock
	Log       *slog.Logger
}

// Engine processes the events of the store. Run it once.
type Engine struct {
	Dependencies
	pools     []*pool // by class
	gate      *gate.Gate
	calls     callHealth
	optional  optionalMethods
	deskCalls chan struct{} // holds an element for each call to the desk
	shared    sharedFiles

	deskFailures loneFailures
	sinkFailures loneFailures

	startedAt time.Time
	outage    storeOutage
	unread    unreadEvents
	// scheduleAsked makes followSchedule read the schedule before the next poll.
	scheduleAsked chan struct{}
	// sampled is the log of messages that an outage repeats for each event.
	sampled *slog.Logger
}

// New returns an engine that Run starts.
func New(dependencies Dependencies) *Engine {
	e := &Engine{
		Dependencies:  dependencies,
		startedAt:     dependencies.Clock.Now(),
		scheduleAsked: make(chan struct{}, 1),
		deskCalls:     make(chan struct{}, maxDeskCalls),
		sampled:       slog.New(logsample.New(dependencies.Log.Handler(), dependencies.Clock)),
		calls: callHealth{
			problems: map[string]problem{},
			token:    health.TokenUnknown,
		},
	}

	e.gate = gate.New(gate.Dependencies{
		Pauses: dependencies.Store,
		Shared: dependencies.Live.Current().Store.PostgreSQL != nil,
		Live:   dependencies.Live,
		Clock:  dependencies.Clock,
		Log:    dependencies.Log,
		Opened: func() { e.Wake(classes...) },
	})

	concurrency := func() int { return e.Live.Current().Processing.Concurrency }
	slot := newSlot()
	e.pools = []*pool{
		e.newPool(store.Conversations, concurrency, slot, e.processConversation),
		e.newPool(store.Statuses, func() int { return statusCapacity }, slot, e.processStatus),
		e.newPool(store.Notices, func() int { return noticeCapacity }, slot, e.processNotice),
	}

	return e
}

// classes are the classes of work, in the order of the pools.
var classes = []store.Class{store.Conversations, store.Statuses, store.Notices}

// poolOf returns the index of the pool that processes a class.
func poolOf(class store.Class) int { return slices.Index(classes, class) }

// Closed returns the scopes that are closed.
func (e *Engine) Closed() []gate.State { return e.gate.Snapshot() }

// Rates returns how many messages each phone number sends.
func (e *Engine) Rates() []gate.Rate { return e.gate.Rates() }

// Busy reports whether an event is processed now, for tests and tools.
func (e *Engine) Busy() bool {
	return slices.ContainsFunc(e.pools, (*pool).busy)
}

// Wake makes the engine claim due lanes of the given classes at once. It never blocks.
func (e *Engine) Wake(classes ...store.Class) {
	for _, p := range e.pools {
		if slices.Contains(classes, p.class) {
			p.wake()
		}
	}
}

// Run processes events until ctx ends. It then claims nothing new, gives running attempts the time that drain returns, and
// releases the remaining leases. It returns when all its goroutines have ended.
func (e *Engine) Run(ctx context.Context, drain func() time.Duration) {
	e.readSchedule(ctx) // with the pauses, before anything is sent

	var running sync.WaitGroup
	running.Go(func() { e.followSchedule(ctx) })

	for _, p := range e.pools {
		running.Go(func() { p.run(ctx, drain) })
	}

	running.Wait()
}

// random returns the jitter of a retry, from [0, 1).
func random() float64 { return rand.Float64() } //nolint:gosec // jitter needs no secrecy
