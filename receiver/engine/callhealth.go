// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"strings"
	"sync"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/gate"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/handoff"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
)

// maxRefusedScopes bounds the refused scopes among the problems. The status page lists more of them as closed.
const maxRefusedScopes = 10

// callHealth holds the latest outcomes of calls to the AI, Meta and the sink, for the status page.
type callHealth struct {
	mu       sync.Mutex
	problems map[string]problem // configuration failures by operation
	token    health.TokenState  // the access token, according to Meta's latest answer to a send
	tokenOf  *config.Snapshot   // the settings with that token
}

// reportedProblemTTL is the lifetime of a configuration failure that Meta reported in a webhook. Meta accepts the messages,
// so no call shows that the cause is fixed.
const reportedProblemTTL = time.Hour

// problem is a configuration failure.
type problem struct {
	text     string
	settings *config.Snapshot // at the time of the failure
	until    time.Time        // zero if a call shows whether it is fixed
}

// Token returns the state of the access token according to the latest send.
func (e *Engine) Token() health.TokenState {
	e.calls.mu.Lock()
	defer e.calls.mu.Unlock()

	state := e.calls.token
	if state == health.TokenRefused && e.calls.tokenOf.Secrets.AccessToken != e.Live.Current().Secrets.AccessToken {
		return health.TokenUnknown
	}

	return state
}

// Problems returns the configuration failures by operation, and the outages and refusals by scope. A failure stays until a call
// of that operation succeeds, here or in another receiver of the store, or its settings change: the next call shows whether that
// fixed it. A failure that Meta reported in a webhook stays for an hour.
func (e *Engine) Problems() map[string]string {
	closed := e.gate.Snapshot()
	problems := e.currentProblems()

	addRefusals(problems, closed)

	for _, state := range closed {
		if state.Reason == gate.Unavailable {
			problems[state.Scope] = state.Cause + ", since " + state.Since.UTC().Format(time.RFC3339)
		}
	}

	return problems
}

// addRefusals adds the scopes that a peer refuses. Calls in other scopes, such as the sends of another phone number, still
// succeed and clear the problem of the operation. A phone number or an account replaces the operation as the key, because
// the operation does not name the refused one.
func addRefusals(problems map[string]string, closed []gate.State) {
	known := map[string][]string{} // operations by problem
	for op, text := range problems {
		known[text] = append(known[text], op)
	}

	shown := 0

	for _, state := range closed {
		if state.Reason != gate.Refused || shown == maxRefusedScopes {
			continue
		}

		isNamed := state.Kind == failure.ScopeNumber || state.Kind == failure.ScopeBusinessAccount
		if !isNamed && len(known[state.Cause]) > 0 {
			continue
		}

		for _, op := range known[state.Cause] {
			delete(problems, op)
		}

		problems[state.Scope] = state.Cause
		shown++
	}
}

// currentProblems returns the problems by operation, and forgets those whose settings have changed since, or whose time is over.
func (e *Engine) currentProblems() map[string]string {
	settings := e.Live.Current()
	now := e.Clock.Now()

	e.calls.mu.Lock()
	defer e.calls.mu.Unlock()

	texts := make(map[string]string, len(e.calls.problems))

	for op, p := range e.calls.problems {
		isOver := !p.until.IsZero() && !now.Before(p.until)
		if isOver || settingsChanged(op, p.settings, settings) {
			e.forget(op)
			continue
		}

		texts[op] = p.text
	}

	return texts
}

// operationPrefix begins the names of the problems of operations that the receivers share, apart from those of scopes.
const operationPrefix = "operation:"

// forget removes the problem of an operation. The caller holds the lock of the calls.
func (e *Engine) forget(op string) {
	if _, ok := e.calls.problems[op]; ok {
		delete(e.calls.problems, op)
		e.gate.Problems().Forget(operationPrefix + op)
	}
}

// endProblems removes the problems of operations that are over according to calls of other receivers. The other receivers
// have processed the waiting events, so this receiver makes no call that would end the problems.
func (e *Engine) endProblems(over []string) {
	e.calls.mu.Lock()
	defer e.calls.mu.Unlock()

	for _, name := range over {
		op, isOperation := strings.CutPrefix(name, operationPrefix)
		if !isOperation {
			continue
		}

		e.forget(op)

		if op == opSend && e.calls.token == health.TokenRefused {
			e.calls.token = health.TokenUnknown
		}
	}
}

// settingsChanged reports whether the settings of an operation changed, so that its next call may succeed.
func settingsChanged(op string, before, after *config.Snapshot) bool {
	switch op {
	case opSend, opDeliver, opThreadControl, opDownload:
		return gate.Changed(gate.Graph, before, after)
	case handoff.Op:
		return before.Handoff != after.Handoff || before.Secrets.HandoffKey != after.Secrets.HandoffKey ||
			before.Secrets.HandoffCA != after.Secrets.HandoffCA
	case opNotice:
		return before.Notifications != after.Notifications || before.Secrets.SinkSigningKey != after.Secrets.SinkSigningKey ||
			before.Secrets.SinkCA != after.Secrets.SinkCA
	default:
		return gate.Changed(gate.AI, before, after)
	}
}

// recordReported records a configuration failure that Meta reported in a webhook, with the time at which it happened. An older
// report that arrives later changes nothing.
func (e *Engine) recordReported(f *failure.Error, at time.Time) {
	if f.Class != failure.Configuration {
		return
	}

	e.calls.mu.Lock()
	defer e.calls.mu.Unlock()

	until := at.Add(reportedProblemTTL)
	if until.Before(e.calls.problems[opDeliver].until) {
		return
	}

	e.calls.problems[opDeliver] = problem{
		text:     f.Text,
		settings: e.Live.Current(),
		until:    until,
	}
}

// recordSend records the outcome of a call with the access token.
func (e *Engine) recordSend(err error) {
	e.recordCall(opSend, err)

	e.calls.mu.Lock()
	defer e.calls.mu.Unlock()

	switch {
	case err == nil:
		e.calls.token = health.TokenAccepted
	case cloudapi.TokenRefused(failure.Of(err)):
		e.calls.token = health.TokenRefused
		e.calls.tokenOf = e.Live.Current()
	}
}

// recordCall records the outcome of a call in the metrics and for the status page.
func (e *Engine) recordCall(op string, err error) {
	e.calls.mu.Lock()
	defer e.calls.mu.Unlock()

	name := operationPrefix + op

	if err == nil {
		e.forget(op)
		e.gate.Problems().Succeeded(name, e.Clock.Now())

		return
	}

	f := failure.Of(err)
	e.Metrics.CallFailed(f)

	if f.Class == failure.Configuration {
		e.calls.problems[op] = problem{text: f.Text, settings: e.Live.Current()}
		e.gate.Problems().Failed(name)
	}
}
