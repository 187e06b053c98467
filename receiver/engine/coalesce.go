// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

const (
	maxCoalesced = 20
	// maxDebounces bounds, in debounce intervals, how long a person who keeps writing can delay the answer.
	maxDebounces = 5
)

// coalesce waits until a person has sent no further text for the debounce interval, and sets the texts to ask with.
//
// The events that are answered together are recorded before Bird is asked, and never change afterwards: Bird may have
// answered an attempt whose answer was lost, so that the Idempotency-Key must stand for the same texts in the next one.
func (e *Engine) coalesce(ctx context.Context, a *attempt) error {
	interval := a.settings.Processing.Debounce
	if a.message.Type != "text" {
		return nil
	}

	joined := newTexts(a.message)
	defer func() { a.texts = joined.bodies }()

	if len(a.work.Coalesced) > 0 {
		for _, event := range a.work.Coalesced {
			joined.add(event)
		}

		return nil
	}

	// The texts after a replayed message may be replayed later, between two attempts at it.
	if wasAskedAlone := a.work.Attempts > 0 || a.work.Replays > 0; interval == 0 || wasAskedAlone {
		return nil
	}

	now := e.Clock.Now() // before the read: a text that it misses came later

	following, err := e.Store.Peek(ctx, a.lease, maxCoalesced)
	if err != nil {
		return err
	}

	coalesced, due := collectTexts(&joined, a.work.Event.ReceivedAt, interval, following)
	if now.Before(due) {
		return &postponed{until: due, reason: "waiting for further texts of the person"}
	}

	if len(coalesced) == 0 {
		return nil
	}

	if _, err := e.record(ctx, a.head, store.Step{Now: now, Coalesced: eventIDs(coalesced)}); err != nil {
		return err
	}

	a.work.Coalesced = coalesced

	return nil
}

// collectTexts adds to joined the events that follow a text received at first, each within the interval of the one before.
// It returns them, and the time from which on no further event can belong to them. The result depends only on the times
// of receipt: an attempt after a crash or a refused call finds the same, and a message that waited for the AI is not joined
// with a message of hours later.
func collectTexts(
	joined *joinedTexts,
	first time.Time,
	interval time.Duration,
	following []store.Event,
) ([]store.Event, time.Time) {
	last := first.Add(maxDebounces * interval)
	due := earlier(first.Add(interval), last)

	for i, event := range following {
		if !event.ReceivedAt.Before(due) || !joined.add(event) {
			return following[:i], time.Time{}
		}

		due = earlier(event.ReceivedAt.Add(interval), last)
	}

	if len(following) == maxCoalesced {
		due = time.Time{}
	}

	return following, due
}

// joinedTexts are the texts of messages that are answered together. All are of one person, also in a group.
type joinedTexts struct {
	sender whatsapp.Person
	ids    []whatsapp.Text
	bodies []string
}

func newTexts(m whatsapp.Message) joinedTexts {
	return joinedTexts{
		sender: m.Sender(),
		ids:    []whatsapp.Text{m.ID},
		bodies: []string{m.TextBody()},
	}
}

// add adds the text of an event, or the new wording of a text that was edited. It reports false for all other events.
func (t *joinedTexts) add(event store.Event) bool {
	if event.Kind != store.KindMessage {
		return false
	}

	item, err := whatsapp.Decode(event.Payload)
	if err != nil {
		return false
	}

	message, err := item.Message()
	if err != nil || message.GroupID != "" && message.Sender() != t.sender {
		return false
	}

	if message.Type == "text" {
		t.ids = append(t.ids, message.ID)
		t.bodies = append(t.bodies, message.TextBody())

		return true
	}

	edit, ok := message.Edit()
	if !ok || edit.Message.Type != "text" {
		return false
	}

	for i, id := range t.ids {
		if id == edit.OriginalID {
			t.bodies[i] = edit.Message.TextBody()
			return true
		}
	}

	return false
}

func eventIDs(events []store.Event) []store.ID {
	ids := make([]store.ID, 0, len(events))
	for _, event := range events {
		ids = append(ids, event.ID)
	}

	return ids
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}

	return b
}
