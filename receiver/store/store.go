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
	// the same transaction it advances the lanes of pending events, keeps the state of their conversations (see
	// [Conversation]), and folds statuses into the state of their message (see [StatusUpdate]).
	Ingest(ctx context.Context, events []Event) (fresh []bool, err error)

	// Claim leases up to limit lanes of a class whose head is due at now, the longest due first, until the given time. Its
	// cost depends neither on the backlog, of this class or another, nor on the history.
	Claim(ctx context.Context, class Class, now, until time.Time, limit int) ([]Lease, error)
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
	// Peek returns up to limit pending events after the lane's head, in order: those that a step could bind to it (see
	// Step.Also). It leaves out what is bound to the head already, and ends before an event that has an answer of its own
	// or is bound to another. ErrLeaseLost is returned as by Advance.
	Peek(ctx context.Context, lease LeaseRef, limit int) ([]Event, error)

	// Get returns one event with its history, or ErrNotFound.
	Get(ctx context.Context, id ID) (*Record, error)
	// List returns the events that a filter selects, by arrival, those with Seq > after first, at most limit. It is cheap
	// for State Dead and for Kind error; with any other filter it walks the history until the limit is reached.
	List(ctx context.Context, filter Filter, after int64, limit int) ([]Record, error)
	// DeadLetters is List with State Dead.
	DeadLetters(ctx context.Context, after int64, limit int) ([]Record, error)
	// Replay makes a dead letter pending again, with no attempt spent, in its place of the lane's order. An idle lane
	// is due at now; one that is leased or waits for a retry is left so, and then hands out its oldest event first.
	// Dead letters that are bound to it come back with it; one that is bound to another is bound no more.
	Replay(ctx context.Context, id ID, now time.Time) error
	// Discard ends a dead letter for good; it is kept as discarded until its retention ends.
	Discard(ctx context.Context, id ID, now time.Time) error
	// MessageStatus returns the furthest status of an outbound message; participant is empty except in groups.
	MessageStatus(ctx context.Context, phoneNumberID, messageID, participant string) (*StatusUpdate, error)

	// SetPause pauses a scope for all receivers. While a pause of the scope is in force at now, its Until and Level only
	// grow, and Code goes with Until; one that has ended is replaced.
	SetPause(ctx context.Context, pause Pause, now time.Time) error
	// ClearPause ends the pause of a scope, if there is one, and forgets its level.
	ClearPause(ctx context.Context, scope string) error
	// Pauses returns the pauses that end after since, the last to end first, at most MaxPauses. Since may lie in the
	// past, to learn of the levels of pauses that ended lately.
	Pauses(ctx context.Context, since time.Time) ([]Pause, error)

	// AcquireLeadership gives a duty to holder until the given time, unless somebody else has it at now. It returns whether holder
	// has it, and what was last noted of it. A holder prolongs its duty so, and gives it back with until at now.
	AcquireLeadership(ctx context.Context, duty, holder string, now, until time.Time) (held bool, note []byte, err error)
	// PublishState notes something of a duty for the others, or returns ErrLeaseLost when it was given to another since.
	PublishState(ctx context.Context, duty, holder string, note []byte) error

	// Stats returns the figures that health is judged by; its cost does not grow with the history.
	Stats(ctx context.Context, now time.Time) (Stats, error)
	// Totals counts all events by kind, type and state. It reads the whole history: for tools and tests.
	Totals(ctx context.Context) ([]Total, error)

	// Purge empties the payloads of events that were finished before payloads and the bodies of their replies, deletes
	// events that were finished before events with all that hangs on them, idle conversations, under all their names,
	// whose last message and human mode are as old, and pauses that ended as long ago; at most limit of each. It returns
	// how many events, conversations and pauses it changed. Pending events and dead letters are never touched.
	Purge(ctx context.Context, payloads, events time.Time, limit int) (int, error)
	// Ping returns an error when the store could not accept an event now.
	Ping(ctx context.Context) error
	Close() error
}
