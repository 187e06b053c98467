// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"net/http"
	"sync"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/httpclient"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	// loneFailureAge is the minimum time for which an event is retried that fails while others are accepted. The events behind
	// it in its lane wait.
	loneFailureAge = 10 * time.Minute
	// maxLoneFailures is the minimum number of its failures while most others are accepted. So no event is lost at a peer that
	// has just recovered, that is overloaded, or that has one broken server.
	maxLoneFailures = 5
	// maxLoneEvents bounds the events whose failures are counted.
	maxLoneEvents = 1000
)

// loneFailures counts the failures of events at the desk or the sink while it accepts others. It is safe for concurrent use. The
// zero value is ready to use.
type loneFailures struct {
	mu      sync.Mutex
	balance int // accepted events minus failed attempts
	failed  map[store.ID]loneFailure
}

// loneFailure is the last failure of an event.
type loneFailure struct {
	balance int // at that failure
	n       int // failures that followed a time in which more attempts were accepted than failed
}

// accept records that an event was accepted.
func (l *loneFailures) accept(event store.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()

	l.balance++
	delete(l.failed, event)
}

// fail records that an event failed, and returns how often it failed while most others were accepted.
func (l *loneFailures) fail(event store.ID) int {
	l.mu.Lock()
	defer l.mu.Unlock()

	if l.failed == nil || len(l.failed) >= maxLoneEvents {
		l.failed = map[store.ID]loneFailure{}
	}

	last, isKnown := l.failed[event]
	if isKnown && l.balance > last.balance {
		last.n++
	}

	l.balance--
	last.balance = l.balance
	l.failed[event] = last

	return last.n
}

// expireLone expires an event of the desk or the sink that fails again and again while others are accepted.
func (h head) expireLone(failures *loneFailures, step *store.Step, err error) {
	event := h.work.Event
	outcome := step.Outcome

	if err == nil {
		failures.accept(event.ID)
		return
	}

	if outcome.State != store.Pending || outcome.Failure == nil || asksToWait(failure.Of(err)) {
		return
	}

	n := failures.fail(event.ID)
	if n < maxLoneFailures || step.Now.Sub(event.ReceivedAt) < loneFailureAge {
		return
	}

	step.Outcome = &store.Outcome{State: store.Expired, Failure: outcome.Failure}
}

// asksToWait reports whether the peer has accepted enough for now, which is not a failure of the event.
func asksToWait(f *failure.Error) bool {
	return f.RetryAfter > 0 || f.Code == httpclient.StatusCode(http.StatusTooManyRequests)
}
