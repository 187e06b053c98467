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
	maxPauseLevel = 12
	// levelMemory is how long an ended pause still makes the next one longer.
	levelMemory          = time.Hour
	maxPause             = time.Hour
	pauseRefreshInterval = time.Second
)

// pauses caches the store's pauses by scope, so that all receivers respect the same ones.
type pauses struct {
	mu      sync.RWMutex
	byScope map[string]store.Pause
}

// isEmpty reports whether no scope was paused lately, the usual case.
func (p *pauses) isEmpty() bool {
	p.mu.RLock()
	defer p.mu.RUnlock()

	return len(p.byScope) == 0
}

// until returns the latest end of the scopes' pauses.
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

func (p *pauses) set(pause store.Pause) {
	p.mu.Lock()
	defer p.mu.Unlock()

	p.byScope[pause.Scope] = pause
}

// remove removes the pause of a scope and reports whether there was one.
func (p *pauses) remove(scope string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()

	_, ok := p.byScope[scope]
	delete(p.byScope, scope)

	return ok
}

func (p *pauses) replace(list []store.Pause) {
	byScope := make(map[string]store.Pause, len(list))
	for _, pause := range list {
		byScope[pause.Scope] = pause
	}

	p.mu.Lock()
	defer p.mu.Unlock()

	p.byScope = byScope
}

// loadPauses reads the pauses of all receivers from the store.
func (e *Engine) loadPauses(ctx context.Context) {
	list, err := e.Store.Pauses(ctx, e.Clock.Now().Add(-levelMemory))
	if err != nil {
		if ctx.Err() == nil {
			e.Log.Error("read the pauses of rate-limited scopes", "error", err)
		}

		return
	}

	e.pauses.replace(list)
}

// refreshPauses reads the pauses periodically until ctx ends.
func (e *Engine) refreshPauses(ctx context.Context) {
	for {
		timer := e.Clock.NewTimer(pauseRefreshInterval)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.Chan():
			e.loadPauses(ctx)
		}
	}
}

// scopes returns the names of the scopes that a send belongs to: from the number, in the conversation of lane.
func scopes(wabaID, number, lane string) map[failure.Scope]string {
	return map[failure.Scope]string{
		failure.ScopeApp:             "app",
		failure.ScopeBusinessAccount: "business_account:" + wabaID,
		failure.ScopeNumber:          "number:" + number,
		failure.ScopePair:            "pair:" + lane,
		failure.ScopeRecipient:       "pair:" + lane, // a receiver knows a recipient only as the person of a conversation
	}
}

// pauseScope pauses the scope of a rate limit and returns the end of the pause. Each further hit makes the pause longer:
// by a factor of four for a person's own limit, as Meta advises for 131056, and of two for wider ones. A Retry-After of
// the server takes precedence.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/about-the-platform
func (e *Engine) pauseScope(
	ctx context.Context,
	scopes map[failure.Scope]string,
	f *failure.Error,
) (time.Time, error) {
	scope, ok := scopes[f.Scope]
	if !ok {
		return e.Clock.Now().Add(max(f.RetryAfter, time.Minute)), nil
	}

	level := 0
	if last, again := e.pauses.level(scope); again {
		level = min(last+1, maxPauseLevel)
	}

	wait := f.RetryAfter
	if wait <= 0 {
		wait = pauseDuration(e.Live.Current().Processing.Retry.BaseDelay, f.Scope, level)
	}

	now := e.Clock.Now()
	pause := store.Pause{
		Scope: scope,
		Until: now.Add(wait),
		Level: level,
		Code:  f.Code,
	}

	err := e.Store.SetPause(context.WithoutCancel(ctx), pause, now)
	e.pauses.set(pause) // at least this receiver respects it

	if err != nil {
		return pause.Until, fmt.Errorf("pause a rate-limited scope: %w", err)
	}

	return pause.Until, nil
}

func pauseDuration(base time.Duration, scope failure.Scope, level int) time.Duration {
	factor := time.Duration(2)
	if scope == failure.ScopePair || scope == failure.ScopeRecipient {
		factor = 4
	}

	wait := base
	for range level {
		wait = min(wait*factor, maxPause)
	}

	return wait
}

// clearPauses ends the pauses of the scopes in which a send has just succeeded.
func (e *Engine) clearPauses(ctx context.Context, a *attempt) {
	if e.pauses.isEmpty() {
		return
	}

	for _, scope := range a.scopes() {
		if !e.pauses.remove(scope) {
			continue
		}

		if err := e.Store.ClearPause(context.WithoutCancel(ctx), scope); err != nil {
			e.Log.Error("clear the pause of a scope", "error", err)
		}
	}
}
