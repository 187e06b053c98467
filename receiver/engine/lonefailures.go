// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"sync"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	// loneFailureAge is how long an event that fails alone is tried at least. Others wait behind it in its lane.
	loneFailureAge = 10 * time.Minute
	// maxLoneFailures is how often it fails at least, while others are accepted. So a peer that has just come back, or one of
	// whose servers is broken, loses nothing.
	maxLoneFailures = 5
	// maxLoneEvents bounds the events whose failures are counted.
	maxLoneEvents = 1000
)

// loneFailures counts the failures of events at the desk or the sink while it accepts others. It is safe for concurrent use. The
// zero value is ready to use.
type loneFailures struct {
	mu       sync.Mutex
	accepted time.Time // the last event
	failed   map[store.ID]loneFailure
}

// loneFailure is the last failure of an event.
type loneFailure struct {
	at time.Time
	n  int // failures since whose predecessor another event was accepted
}

// accept records that an event was accepted.
func (l *loneFailures) accept(event store.ID, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()

	l.accepted = now
	delete(l.failed, event)
}

// fail records that an event failed, and returns how often it failed while others were accepted.
func (l *loneFailures) fail(event store.ID, now time.Time) int {
	l.mu.Lock()
	defer l.mu.Unlock()

	if l.failed == nil || len(l.failed) >= maxLoneEvents {
		l.failed = map[store.ID]loneFailure{}
	}

	last := l.failed[event]
	if !last.at.IsZero() && l.accepted.After(last.at) {
		last.n++
	}

	last.at = now
	l.failed[event] = last

	return last.n
}

// expireLone expires an event of the desk or the sink that fails again and again while others are accepted.
func (h head) expireLone(failures *loneFailures, step *store.Step, err error) {
	event := h.work.Event
	outcome := step.Outcome

	if err == nil {
		failures.accept(event.ID, step.Now)
		return
	}

	if outcome.State != store.Pending || outcome.Failure == nil {
		return
	}

	n := failures.fail(event.ID, step.Now)
	if n < maxLoneFailures || step.Now.Sub(event.ReceivedAt) < loneFailureAge {
		return
	}

	step.Outcome = &store.Outcome{State: store.Expired, Failure: outcome.Failure}
}
