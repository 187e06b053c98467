// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	// maxProblems bounds the problems of a receiver that it shares. The others end with calls of its own only.
	maxProblems = 100
	// problemRenewal is the age at which a receiver stores its problem again: the schedule returns it for LevelTTL.
	problemRenewal = LevelTTL / 2
	// problemPace is the shortest time between two writes of a problem that calls meet again and again.
	problemPace = 10 * time.Second
)

// Problems shares between the receivers of a store what they found refused or unavailable, by the name of a scope or of an
// operation. A receiver stores its problem before it gives the event back. The next receiver whose call succeeds deletes the
// problem, and so the first receiver learns that it is over. Its own calls may not show that for hours: other receivers have
// processed the events that waited.
//
// A stored problem is a pause that has ended, so that it stops no call. It is safe for concurrent use.
type Problems struct {
	store store.Pauser // nil if no other receiver uses the store; it may hold problems from when others did
	clock clockwork.Clock

	mu      sync.Mutex
	own     map[string]*ownProblem
	stored  map[string]time.Time // by any receiver, with the time at which this one learned of it
	over    map[string]bool      // of those stored: a call of this receiver succeeded since
	pending bool                 // something was not stored or deleted yet
	sharing bool
}

// ownProblem is a problem that calls of this receiver met.
type ownProblem struct {
	failed   time.Time // the last call
	storedAt time.Time // zero if it has to be stored
	seen     time.Time // when the store last had it
}

func newProblems(pauser store.Pauser, clock clockwork.Clock, shared bool) *Problems {
	p := &Problems{
		clock:  clock,
		own:    map[string]*ownProblem{},
		stored: map[string]time.Time{},
		over:   map[string]bool{},
	}
	if shared {
		p.store = pauser
	}

	return p
}

// Failed records that a call of this receiver met a problem.
func (p *Problems) Failed(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()

	if p.store == nil {
		return
	}

	delete(p.over, name)

	now := p.clock.Now()

	problem := p.own[name]
	if problem == nil {
		if len(p.own) >= maxProblems {
			return
		}

		problem = &ownProblem{}
		p.own[name] = problem
	}

	problem.failed = now

	if now.Sub(problem.storedAt) >= problemPace { // another receiver may have deleted it before this call
		problem.storedAt = time.Time{}
		p.pending = true
	}
}

// Forget records that this receiver does not have a problem any more. It says nothing about others: a setting changed, or no
// event waits.
func (p *Problems) Forget(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()

	delete(p.own, name)
}

// Succeeded records that a problem is over, because a call of this receiver succeeded. The call began at the given time.
func (p *Problems) Succeeded(name string, began time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()

	if p.store == nil {
		return
	}

	if known, ok := p.stored[name]; ok && began.After(known) && !p.over[name] {
		p.over[name] = true
		p.pending = true
	}
}

// adopt takes over the problems in the store, which was asked for them at asked. It returns the problems of this receiver
// that are over according to calls of other receivers. It returns a problem repeatedly, until Forget is called for it.
func (p *Problems) adopt(pauses []store.Pause, asked time.Time) (over []string) {
	p.mu.Lock()
	defer p.mu.Unlock()

	if p.store == nil {
		return nil
	}

	now := p.clock.Now()
	stored := map[string]time.Time{}

	for _, pause := range pauses {
		if !isProblem(pause) {
			continue
		}

		name := strings.TrimPrefix(pause.Scope, store.ProblemPrefix)
		stored[name] = now

		if known, ok := p.stored[name]; ok {
			stored[name] = known
		}
	}

	for name, problem := range p.own {
		_, isStored := stored[name]

		switch {
		case isStored:
			problem.seen = asked
		case problem.storedAt.IsZero():
		case !problem.storedAt.Before(asked): // the store may have been read before
			stored[name] = p.stored[name]
		case problem.failed.After(problem.seen) || asked.Sub(problem.storedAt) >= LevelTTL:
			problem.storedAt = time.Time{} // deleted before the last call, or stored too long ago
		case len(pauses) < store.MaxPauses: // else there may be more
			over = append(over, name)
		}
	}

	for name := range p.over {
		if _, ok := stored[name]; !ok {
			delete(p.over, name)
		}
	}

	p.stored = stored

	return over
}

// Share stores and deletes problems for the other receivers. It makes no call while this receiver has no problem and knows of
// none that is over.
func (p *Problems) Share(ctx context.Context) error {
	if p.store == nil {
		return nil
	}

	found, over := p.begin()
	if len(found) == 0 && len(over) == 0 {
		return nil
	}

	defer p.end()

	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shareTimeout)
	defer cancel()

	var errs []error

	for _, name := range found {
		now := p.clock.Now()

		if err := p.store.SetPause(ctx, store.Pause{Scope: store.ProblemPrefix + name, Until: now}, now); err != nil {
			errs = append(errs, fmt.Errorf("store a problem for the other receivers: %w", err))
			continue
		}

		p.markStored(name)
	}

	for _, name := range over {
		if err := p.store.ClearPause(ctx, store.ProblemPrefix+name); err != nil {
			errs = append(errs, fmt.Errorf("delete a problem that is over: %w", err))
			continue
		}

		p.markDeleted(name)
	}

	return errors.Join(errs...)
}

// shareNew is Share, but makes no call if nothing has changed since the last one: it follows each call of the receiver.
func (p *Problems) shareNew(ctx context.Context) error {
	p.mu.Lock()
	pending := p.pending
	p.mu.Unlock()

	if !pending {
		return nil
	}

	return p.Share(ctx)
}

// begin returns what has to be stored and deleted. If that is anything, the caller calls end.
func (p *Problems) begin() (found, over []string) {
	p.mu.Lock()
	defer p.mu.Unlock()

	if p.sharing {
		return nil, nil
	}

	p.pending = false
	now := p.clock.Now()

	for name, problem := range p.own {
		_, isStored := p.stored[name]
		if problem.storedAt.IsZero() || isStored && now.Sub(problem.storedAt) >= problemRenewal {
			found = append(found, name)
		}
	}

	for name := range p.over {
		over = append(over, name)
	}

	p.sharing = len(found) > 0 || len(over) > 0

	return found, over
}

func (p *Problems) end() {
	p.mu.Lock()
	defer p.mu.Unlock()

	p.sharing = false
}

func (p *Problems) markStored(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()

	now := p.clock.Now()

	if problem := p.own[name]; problem != nil {
		problem.storedAt = now
		problem.seen = now
	}

	if _, ok := p.stored[name]; !ok {
		p.stored[name] = now
	}
}

func (p *Problems) markDeleted(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()

	delete(p.over, name)
	delete(p.stored, name)
}

// isProblem reports whether a stored pause is a problem.
func isProblem(pause store.Pause) bool { return strings.HasPrefix(pause.Scope, store.ProblemPrefix) }
