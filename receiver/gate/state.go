// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"slices"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// Reason is why a scope is closed.
type Reason string

// The reasons.
const (
	RateLimited Reason = "rate_limited" // the other side asked for fewer calls
	Refused     Reason = "refused"      // a credential, permission or address is wrong
	Unavailable Reason = "unavailable"  // the circuit breaker is open
	Throughput  Reason = "throughput"   // the messages a second of a phone number, or the rate of the AI, are used up
)

// Closed is the error of a call that may not be made now.
type Closed struct {
	Scope  Scope
	Reason Reason
	Until  time.Time // the earliest time to ask again
	Code   string    // of the failure that closed the scope; may be empty
	Cause  string    // the failure that closed the scope, fit for logs
}

// Error returns why the call may not be made. It contains no personal data.
func (c *Closed) Error() string {
	if c.Cause == "" {
		return "waiting for scope " + string(c.Scope.Kind) + ": " + string(c.Reason)
	}

	return "waiting for scope " + string(c.Scope.Kind) + ": " + c.Cause
}

// Waits returns the scope for which the event waits, or "" if it waits for the time Until: the limit concerns only its
// own conversation.
func (c *Closed) Waits() string {
	if isPersonal(c.Scope.Name) {
		return ""
	}

	return c.Scope.Name
}

// state is the state of one scope. A closed scope stays closed until a probe, which may start at until, succeeds.
type state struct {
	kind    failure.Scope
	closed  bool
	probing bool
	reason  Reason
	code    string
	cause   string
	since   time.Time
	until   time.Time
	level   int // consecutive pauses of a rate limit: the exponent of the backoff
	// sharedAt is the time from which on the store has the pause; zero if it does not.
	sharedAt time.Time

	// The circuit breaker of an open scope.
	failures    int        // in a row
	failing     []store.ID // the different events among them, at most maxFailing
	lastSuccess time.Time
}

// maxFailing bounds the events whose failures a circuit breaker distinguishes.
const maxFailing = 8

// wait returns the time until a call may probe the closed scope.
func (s *state) wait(now time.Time) time.Duration {
	if s.probing {
		return probeRetryDelay
	}

	return s.until.Sub(now)
}

func (s *state) refusal(name string, until time.Time) *Closed {
	return &Closed{
		Scope:  Scope{Kind: s.kind, Name: name},
		Reason: s.reason,
		Until:  until,
		Code:   s.code,
		Cause:  s.cause,
	}
}

// close closes the scope until a time.
func (s *state) close(reason Reason, f *failure.Error, now, until time.Time) {
	if !s.closed || s.reason != reason {
		s.since = now
	}

	s.closed = true
	s.probing = false
	s.reason = reason
	s.code = f.Code
	s.cause = f.Text
	s.until = until
}

// isLimited reports whether a rate limit has closed the scope.
func (s *state) isLimited() bool { return s.closed && s.reason == RateLimited }

// open opens the scope.
func (s *state) open() {
	*s = state{kind: s.kind, lastSuccess: s.lastSuccess}
}

// succeed records a call that the other side answered.
func (s *state) succeed(now time.Time) {
	s.lastSuccess = now
	s.failures = 0
	s.failing = nil
}

// fail counts a failed call and reports whether the circuit breaker has to open: after threshold failures in a row, of
// more than one event. A single event that always fails closes nothing for the others.
func (s *state) fail(event store.ID, threshold, events int) bool {
	s.failures++

	if len(s.failing) < maxFailing && !slices.Contains(s.failing, event) {
		s.failing = append(s.failing, event)
	}

	return s.failures >= threshold && len(s.failing) >= min(events, threshold)
}
