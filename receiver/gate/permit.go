// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	// outageEvents is how many different events have to fail before the circuit breaker of a target opens.
	outageEvents = 2
	// refusedEvents is how many different events in a row a method of the AI has to refuse before its scope closes. A single
	// refusal may concern one event only.
	refusedEvents = 3
	// refusedStatuses is how many statuses in a row the AI has to refuse after it has accepted one, before their method closes. A
	// refusal may concern one status only, such as that of a message of another application.
	refusedStatuses = 50
	// addressEvents is how many different events the basic method has to refuse before the address counts as wrong.
	addressEvents = maxFailing
	// maxUnavailable bounds the time that a failing server can ask for with Retry-After before it is probed again.
	maxUnavailable = 2 * time.Minute
	// basicMethod is the method that every bridge has. If the AI refuses it, the address is wrong.
	basicMethod = scopeAI + ":process_text_message"
)

// Permit is one call that the gate let through.
type Permit struct {
	gate   *Gate
	call   Call
	event  store.ID
	pacer  *pacer // of a call to the AI
	began  time.Time
	probes []string // the closed scopes that this call probes
	ended  bool
}

// IsProbe reports whether the call probes a closed scope.
func (p *Permit) IsProbe() bool { return len(p.probes) > 0 }

// Cancel ends a call without a result: the call was not made, or its caller canceled it.
func (p *Permit) Cancel() {
	if p == nil {
		return
	}

	p.gate.mu.Lock()
	defer p.gate.mu.Unlock()

	p.end()
}

// Done ends a call with its failure, or nil if it succeeded. A rate limit and a problem are stored for all receivers: the
// error is that of the store, and this receiver respects them all the same.
func (p *Permit) Done(ctx context.Context, f *failure.Error) error {
	pause, cleared := p.apply(f)

	return errors.Join(p.gate.share(ctx, pause, cleared), p.gate.problems.shareNew(ctx))
}

// apply changes the scopes by the result of the call. It returns the pause to store and the scopes whose pause ended.
func (p *Permit) apply(f *failure.Error) (pause *store.Pause, cleared []string) {
	g := p.gate

	g.mu.Lock()
	defer g.unlock()

	if p.ended {
		return nil, nil
	}

	p.end()

	now := g.Clock.Now()

	var failed, refused string // the scope that a failure closes, and the scope that refused the call, which may be narrower

	if f != nil {
		failed, pause = p.fail(f, now)
	}

	if f != nil && f.Class == failure.Configuration {
		refused = p.call.name(f.Scope)
	}

	for _, name := range p.call.names {
		if name == failed || name == refused {
			continue
		}

		if p.succeed(name, f, now) {
			cleared = append(cleared, name)
		}
	}

	return pause, cleared
}

// end releases the probes and the place of the call. The caller holds the lock.
func (p *Permit) end() {
	if p.ended {
		return
	}

	p.ended = true

	for _, name := range p.probes {
		if s := p.gate.states[name]; s != nil {
			s.probing = false
		}
	}

	if p.pacer != nil {
		p.pacer.inFlight--
	}

	if p.call.Target == "" {
		p.gate.media.used--
	}
}

// succeed records that a scope let the call pass, although another scope may have refused it. Only its probe opens a
// scope. A call whose outcome is unknown opens nothing. succeed reports whether a pause that the store shares has ended.
func (p *Permit) succeed(name string, f *failure.Error, now time.Time) (cleared bool) {
	if f != nil && (f.Class == failure.Ambiguous || f.Class == failure.Transient && name != p.call.circuit()) {
		return false
	}

	g := p.gate
	isTarget := name == p.call.circuit()
	isProbe := slices.Contains(p.probes, name)

	if s := g.states[name]; (s == nil || !s.closed || isProbe) && p.isLikeRefused(name) {
		g.problems.Succeeded(name, p.began)
	}

	if g.states[name] == nil && !isTarget {
		return false
	}

	s := g.state(name)

	if isTarget && p.pacer != nil && f == nil {
		p.pacer.succeed(now)
	}

	if s.closed && !isProbe {
		s.lastSuccess = now

		return false
	}

	if s.closed {
		if isTarget && p.call.Target == AI {
			g.pacer(name).restart()
		}

		cleared = s.reason == RateLimited
		g.open(name, s)
	}

	s.succeed(now)

	return cleared
}

// isLikeRefused reports whether the success of the call shows that the refused calls in a scope would succeed too. A method
// of the AI may refuse only some messages: then only the success of one of these shows it.
func (p *Permit) isLikeRefused(name string) bool {
	return p.call.Queued || kindOf(name) != failure.ScopeAIMethod || !p.call.isAsk()
}

// fail closes the scope to which a failure belongs, if it has to. It returns the scope.
func (p *Permit) fail(f *failure.Error, now time.Time) (name string, pause *store.Pause) {
	switch f.Class {
	case failure.RateLimited:
		return p.limited(f, now)
	case failure.Configuration:
		return p.refused(f, now), nil
	case failure.Transient, failure.Ambiguous:
		if p.isEventFailure(f) {
			return "", nil
		}

		return p.unavailable(f, now), nil
	default:
		return "", nil // the other side answered: the failure is about the event
	}
}

// isEventFailure reports whether a transient failure concerns the event, not the whole target.
func (p *Permit) isEventFailure(f *failure.Error) bool {
	return p.call.Target == AI && f.Scope == failure.ScopeNone && f.Class == failure.Transient
}

// unavailable counts a failure of the target and opens its circuit breaker if there were too many.
func (p *Permit) unavailable(f *failure.Error, now time.Time) string {
	name := p.call.circuit()

	s := p.gate.state(name)
	isProbe := slices.Contains(p.probes, name)

	if s.closed && !isProbe {
		return name
	}

	settings := p.gate.settings.CircuitBreaker()
	if s.fail(p.event, settings.FailureThreshold, outageEvents) || isProbe {
		wait := max(settings.OpenDuration, min(f.RetryAfter, maxUnavailable))
		p.gate.logClosed(name, s, Unavailable, f)
		s.close(Unavailable, f, now, now.Add(wait))
		p.gate.shareProblem(name)
	}

	return name
}

// Refused closes the scope of a configuration failure that another call met: a lookup showed that a send would be refused. If
// the period of the scope has ended, the lookup counts as a failed probe.
func (g *Gate) Refused(call Call, event store.ID, f *failure.Error) {
	g.mu.Lock()
	defer g.unlock()

	p := &Permit{
		gate:  g,
		call:  call,
		event: event,
	}
	now := g.Clock.Now()
	name := call.name(f.Scope)

	if s := g.states[name]; s != nil && s.closed && s.wait(now) <= 0 {
		p.probes = []string{name}
	}

	p.refused(f, now)
}

// refusals returns how many refusals in a row close a method of the AI.
func (p *Permit) refusals(method *state) int {
	if p.call.isAsk() || method.lastSuccess.IsZero() {
		return refusedEvents
	}

	return refusedStatuses
}

// refused closes the scope of a refused credential, permission or address.
func (p *Permit) refused(f *failure.Error, now time.Time) string {
	name := p.call.name(f.Scope)
	if name == "" {
		name = p.call.circuit()
	}

	s := p.gate.state(name)
	isProbe := slices.Contains(p.probes, name)

	if f.Scope == failure.ScopeAIMethod {
		many := s.fail(p.event, p.refusals(s), refusedEvents)

		switch {
		case name == basicMethod && s.lastSuccess.IsZero() && len(s.failing) >= addressEvents:
			name = scopeAI
			s = p.gate.state(name)
		case s.closed && !isProbe || !many && !isProbe:
			return name
		}
	} else if s.closed && !isProbe {
		return name
	}

	until := now.Add(max(p.gate.settings.Processing.ConfigurationRetry, min(f.RetryAfter, maxUnavailable)))
	p.gate.logClosed(name, s, Refused, f)
	s.close(Refused, f, now, until)
	p.gate.shareProblem(name)

	return name
}
