// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	maxLevel = 12
	// levelMemory is how long after its end a pause still counts when the next one is measured.
	levelMemory = time.Hour
	maxPause    = time.Hour
	pausesEvery = time.Second
)

// pauses are the scopes that Meta limits, as the store has them, so that all receivers hold back together.
type pauses struct {
	mu      sync.RWMutex
	byScope map[string]store.Pause
}

// none tells that nothing was limited lately, which is nearly always.
func (p *pauses) none() bool {
	p.mu.RLock()
	defer p.mu.RUnlock()

	return len(p.byScope) == 0
}

// until returns the end of the longest pause among the scopes.
func (p *pauses) until(scopes map[failure.Scope]string) time.Time {
	p.mu.RLock()
	defer p.mu.RUnlock()

	var until time.Time
	for _, scope := range scopes {
		if pause, ok := p.byScope[scope]; ok && pause.Until.After(until) {
			until = pause.Until
		}
	}

	return until
}

func (p *pauses) level(scope string) (int, bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()

	pause, ok := p.byScope[scope]

	return pause.Level, ok
}

func (p *pauses) put(pause store.Pause) {
	p.mu.Lock()
	defer p.mu.Unlock()

	p.byScope[pause.Scope] = pause
}

// readPauses learns of the pauses of all receivers.
func (e *Engine) readPauses(ctx context.Context) {
	list, err := e.Store.Pauses(ctx, e.Clock.Now().Add(-levelMemory))
	if err != nil {
		if ctx.Err() == nil {
			e.Log.Error("read the pauses of limited scopes", "error", err)
		}

		return
	}

	byScope := make(map[string]store.Pause, len(list))
	for _, pause := range list {
		byScope[pause.Scope] = pause
	}

	e.pauses.mu.Lock()
	e.pauses.byScope = byScope
	e.pauses.mu.Unlock()
}

// watchPauses keeps them current until ctx ends.
func (e *Engine) watchPauses(ctx context.Context) {
	for {
		timer := e.Clock.NewTimer(pausesEvery)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.Chan():
			e.readPauses(ctx)
		}
	}
}

// scopes names what a send from number to the person of lane belongs to, from the widest to the narrowest.
func scopes(wabaID, number, lane string) map[failure.Scope]string {
	return map[failure.Scope]string{
		failure.ScopeApp:             "app",
		failure.ScopeBusinessAccount: "business_account:" + wabaID,
		failure.ScopeNumber:          "number:" + number,
		failure.ScopePair:            "pair:" + lane,
		failure.ScopeRecipient:       "pair:" + lane, // a receiver knows a recipient as the person of a conversation
	}
}

func (t *task) scopes() map[failure.Scope]string {
	return scopes(t.item.WABAID, t.number(), t.lease.Lane)
}

// hold pauses the scope of a limit, longer each time it is hit again, and returns when it ends. The base delay of
// retries grows by four for a person's own limit, as Meta advises for 131056, and by two for wider ones; what the server
// asked for wins.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/about-the-platform
func (e *Engine) hold(ctx context.Context, scopes map[failure.Scope]string, f *failure.Error) (time.Time, error) {
	scope, ok := scopes[f.Scope]
	if !ok {
		return e.Clock.Now().Add(max(f.RetryAfter, time.Minute)), nil
	}

	level := 0
	if last, again := e.pauses.level(scope); again {
		level = min(last+1, maxLevel)
	}

	factor := 2
	if f.Scope == failure.ScopePair || f.Scope == failure.ScopeRecipient {
		factor = 4
	}

	wait := e.Live.Current().Processing.Retry.BaseDelay
	for range level {
		wait = min(wait*time.Duration(factor), maxPause)
	}

	if f.RetryAfter > 0 {
		wait = f.RetryAfter
	}

	pause := store.Pause{
		Scope: scope,
		Until: e.Clock.Now().Add(wait),
		Level: level,
		Code:  f.Code,
	}
	err := e.Store.SetPause(context.WithoutCancel(ctx), pause, e.Clock.Now())
	e.pauses.put(pause) // this receiver at least holds back

	if err != nil {
		return pause.Until, fmt.Errorf("pause a limited scope: %w", err)
	}

	return pause.Until, nil
}

// freed forgets the pauses of scopes in which a send has just succeeded.
func (e *Engine) freed(ctx context.Context, t *task) {
	if e.pauses.none() {
		return
	}

	for _, scope := range t.scopes() {
		if _, was := e.pauses.level(scope); !was {
			continue
		}

		e.pauses.mu.Lock()
		delete(e.pauses.byScope, scope)
		e.pauses.mu.Unlock()

		if err := e.Store.ClearPause(context.WithoutCancel(ctx), scope); err != nil {
			e.Log.Error("end the pause of a limited scope", "error", err)
		}
	}
}
