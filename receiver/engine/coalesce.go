// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	// maxCoalesced bounds the events behind a message that are looked at before the AI is asked about it.
	maxCoalesced = 20
	// maxDebounces bounds, in debounce intervals, how long a person who keeps writing can delay the answer.
	maxDebounces = 5
)

// coalesce determines the question: it waits until the person has sent no text for the debounce interval, applies the edits
// that arrived meanwhile, and skips a revoked message.
//
// The coalesced events are recorded before the AI is asked, and never change afterwards. The AI may have answered an
// attempt whose response was lost, so the Idempotency-Key must stand for the same texts in the next attempt.
func (e *Engine) coalesce(ctx context.Context, a *attempt) error {
	now := e.Clock.Now() // before the read: an event that it misses came later

	following, err := e.following(ctx, a)
	if err != nil {
		return err
	}

	if original, ok := changed(a.message); ok {
		return e.change(ctx, a, original, following, now)
	}

	q := newQuestion(a.message)
	for _, event := range a.work.Coalesced {
		q.take(event)
	}

	if err := e.markDeleted(ctx, a, q); err != nil {
		return err
	}

	return e.settle(ctx, a, q, following, now)
}

// following returns the events that follow the head of the lane. A message that arrived a moment ago is alone, so that
// nothing is read.
func (e *Engine) following(ctx context.Context, a *attempt) ([]store.Event, error) {
	if a.isOnly && a.settings.Processing.Debounce == 0 {
		return nil, nil
	}

	following, err := e.Store.Peek(ctx, a.lease, maxCoalesced)

	return following, ofStore(err)
}

// settle adds the events that follow a question in its lane, and records which of them end with it.
func (e *Engine) settle(ctx context.Context, a *attempt, q *question, following []store.Event, now time.Time) error {
	isSettled := a.work.Settled

	var interval time.Duration
	// The texts after a replayed message may be replayed later, between two attempts at it.
	if a.message.Type == "text" && !isSettled && a.work.Replays == 0 {
		interval = a.settings.Processing.Debounce
	}

	isOpen := !mayBeAsked(a.work)
	due := q.collect(following, a.work.Event.ReceivedAt, interval, isOpen)

	if q.isRevoked() || q.first().isRevoked() && !isSettled {
		a.skipRevoked(q.first(), isOpen)
		return nil
	}

	if waits(now, due, maxDebounces*interval) {
		return &postponed{
			until:    due,
			reason:   "waiting for further texts of the person",
			collects: true,
		}
	}

	if events := a.behindHead(q.events()); len(events) > 0 && !isSettled {
		if _, err := e.record(ctx, a.head, store.Step{Now: now, Coalesced: eventIDs(events)}); err != nil {
			return err
		}

		a.work.Coalesced = events
		a.work.Settled = true
	}

	a.message = q.first().message
	a.texts = q.texts()

	return nil
}

// mayBeAsked reports whether an earlier attempt may have asked the AI about a message without an answer: the question is
// settled, or the attempt ended with its process.
func mayBeAsked(work *store.Work) bool {
	isQuestion := work.Event.Kind == store.KindMessage && len(work.Replies) == 0

	return isQuestion && (work.Settled || work.Starts > 1)
}

// settles reports whether the step that ends the attempt must settle the question, because this attempt or an earlier one may
// have asked the AI. err is the error of this attempt. An attempt that ended with its process has left only its start in Starts,
// which the step resets.
func (a *attempt) settles(err error) bool {
	wait, isPostponed := errors.AsType[*postponed](err)
	isCollecting := isPostponed && wait.collects

	return a.isAsked && len(a.work.Replies) == 0 || mayBeAsked(a.work) && !isCollecting
}

// skipRevoked ends a revoked message, with its edits. If the AI was certainly not asked about it, the revocation ends too.
// Otherwise the AI is notified of the revocation when the revocation is the head of its lane.
func (a *attempt) skipRevoked(m *questionMessage, isOpen bool) {
	events := m.events
	if isOpen {
		events = slices.Concat(events, m.revokes)
	}

	a.pendingStep.Coalesced = eventIDs(a.behindHead(events))
	a.pendingStep.Settled = !isOpen
	a.skip(codeRevoked, deletedText)
}

// behindHead returns events without the head of the lane, which is an edit or a revocation if it came before its message.
func (a *attempt) behindHead(events []store.Event) []store.Event {
	return slices.DeleteFunc(slices.Clone(events), func(event store.Event) bool { return event.ID == a.work.Event.ID })
}

func eventIDs(events []store.Event) []store.ID {
	ids := make([]store.ID, 0, len(events))
	for _, event := range events {
		ids = append(ids, event.ID)
	}

	return ids
}

// waits reports whether the time until which an event waits has not come. A wait longer than the longest one comes from a clock that
// was ahead when the event was received, and is over.
func waits(now, until time.Time, longest time.Duration) bool {
	return now.Before(until) && until.Sub(now) <= longest+clockSkew
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}

	return b
}
