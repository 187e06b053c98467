// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/gate"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logevent"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// storeOutage knows when the store last failed, so that deliveries were refused. It is safe for concurrent use. The zero value
// knows of no failure.
type storeOutage struct{ at atomic.Pointer[time.Time] }

// record records that the store failed at a time. Damage is no outage: other calls succeed, and it does not end.
func (o *storeOutage) record(at time.Time, err error) {
	if !errors.Is(err, store.ErrDamaged) {
		o.at.Store(&at)
	}
}

// last returns when the store last failed, zero if it never did.
func (o *storeOutage) last() time.Time {
	if at := o.at.Load(); at != nil {
		return *at
	}

	return time.Time{}
}

// reachableSince returns since when Meta and the AI can deliver to this receiver: its start, or the end of the last outage of
// the store. What they could not deliver before, they deliver again.
func (e *Engine) reachableSince() time.Time { return later(e.startedAt, e.outage.last()) }

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

// isOwnWait reports whether an attempt at a status or notice waits for this receiver, not for the AI or the sink. Its event does
// not expire: after a downtime of a day nothing has been tried yet.
func isOwnWait(err error) bool {
	_, isPostponed := errors.AsType[*postponed](err)
	_, isUnread := errors.AsType[*unreadError](err)

	return isPostponed || isUnread
}

// resolveUnread returns the outcome of an attempt that could not read the store, and the failure.
//
// As in an outage, the event spends no attempt within the service window: by then it may have none left, and all events meet
// the outage of a database at the same time.
func (e *Engine) resolveUnread(ctx context.Context, h head, unread *unreadError) (*store.Outcome, *failure.Error) {
	now := e.Clock.Now()
	age := now.Sub(h.work.Event.ReceivedAt)
	f := &failure.Error{
		Class: failure.Transient,
		Op:    opRead,
		Code:  codeNoStore,
		Text:  "the store cannot be read: the log has the cause",
	}

	e.sampled.Error("attempt needs the store, which cannot be read", logevent.EventID, h.work.Event.ID, "error", unread.err)

	if isMessage(h) && age >= serviceWindow {
		return e.outcomeFor(ctx, h, gate.Call{}, f), f
	}

	retry := h.settings.Processing.Retry
	wait := min(max(age, retry.BaseDelay), retry.MaxDelay)

	return &store.Outcome{State: store.Pending, RetryAt: now.Add(wait + jitter(wait))}, f
}
