// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package gate decides by scope which calls may be made now. A scope is an app, a business account, a phone number, a
// conversation, the AI, or a method of the AI. The gate holds the pauses of rate limits, which all receivers of a store
// share, the throughput of phone numbers, the circuit breakers of Meta and the AI, the rate that the AI accepts, and refused
// credentials.
//
// A closed scope opens for one call at a time after its period: a probe. The result of the probe opens the scope or
// closes it for another period. The results of calls that began before a scope was closed neither open it nor keep it
// closed for longer. A scope that has no event to probe it opens once another receiver of the store made such a call.
package gate

import (
	"log/slog"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	// maxScopes bounds the scopes that the gate remembers. Beyond it, open scopes are forgotten.
	maxScopes = 10_000
	// probeRetryDelay is the wait of a call while another one probes.
	probeRetryDelay = time.Second
)

// Dependencies are the dependencies of the gate. All are required.
type Dependencies struct {
	Pauses store.Pauser
	// Shared reports whether other receivers may use the store.
	Shared bool
	Live   *config.Live
	Clock  clockwork.Clock
	Log    *slog.Logger
	// Opened is called, without a lock, when a scope opens or the settings of a target change.
	Opened func()
}

// Gate decides what may be called now. It is safe for concurrent use.
type Gate struct {
	Dependencies
	problems *Problems

	mu       sync.Mutex
	settings *config.Snapshot // of the states
	states   map[string]*state
	pacers   map[string]*pacer      // the rate that the AI accepts, by circuit
	numbers  map[string]*throughput // of phone numbers, by scope
	queues   map[string]bool        // the scopes for whose throughput or rate events wait
	media    places
	reserved map[string]*reservation
	opened   bool // a scope opened since the lock was taken
}

// New returns a gate whose scopes are all open.
func New(dependencies Dependencies) *Gate {
	return &Gate{
		Dependencies: dependencies,
		problems:     newProblems(dependencies.Pauses, dependencies.Clock, dependencies.Shared),
		settings:     dependencies.Live.Current(),
		states:       map[string]*state{},
		pacers:       map[string]*pacer{},
		numbers:      map[string]*throughput{},
		queues:       map[string]bool{},
		reserved:     map[string]*reservation{},
	}
}

// Problems returns what the receivers of the store share about scopes and operations.
func (g *Gate) Problems() *Problems { return g.problems }

// Check reports whether the scopes of a call are open, or returns the scope that is closed. It lets no call through: use
// it before work that a later call would waste.
func (g *Gate) Check(call Call) *Closed {
	g.mu.Lock()
	defer g.unlock()

	g.applySettings()

	return g.closed(call, g.Clock.Now())
}

// Enter lets a call through, or returns the scope that is closed. The caller ends the permit with Done or Cancel.
func (g *Gate) Enter(call Call, event store.ID) (*Permit, *Closed) {
	g.mu.Lock()
	defer g.unlock()

	g.applySettings()

	now := g.Clock.Now()
	if closed := g.closed(call, now); closed != nil {
		return nil, closed
	}

	if closed := g.takeThroughput(call, now); closed != nil {
		return nil, closed
	}

	g.useReservation(call)

	permit := &Permit{
		gate:  g,
		call:  call,
		event: event,
		began: now,
	}
	for _, name := range call.names {
		if s := g.states[name]; s != nil && s.closed && !call.passes(s) {
			s.probing = true

			permit.probes = append(permit.probes, name)
		}
	}

	if call.Target == AI {
		permit.pacer = g.pacer(call.circuit())
		permit.pacer.inFlight++
	}

	return permit, nil
}

// Admit returns how many of the events that wait for a scope, at most want, may be processed now. If that is none, next is
// the earliest time to ask again. Their calls are reserved for a moment.
func (g *Gate) Admit(name string, want int) (n int, next time.Time) {
	g.mu.Lock()
	defer g.unlock()

	g.applySettings()

	now := g.Clock.Now()
	if s := g.states[name]; s != nil && s.closed {
		if wait := s.wait(now); wait > 0 {
			return 0, now.Add(wait)
		}

		return g.reserve(name, min(want, 1), now)
	}

	limit := g.limiterOf(name, kindOf(name), now)
	if limit == nil {
		return want, now
	}

	free, wait := limit.available(now)
	if free == 0 {
		return 0, now.Add(wait)
	}

	return g.reserve(name, min(want, free), now)
}

// Enqueue records that an event waits for the scope of a refusal: later events wait behind it.
func (g *Gate) Enqueue(c *Closed) {
	if c.Reason != Throughput {
		return
	}

	g.mu.Lock()
	defer g.mu.Unlock()

	if len(g.queues) < maxScopes {
		g.queues[c.Scope.Name] = true
	}
}

// EndWait records that no event waits for a scope any more, so that new events need not queue. A refused method opens:
// only waiting events probe it.
func (g *Gate) EndWait(name string) {
	g.mu.Lock()
	defer g.unlock()

	delete(g.queues, name)
	delete(g.reserved, name)

	s := g.states[name]
	if s != nil && s.closed && !s.probing && s.kind == failure.ScopeAIMethod && s.reason == Refused {
		g.open(name, s)
	}
}

// AnsweredSince reports whether the target of a call has answered any call successfully since a time. If it has, a failure concerns one
// event and is not an outage.
func (g *Gate) AnsweredSince(call Call, since time.Time) bool {
	g.mu.Lock()
	defer g.unlock()

	s := g.states[call.circuit()]

	return s != nil && s.lastSuccess.After(since)
}

// RefusesAll reports whether the AI may refuse all messages: the method is the basic method, and the AI has answered no call of
// it since a time.
func (g *Gate) RefusesAll(method string, since time.Time) bool {
	g.mu.Lock()
	defer g.unlock()

	s := g.states[method]

	return method == basicMethod && (s == nil || !s.lastSuccess.After(since))
}

// TakesOthers reports whether the AI has answered a call of a method and is not known to refuse the method since, so that a refusal
// concerns one event.
func (g *Gate) TakesOthers(call Call) bool {
	g.mu.Lock()
	defer g.unlock()

	s := g.states[call.Method()]

	return s != nil && !s.closed && !s.lastSuccess.IsZero()
}

// WaitAfter returns the scope that an event waits for after a failed call, or nil if the failure concerns the event alone.
func (g *Gate) WaitAfter(call Call, event store.ID, f *failure.Error) *Closed {
	if len(call.Scopes) == 0 {
		return nil
	}

	g.mu.Lock()
	defer g.unlock()

	now := g.Clock.Now()
	call.Queued = true // with the other events that were refused

	if closed := g.closed(call, now); closed != nil {
		return closed
	}

	if f.Class != failure.RateLimited || call.Target != AI || g.pacer(call.circuit()).isEventLimit(event, now) {
		return nil
	}

	return &Closed{
		Scope:  call.Scopes[0],
		Reason: Throughput,
		Until:  now,
		Code:   f.Code,
		Cause:  f.Text,
	}
}

// closed returns the first scope of a call that is closed. The caller holds the lock.
func (g *Gate) closed(call Call, now time.Time) *Closed {
	for _, name := range call.names {
		s := g.states[name]
		if s == nil || !s.closed || call.passes(s) {
			continue
		}

		if wait := s.wait(now); wait > 0 {
			return s.refusal(name, now.Add(wait))
		}
	}

	return nil
}

// state returns the state of a scope, which it creates if needed. The caller holds the lock.
func (g *Gate) state(name string) *state {
	s := g.states[name]
	if s == nil {
		if len(g.states) >= maxScopes {
			g.forgetOpen()
		}

		s = &state{kind: kindOf(name)}
		g.states[name] = s
	}

	return s
}

// forgetOpen removes the states of scopes that are open. The caller holds the lock.
func (g *Gate) forgetOpen() {
	for name, s := range g.states {
		if !s.closed {
			delete(g.states, name)
		}
	}
}
