// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/gate"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logevent"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// unreadError ends an attempt that needs the store, which cannot be read. Nothing of the event failed.
type unreadError struct{ err error }

func (u *unreadError) Error() string { return "the store cannot be read: " + u.err.Error() }

func (u *unreadError) Unwrap() error { return u.err }

// storeResults are errors of the store that are results of a call, not failures of the store.
var storeResults = []error{
	store.ErrLeaseLost,
	store.ErrNotFound,
	store.ErrTakenOver,
	store.ErrKey,
}

// ofStore marks an error as a failure of the store. It returns nil and results of the store as they are.
func ofStore(err error) error {
	if err == nil {
		return nil
	}

	for _, result := range storeResults {
		if errors.Is(err, result) {
			return err
		}
	}

	return &unreadError{err}
}

// isUnread reports whether an attempt ended because the store cannot be read.
func isUnread(err error) bool {
	_, ok := errors.AsType[*unreadError](err)

	return ok
}

// unreadFailure returns the failure of an attempt that could not read the store.
func unreadFailure() *failure.Error {
	return &failure.Error{
		Class: failure.Transient,
		Op:    opRead,
		Code:  codeNoStore,
		Text:  "the store cannot be read: the log has the cause",
	}
}

// maxUnreadEvents bounds the events whose failed reads of the store are remembered.
const maxUnreadEvents = 10_000

// unreadEvents holds since when the attempts at an event fail to read the store. It is safe for concurrent use. The zero
// value is ready to use.
type unreadEvents struct {
	mu     sync.Mutex
	events map[store.ID]unreadTime
}

// unreadTime is the first and the last failed read in a series without a longer pause.
type unreadTime struct {
	first time.Time
	last  time.Time
}

// add records that an attempt at an event failed to read the store now, and returns when the first attempt of the series
// did. A pause of more than maxPause begins a new series.
func (u *unreadEvents) add(event store.ID, now time.Time, maxPause time.Duration) (first time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()

	if u.events == nil || len(u.events) >= maxUnreadEvents {
		u.events = map[store.ID]unreadTime{}
	}

	at, isKnown := u.events[event]
	if !isKnown || now.Sub(at.last) > maxPause {
		at.first = now
	}

	at.last = now
	u.events[event] = at

	return at.first
}

// unreadFor records a failed read, and returns for how long the attempts at the event have failed to read the store while
// other calls to the store succeed. That is a sign of damage, which does not end. In an outage, which ends, all calls fail.
func (e *Engine) unreadFor(h head) time.Duration {
	now := e.Clock.Now()
	maxPause := 2 * max(h.settings.Processing.Retry.MaxDelay, loneFailureAge)

	return now.Sub(later(e.unread.add(h.work.Event.ID, now, maxPause), e.reachableSince()))
}

// isOverdue reports whether a status or notice whose attempt ended with err has been tried for so long that it expires. The
// time in which no receiver ran does not count: nothing was tried then.
func (e *Engine) isOverdue(h head, err error) bool {
	if _, isPostponed := errors.AsType[*postponed](err); isPostponed {
		return false
	}

	if isUnread(err) {
		return e.unreadFor(h) > sideEventMaxAge
	}

	return e.Clock.Since(h.work.Event.ReceivedAt) > sideEventMaxAge
}

// mayLackHistory reports whether the desk gets a handoff although reading its history returned err. People learn of the handoff
// also while a key is missing, and where the store is damaged.
func (e *Engine) mayLackHistory(h head, err error) bool {
	return errors.Is(err, store.ErrKey) || isUnread(err) && e.unreadFor(h) >= loneFailureAge
}

// resolveUnread returns the outcome of an attempt that could not read the store, and the failure.
//
// As in an outage, the event spends no attempt within the service window: by then it may have none left, and all events meet
// the outage of a database at the same time. Beside a store that works it spends attempts, so that damage does not hold up its
// conversation.
func (e *Engine) resolveUnread(ctx context.Context, h head, unread *unreadError) (*store.Outcome, *failure.Error) {
	now := e.Clock.Now()
	age := now.Sub(h.work.Event.ReceivedAt)
	f := unreadFailure()

	e.sampled.Error("attempt waits until the store can be read", logevent.EventID, h.work.Event.ID, "error", unread.err)

	if isMessage(h) && (age >= serviceWindow || e.unreadFor(h) >= loneFailureAge) {
		return e.outcomeFor(ctx, h, gate.Call{}, f), f
	}

	retry := h.settings.Processing.Retry
	wait := min(max(age, retry.BaseDelay), retry.MaxDelay)

	return &store.Outcome{State: store.Pending, RetryAt: now.Add(wait + jitter(wait))}, f
}
