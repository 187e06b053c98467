// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package store is the inbox: every event that Meta delivered, its processing so far, and the work still to do.
//
// Two engines implement [Store] and pass the same suite (package storetest). They guarantee:
//   - Ingest returns only after the events are durable.
//   - An event is stored once, however often and however concurrently it is delivered.
//   - The events of a lane are processed one at a time, in the order of their arrival.
//   - A caller that lost its lease cannot change anything.
package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

var (
	// ErrLeaseLost means that the caller's lease on the lane ended, or that another caller has one. The caller must stop.
	ErrLeaseLost = errors.New("the lease was lost")
	// ErrNotFound means that there is no such event, or that its state does not allow the call.
	ErrNotFound = errors.New("no such event")
	// ErrAlreadySent means that a status has confirmed the send of a reply, so the send must not start again.
	ErrAlreadySent = errors.New("the reply was already sent")
	// ErrBusy means that the queue of writes is full. The caller may retry later.
	ErrBusy = errors.New("the store is busy")
	// ErrTakenOver means that a takeover is active, so the AI's answer is not sent.
	ErrTakenOver = errors.New("people have the conversation")
	// ErrKey means that a stored value cannot be decrypted with the present keys. The caller may retry later, since an
	// administrator can add the key.
	ErrKey = errors.New("a stored value cannot be decrypted")
	// ErrAltered is an ErrKey that no key ends: the value was changed after it was encrypted, or moved from another event.
	ErrAltered = fmt.Errorf("%w: it was changed, or moved from another event", ErrKey)
	// ErrDamaged means that the file of the store cannot be read where a call needs it. Other calls may succeed.
	ErrDamaged = errors.New("the file of the store is damaged: check the store with POST /store/check on the console port, and check the disk")
	// ErrClosed means that the store was closed before the call started.
	ErrClosed = errors.New("the store is closed")
)

// Store is the whole inbox. It is safe for concurrent use. Times are stored in UTC with millisecond precision.
//
// Most callers need one of the embedded interfaces.
type Store interface {
	Inbox
	Queue
	Events
	DeadLetterQueue
	Takeovers
	Persons
	Pauser
	Elections
	Maintenance

	// Close completes the accepted writes, waits for other calls, and releases the store. Later calls return ErrClosed.
	Close() error
}

// Inbox stores delivered events.
type Inbox interface {
	// Ingest stores the events that are not stored yet, all or none, durably. It reports for each event whether it was
	// new.
	//
	// The same transaction makes the lanes of pending events due, updates the state of their conversations (see
	// [Conversation]), and merges statuses into the state of their message (see [StatusUpdate]).
	Ingest(ctx context.Context, events []Event) (fresh []bool, err error)
}

// Queue leases lanes to workers and records their progress.
type Queue interface {
	// Claim leases up to limit lanes of a class whose head is due at now, the longest due first, until the given time.
	// Its cost depends neither on the backlog, of this class or another, nor on the history.
	Claim(ctx context.Context, class Class, now, until time.Time, limit int) ([]Lease, error)

	// IngestAndClaim stores events as Ingest does, and leases lanes in the same transaction, as Claim does: idle lanes that a
	// new event makes due at offer.Now, up to the offered number of each class. It may lease fewer. If ctx ends, no lease
	// stays.
	IngestAndClaim(ctx context.Context, events []Event, offer Offer) (Arrival, error)

	// Renew extends leases and returns the lost ones.
	Renew(ctx context.Context, leases []LeaseRef, until time.Time) (lost []LeaseRef, err error)

	// Release ends a lease without progress. The lane is due at now, and the start does not count against its head.
	Release(ctx context.Context, lease LeaseRef, now time.Time) error

	// Advance records a step in the processing of event, the head of a leased lane, in one transaction.
	//
	// If the step ends the head, Advance returns the next pending event of the lane, which becomes the head. If there is none,
	// it returns nil and the lease has ended. If the step postpones the head, it returns nil and the lease has ended. In all
	// other cases it returns nil.
	//
	// On ErrLeaseLost, ErrAlreadySent and ErrTakenOver nothing was recorded. Advance returns ErrTakenOver for a step with
	// Sending while people have the conversation at step.Now, by the state before the step, unless the step is ByDesk or
	// Takeover.Event is this event.
	//
	// Repeating a step is safe: if an earlier call ended the event and its result was lost, Advance returns ErrLeaseLost.
	Advance(ctx context.Context, lease LeaseRef, event ID, step Step) (*Work, error)

	// ClaimWaiting leases up to limit lanes of a class that wait for a scope (see Outcome.WaitsFor), due or not, the
	// earliest RetryAt first, until the given time. Its cost does not depend on the lanes that wait for other scopes.
	//
	// A lane waits for a scope until it is claimed, by either call, a status confirms a send of its head, or a takeover
	// starts or ends.
	ClaimWaiting(ctx context.Context, class Class, scope string, until time.Time, limit int) ([]Lease, error)

	// Schedule returns when the lanes of each class are due, by class: Conversations, Statuses, Notices; and the pauses that
	// end after pausedSince, the last to end first, at most MaxPauses. A pausedSince in the past includes the levels of
	// pauses that ended recently. It is one cheap transaction, the only one of an idle receiver.
	Schedule(ctx context.Context, pausedSince time.Time) ([3]Schedule, []Pause, error)

	// RepairClock repairs times later than now, which a fast clock has set. Waiting lanes become due at now; leases expire, and
	// as with any lease their holders can record steps until the lane is claimed again; pauses and leaderships end. Messages
	// and takeovers get the time now, and a takeover keeps its length. Events that finished later finished now, so that their
	// retention is not longer.
	RepairClock(ctx context.Context, now time.Time) error

	// Peek returns up to limit pending events after the lane's head, in order: the events that a step may coalesce with
	// it (see Step.Coalesced). It omits events already coalesced with the head, and stops before an event that has a
	// reply of its own, is settled (see Step.Settled) or is coalesced with another. It returns ErrLeaseLost as Advance does.
	Peek(ctx context.Context, lease LeaseRef, limit int) ([]Event, error)
}

// Events reads stored events and the statuses of outbound messages.
type Events interface {
	// Get returns an event with its history, or ErrNotFound. With ErrKey it returns the event without its payload, its
	// transcript and the bodies of its replies.
	Get(ctx context.Context, id ID) (*Record, error)

	// List returns up to limit events that match a filter and whose Seq is greater than after, in order of arrival. It
	// is cheap for State Dead and for Kind error. With any other filter it walks the history until it reaches the limit.
	List(ctx context.Context, filter Filter, after int64, limit int) ([]Record, error)

	// Search returns up to limit events of a search whose Seq is less than before, the newest first. A before of 0 begins with
	// the newest. It scans a bounded number of events: a page may have fewer than limit records, or none, although there are
	// more. The records have no payload, transcript and replies.
	Search(ctx context.Context, search Search, before int64, limit int) (Page, error)

	// JobStates counts the events whose latest bulk replay is that of a job, by the state that they have now.
	JobStates(ctx context.Context, job string) (map[State]int64, error)

	// EventDetail returns an event with its replies, failures, coalesced events and statuses, or ErrNotFound.
	EventDetail(ctx context.Context, id ID) (*EventDetail, error)

	// Statuses returns the furthest statuses of outbound messages, of each participant of a group, at most MaxStatuses.
	Statuses(ctx context.Context, phoneNumberID string, messageIDs []string) ([]StatusUpdate, error)

	// History returns up to limit events of kinds message and outbound in a conversation whose Seq is less than before, the
	// newest first. A before of 0 begins with the newest. The name is any name of the person, and the events are those
	// stored under all of them, in any state. They have their replies and transcripts, but not their failures.
	//
	// Events that never were pending, and those whose payload was purged, are left out. The cost does not depend on the
	// length of the history.
	//
	// Of the events found, events that were received before since are left out. They are not decrypted, so that none of them
	// needs its key.
	History(ctx context.Context, name string, before int64, since time.Time, limit int) ([]Record, error)

	// Backlog returns how many outbound messages of a conversation are pending, at most limit. Its cost depends only on what
	// is pending in the conversation.
	Backlog(ctx context.Context, name string, limit int) (int, error)

	// MessageStatus returns the furthest status of an outbound message, or ErrNotFound. The participant is empty except
	// in groups.
	MessageStatus(ctx context.Context, phoneNumberID, messageID, participant string) (*StatusUpdate, error)
}

// DeadLetterQueue lists, replays and discards the events that were not answered: those in a state of [Replayable].
type DeadLetterQueue interface {
	// DeadLetters returns up to limit events of a selection whose Seq is greater than after, in order of arrival.
	DeadLetters(ctx context.Context, selection Selection, after int64, limit int) ([]Record, error)

	// Causes groups the events of a selection by state, phone number and code of the last failure, the largest first, at
	// most MaxCauses.
	Causes(ctx context.Context, selection Selection) ([]Cause, error)

	// ReplaySelected replays up to limit events of a selection whose Seq is greater than after, as Replay does, in one
	// transaction, and omits events that cannot be processed. It returns how many became pending, with the coalesced ones,
	// and the Seq to continue after; 0 if the selection has no further events.
	ReplaySelected(ctx context.Context, selection Selection, after int64, now time.Time, limit int) (n int, next int64, err error)

	// DiscardSelected discards up to limit events of a selection, like ReplaySelected.
	DiscardSelected(ctx context.Context, selection Selection, after int64, now time.Time, limit int) (n int, next int64, err error)

	// Replay makes an event in a state of Replayable pending again, in its place of the lane's order, with no attempts
	// spent. It returns ErrNotFound for an event in another state, and for an event that cannot be processed: its payload
	// was purged, or it was quarantined without a lane.
	//
	// If no part of its answer was sent, or may have been sent, except as Fallback, the answer is deleted, so that the AI
	// is asked again. Otherwise the rest of the answer is sent.
	//
	// An idle lane is due at now. A lane that is leased or waits for a retry stays so, and starts with its oldest event
	// afterwards. Events coalesced with the event are replayed with it; if the event itself is coalesced with
	// another, it is separated from it.
	Replay(ctx context.Context, id ID, now time.Time) error

	// Discard moves an event in a state of Replayable to the state discarded. It stays stored until its retention ends.
	Discard(ctx context.Context, id ID, now time.Time) error
}

// Takeovers shows and changes who has a conversation. A conversation is found by any name of its person.
type Takeovers interface {
	// Conversation returns the state of a conversation, or ErrNotFound.
	Conversation(ctx context.Context, name string) (Conversation, error)

	// Lane returns the name under which the events of a conversation are stored (see LeaseRef.Lane): the name itself unless
	// it was joined to another.
	Lane(ctx context.Context, name string) (string, error)

	// TakeOver changes who has a conversation, as an event with this Takeover would, or returns ErrNotFound. A lane that
	// is not leased is due at now, so that its events end or go on.
	TakeOver(ctx context.Context, name string, takeover Takeover, now time.Time) error

	// Recent returns up to limit conversations after a position, the one whose person wrote last first. Those of persons who
	// never wrote follow, by name.
	Recent(ctx context.Context, after Position, limit int) ([]NamedConversation, error)

	// TakenOver returns up to limit conversations that people have at now and whose name is greater than after, by name.
	TakenOver(ctx context.Context, now time.Time, after string, limit int) ([]NamedConversation, error)
}

// Pauser shares the pauses of rate-limited scopes among all receivers. Queue's Schedule returns them.
type Pauser interface {
	// SetPause pauses a scope. While a pause of the scope is in force at now, its Until and Level only grow, and Code
	// changes with Until. A pause that has ended is replaced.
	SetPause(ctx context.Context, pause Pause, now time.Time) error

	// ClearPause ends the pause of a scope, if there is one, and resets its level.
	ClearPause(ctx context.Context, scope string) error
}

// Elections elects one leader for each job among the receivers that share the store.
type Elections interface {
	// AcquireLeadership makes holder the leader of a job until the given time, unless another holder leads it at now. It
	// reports whether holder is the leader, and returns the last state that a leader of the job published.
	//
	// The leader renews by calling it again, and releases the job by passing until equal to now.
	AcquireLeadership(ctx context.Context, job, holder string, now, until time.Time) (held bool, state []byte, err error)

	// PublishState stores the leader's state for the other receivers. It returns ErrLeaseLost if another holder has
	// acquired the job since. A leader whose time is over may still publish as long as none has.
	PublishState(ctx context.Context, job, holder string, state []byte) error
}

// Maintenance observes the store and purges it.
type Maintenance interface {
	// Stats returns the figures for health checks and metrics. Its cost does not grow with the history.
	Stats(ctx context.Context, now time.Time) (Stats, error)

	// Totals counts all events by kind, type and state. It reads the entire history: use it in tools and tests only.
	Totals(ctx context.Context) ([]Total, error)

	// Purge removes the data that ended before the times of an expiry, at most limit entries of each kind, and returns the
	// number of changed events, conversations and pauses. Pending events stay.
	Purge(ctx context.Context, before Expiry, limit int) (int, error)

	// Ping returns an error if the store does not accept events.
	Ping(ctx context.Context) error
}
