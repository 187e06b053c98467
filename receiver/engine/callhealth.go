// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"maps"
	"sync"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/gate"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
)

// callHealth holds the latest outcomes of calls to Bird, Meta and the sink, as the status page shows them.
type callHealth struct {
	mu       sync.Mutex
	problems map[string]string // configuration failures by operation
	token    health.TokenState // the access token, according to Meta's latest answer to a send
}

// Token returns the state of the access token according to the latest send.
func (e *Engine) Token() health.TokenState {
	e.calls.mu.Lock()
	defer e.calls.mu.Unlock()

	return e.calls.token
}

// Problems returns the configuration failures by operation, and the outages by scope. A failure stays until a call of that
// operation succeeds.
func (e *Engine) Problems() map[string]string {
	closed := e.gate.Snapshot()

	e.calls.mu.Lock()
	defer e.calls.mu.Unlock()

	problems := maps.Clone(e.calls.problems)

	for _, state := range closed {
		if state.Reason == gate.Unavailable {
			problems[state.Scope] = state.Cause + ", since " + state.Since.UTC().Format(time.RFC3339)
		}
	}

	return problems
}

// recordSend records the outcome of a call with the access token.
func (e *Engine) recordSend(err error) {
	e.recordCall(opSend, err)

	e.calls.mu.Lock()
	defer e.calls.mu.Unlock()

	if err == nil {
		e.calls.token = health.TokenAccepted
	} else if cloudapi.TokenRefused(failure.Of(err)) {
		e.calls.token = health.TokenRefused
	}
}

// recordCall records the outcome of a call in the metrics and for the status page.
func (e *Engine) recordCall(op string, err error) {
	e.calls.mu.Lock()
	defer e.calls.mu.Unlock()

	if err == nil {
		delete(e.calls.problems, op)
		return
	}

	f := failure.Of(err)
	e.Metrics.CallFailed(f)

	if f.Class == failure.Configuration {
		e.calls.problems[op] = f.Text
	}
}
