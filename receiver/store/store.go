// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package store is the inbox: every event that Meta delivered, what was done with it and what is still to do.
//
// Two engines implement [Store] and pass the same suite (package storetest). What they promise: Ingest returns only
// when the events are durable; an event is stored once, however often and however concurrently it is delivered;
// the events of a lane are handed out one at a time in the order of their arrival; a lease that was lost can change
// nothing any more.
package store

import (
	"context"
	"errors"
	"time"
)

var (
	// ErrLeaseLost says that the lane now belongs to somebody else, or to nobody. The work in hand must stop.
	ErrLeaseLost = errors.New("the lease on the conversation was lost")
	// ErrNotFound says that there is no such event, or that it is not in a state that the call can change.
	ErrNotFound = errors.New("no such event")
	// ErrAlreadySent says that a status has meanwhile proved a reply sent whose send was about to begin again.
	ErrAlreadySent = errors.New("the reply was already sent")
	// ErrBusy says that the queue of writes is full. The caller may try again later.
	ErrBusy = errors.New("the store is busy")
	// ErrClosed says that the store was closed before the call could begin.
	ErrClosed = errors.New("the store is closed")
)

// Store is safe for concurrent use. Times are kept to the millisecond, in UTC.
type Store interface {
	// Ingest stores the events that are not there yet, all or none, durably, and says of each whether it was new. In
	// the same transaction it advances the lanes of pending events, and folds statuses into the state of their
	// message (see [StatusUpdate]).
	Ingest(ctx context.Context, events []Event) (fresh []bool, err error)

	// Claim leases up to limit lanes whose head is due at now, the longest due first, until the given time.
	Claim(ctx context.Context, now, until time.Time, limit int) ([]Lease, error)
	// Renew prolongs leases and returns those that are lost.
	Renew(ctx context.Context, leases []LeaseRef, until time.Time) (lost []LeaseRef, err error)
	// Release hands a lane back untouched, due at now; the start is not counted against the event.
	Release(ctx context.Context, lease LeaseRef, now time.Time) error
	// Advance records a step in the work on event, the head of a leased lane, in one transaction. When the step ends the
	// head, it returns the lane's next pending event, which is then the head, or nil when there is none and the
	// lease has ended. When the step postpones the head the lease has ended too. In all other cases it returns nil.
	// ErrLeaseLost, ErrAlreadySent: nothing was recorded. ErrLeaseLost is also returned when event is not the lane's
	// head any more, since a call whose result the caller did not see ended it: a step may be repeated safely.
	Advance(ctx context.Context, lease LeaseRef, event ID, step Step) (*Work, error)

	// Get returns one event with its history, or ErrNotFound.
	Get(ctx context.Context, id ID) (*Record, error)
	// DeadLetters lists dead letters by arrival, those with Seq > after first, at most limit.
	DeadLetters(ctx context.Context, after int64, limit int) ([]Record, error)
	// Replay makes a dead letter pending again, with no attempt spent, in its place of the lane's order. An idle lane
	// is due at now; one that is leased or waits for a retry is left so, and then hands out its oldest event first.
	Replay(ctx context.Context, id ID, now time.Time) error
	// Discard ends a dead letter for good; it is kept as discarded until its retention ends.
	Discard(ctx context.Context, id ID, now time.Time) error
	// MessageStatus returns the furthest status of an outbound message; participant is empty except in groups.
	MessageStatus(ctx context.Context, phoneNumberID, messageID, participant string) (*StatusUpdate, error)

	// Stats returns the figures that health is judged by; its cost does not grow with the history.
	Stats(ctx context.Context, now time.Time) (Stats, error)
	// Totals counts all events by kind, type and state. It reads the whole history: for tools and tests.
	Totals(ctx context.Context) ([]Total, error)

	// Purge empties the payloads of events that were finished before payloads and the bodies of their replies, deletes
	// events that were finished before events with all that hangs on them, and idle conversations whose last message
	// is as old; at most limit rows of each. It returns how many events and conversations it changed. Pending events
	// and dead letters are never touched.
	Purge(ctx context.Context, payloads, events time.Time, limit int) (int, error)
	// Ping returns an error when the store could not accept an event now.
	Ping(ctx context.Context) error
	Close() error
}
