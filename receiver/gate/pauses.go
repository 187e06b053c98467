// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	// maxLevel bounds the exponent of the backoff.
	maxLevel = 12
	// LevelTTL is how long an ended pause that no success has cleared still makes the next one longer.
	LevelTTL = time.Hour
	// shareTimeout bounds the write of a pause.
	shareTimeout = 5 * time.Second
)

// Limited closes the scope of a rate limit that Meta reported in a webhook, from the time of the limit. A repeated report has
// no effect.
func (g *Gate) Limited(ctx context.Context, call Call, f *failure.Error, at time.Time) error {
	g.mu.Lock()

	p := &Permit{
		gate:  g,
		call:  call,
		began: at,
	}
	_, pause := p.limited(f, at)

	g.unlock()

	return g.share(ctx, pause, nil)
}

// limited closes the scope of a rate limit that a call met, from the time from. The result of a call that began before
// the end of the current pause changes nothing, so that many calls that meet one limit raise its level once.
func (p *Permit) limited(f *failure.Error, from time.Time) (string, *store.Pause) {
	name := p.call.name(f.Scope)
	if name == "" {
		return "", nil
	}

	g := p.gate
	if p.call.Target == AI {
		g.pacer(name).limited(p.event, p.began, from, f.RetryAfter)
		return name, nil
	}

	s := g.state(name)
	if s.closed && p.began.Before(s.until) && !slices.Contains(p.probes, name) {
		return name, nil
	}

	level := 0
	if s.isLimited() && from.Sub(s.until) < LevelTTL {
		level = min(s.level+1, maxLevel)
	}

	wait := f.RetryAfter
	if wait <= 0 {
		wait = pauseDuration(f, level, g.settings.Processing.Retry.BaseDelay)
	}

	until := from.Add(wait)
	if !until.After(g.Clock.Now()) {
		return name, nil // reported too late to matter
	}

	g.logClosed(name, s, RateLimited, f)
	s.close(RateLimited, f, g.Clock.Now(), until)
	g.problems.Forget(name)

	s.level = level
	s.sharedAt = time.Time{}

	return name, &store.Pause{
		Scope: name,
		Until: until,
		Level: level,
		Code:  f.Code,
	}
}

// pauseDuration returns the pause after a rate limit: the limit's first pause, multiplied at each further hit by four for
// a person's own limit, as Meta advises for 131056, and by two for wider ones. Durations scale with the configured base
// delay, which is one second by default.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/about-the-platform
func pauseDuration(f *failure.Error, level int, base time.Duration) time.Duration {
	first := time.Second
	longest := time.Hour
	factor := time.Duration(2)

	switch f.Scope {
	case failure.ScopePair, failure.ScopeRecipient:
		factor = 4
	case failure.ScopeApp, failure.ScopeBusinessAccount:
		first = 5 * time.Minute // these limits count the calls of an hour
		longest = 6 * time.Hour
	default:
	}

	if f.Pause > 0 {
		first = f.Pause
		longest = max(longest, 6*first)
	}

	wait := first
	for range level {
		wait = min(wait*factor, longest)
	}

	return time.Duration(float64(wait) * base.Seconds())
}

// share stores a pause and removes ended ones, for all receivers.
func (g *Gate) share(ctx context.Context, pause *store.Pause, cleared []string) error {
	if pause == nil && len(cleared) == 0 {
		return nil
	}

	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shareTimeout)
	defer cancel()

	var errs []error

	if pause != nil {
		if err := g.Pauses.SetPause(ctx, *pause, g.Clock.Now()); err != nil {
			errs = append(errs, fmt.Errorf("store the pause of a rate-limited scope: %w", err))
		} else {
			g.markShared(pause.Scope)
		}
	}

	for _, name := range cleared {
		if err := g.Pauses.ClearPause(ctx, name); err != nil {
			errs = append(errs, fmt.Errorf("clear the pause of a scope: %w", err))
		}
	}

	return errors.Join(errs...)
}

func (g *Gate) markShared(name string) {
	g.mu.Lock()
	defer g.mu.Unlock()

	if s := g.states[name]; s != nil {
		s.sharedAt = g.Clock.Now()
	}
}

// Adopt takes over the pauses of all receivers that end after LevelTTL ago, and the problems that are stored among them. The
// store was asked for them at asked. It returns the problems of this receiver that calls of others showed to be over.
func (g *Gate) Adopt(pauses []store.Pause, asked time.Time) (over []string) {
	over = g.problems.adopt(pauses, asked)

	g.mu.Lock()
	defer g.unlock()

	stored := make(map[string]bool, len(pauses))

	for _, pause := range pauses {
		if !isProblem(pause) {
			stored[pause.Scope] = true
			g.adopt(pause)
		}
	}

	for name, s := range g.states {
		wasShared := !s.sharedAt.IsZero() && s.sharedAt.Before(asked) // else the store may have been read before
		isCleared := wasShared && !stored[name] && len(pauses) < store.MaxPauses
		isOld := asked.Sub(s.until) > LevelTTL

		if s.isLimited() && (isCleared || isOld) {
			g.open(name, s)
		}
	}

	for _, name := range over {
		g.openProven(name)
	}

	return over
}

// adopt closes a scope that another receiver paused. The caller holds the lock.
func (g *Gate) adopt(pause store.Pause) {
	s := g.state(pause.Scope)
	if s.closed && (s.reason != RateLimited || !pause.Until.After(s.until)) {
		if s.reason == RateLimited && s.sharedAt.IsZero() {
			s.sharedAt = g.Clock.Now()
		}

		return
	}

	f := &failure.Error{Code: pause.Code, Text: "a rate limit of Meta"}
	s.close(RateLimited, f, g.Clock.Now(), pause.Until)
	s.level = pause.Level
	s.sharedAt = g.Clock.Now()
}
