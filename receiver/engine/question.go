// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// question holds the messages of one request to the AI: a message and the texts coalesced with it, with the edits and
// revocations that arrived before the request.
type question struct {
	messages []*questionMessage
}

// questionMessage is a message of a question.
type questionMessage struct {
	message whatsapp.Message
	ids     []whatsapp.Text // of the message and of its edits: a later change may name either
	events  []store.Event   // the event of the message, unless it is the head of the lane, and those of its edits
	revokes []store.Event
	// isDeleted reports whether the person deleted the message before its replay.
	isDeleted bool
}

func newQuestion(m whatsapp.Message) *question {
	return &question{messages: []*questionMessage{{message: m, ids: []whatsapp.Text{m.ID}}}}
}

// first returns the message that the question is about.
func (q *question) first() *questionMessage { return q.messages[0] }

// texts returns the texts of the messages that were not revoked.
func (q *question) texts() []string {
	var texts []string

	for _, m := range q.messages {
		if !m.isRevoked() {
			texts = append(texts, m.message.TextBody())
		}
	}

	return texts
}

// events returns the events that end with the question. A revoked text ends as the head of its lane.
func (q *question) events() []store.Event {
	var events []store.Event

	for _, m := range q.messages {
		if !m.isRevoked() {
			events = append(events, m.events...)
		}
	}

	return events
}

// isRevoked reports whether all messages of the question were revoked.
func (q *question) isRevoked() bool {
	return !slices.ContainsFunc(q.messages, func(m *questionMessage) bool { return !m.isRevoked() })
}

func (m *questionMessage) isRevoked() bool { return len(m.revokes) > 0 || m.isDeleted }

// take adds an event that was recorded as a part of the question.
func (q *question) take(event store.Event) {
	if message, ok := messageOf(event); ok && !q.change(event, message, true) && message.Type == "text" {
		q.join(event, message)
	}
}

// collect adds the events that follow the question in its lane: texts, each within the interval of the one before, and the
// edits and revocations of its messages. Edits after the interval count only if the question is open: the AI was certainly
// not asked. Revocations always count.
//
// It returns the time from which on no further text can belong to the question; zero if it is complete. The texts depend
// only on the times of receipt: an attempt after a crash or a refused call finds the same, and a message that waited for
// the AI is not joined with a message of hours later.
func (q *question) collect(following []store.Event, from time.Time, interval time.Duration, isOpen bool) (due time.Time) {
	last := from.Add(maxDebounces * interval)
	due = earlier(from.Add(interval), last)
	joins := interval > 0

	for _, event := range following {
		joins = joins && event.ReceivedAt.Before(due)

		message, ok := messageOf(event)
		if !ok || !q.change(event, message, joins || isOpen) {
			joins = joins && ok && message.Type == "text" && q.isBySender(message)
			if joins {
				q.join(event, message)
			}
		}

		if joins {
			due = earlier(event.ReceivedAt.Add(interval), last)
		}
	}

	if !joins || len(following) == maxCoalesced {
		return time.Time{}
	}

	return due
}

// isBySender reports whether a message is by the person who asks. In a group others write too.
func (q *question) isBySender(message whatsapp.Message) bool {
	return message.GroupID == "" || message.Sender() == q.first().message.Sender()
}

func (q *question) join(event store.Event, message whatsapp.Message) {
	q.messages = append(q.messages, &questionMessage{
		message: message,
		ids:     []whatsapp.Text{message.ID},
		events:  []store.Event{event},
	})
}

// change adds an edit or a revocation of a message of the question. It reports false for all other events. An edit that
// does not apply changes nothing.
func (q *question) change(event store.Event, message whatsapp.Message, applies bool) bool {
	if id, ok := message.Revoke(); ok {
		m := q.find(id)
		if m != nil {
			m.revokes = append(m.revokes, event)
		}

		return m != nil
	}

	edit, ok := message.Edit()
	if !ok {
		return false
	}

	m := q.find(edit.OriginalID)
	if m == nil {
		return false
	}

	edited, fits := m.message.Edited(edit)
	if fits && applies {
		m.message = edited
		m.ids = append(m.ids, message.ID)
		m.events = append(m.events, event)
	}

	return fits
}

// find returns the message with an id, or nil.
func (q *question) find(id whatsapp.Text) *questionMessage {
	i := slices.IndexFunc(q.messages, func(m *questionMessage) bool { return slices.Contains(m.ids, id) })
	if i < 0 {
		return nil
	}

	return q.messages[i]
}

// messageOf returns the message of an event. It reports false for all other events.
func messageOf(event store.Event) (whatsapp.Message, bool) {
	if event.Kind != store.KindMessage {
		return whatsapp.Message{}, false
	}

	item, err := whatsapp.Decode(event.Payload)
	if err != nil {
		return whatsapp.Message{}, false
	}

	message, err := item.Message()

	return message, err == nil
}
