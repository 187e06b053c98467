// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/intake"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/outbound"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// Failure codes of the engine.
const (
	codeAbandoned   = "abandoned"  // the process ended during every attempt
	codeUnreadable  = "unreadable" // the stored event cannot be decoded
	codeUnconfirmed = "in_doubt"   // the outcome of a send stayed unknown and no attempt is left
	codeNoSender    = "no_sender"  // Meta names neither the person nor the group of a message
	codeNoNumber    = "no_number"  // Meta does not name the phone number that a message came to
	codeSample      = "test"       // a message is a sample of Meta's App Dashboard
)

// opProcess is the operation of failures that no call caused.
const opProcess = "process event"

// head is the event at the head of a leased lane, with the settings of this attempt.
type head struct {
	lease    store.LeaseRef
	work     *store.Work
	settings *config.Snapshot
	queued   bool      // the lane waited for a scope when it was leased
	isOnly   bool      // it was the only event of its lane when it was leased, a moment ago
	now      time.Time // when the attempt began
}

// ai returns the AI of the settings with which an attempt began.
func (e *Engine) ai(h head) assistant.AI { return e.Assistant.Of(h.settings) }

// checkSettings returns an error that begins an attempt again if the configuration has changed since it began. The AI is
// asked next, which may be another now or have another key.
func (e *Engine) checkSettings(h head) error {
	if h.settings == e.Live.Current() {
		return nil
	}

	return &postponed{until: e.Clock.Now(), reason: "the configuration has changed"}
}

// attemptNumber returns the number of this attempt, from 1, for the X-Attempt header.
func (h head) attemptNumber() int {
	number := h.work.Attempts + 1
	if h.work.Replays == 0 {
		number += h.first().Attempts
	}

	return number
}

// callID returns the id by which the AI and the gate know the event, which is the same for all attempts.
func (h head) callID() store.ID { return h.first().Event }

// replays returns how often the event was replayed by hand, for the AI.
func (h head) replays() int { return h.first().Replays + h.work.Replays }

// first returns the event that was tried first. It differs from the event only for a report that was moved to its own lane.
func (h head) first() intake.FirstReport {
	if first, ok := intake.ParseOwnReportLane(h.work.Event.Lane); ok {
		return first
	}

	return intake.FirstReport{Event: h.work.Event.ID}
}

// inbound is a head that Meta delivered, or that is about a message that Meta delivered, decoded.
type inbound struct {
	head
	item whatsapp.Item
	// outbound is what an outbound message or an answer deadline stores; zero for other events.
	outbound outbound.Message
}

func (i *inbound) decode() error {
	if kind := i.work.Event.Kind; kind == store.KindOutbound || kind == store.KindAnswerDeadline {
		message, err := outbound.Decode(i.work.Event.Payload)
		if err != nil {
			return unreadable(opProcess, "the stored message cannot be decoded")
		}

		i.outbound = message
		i.item = message.Item

		return nil
	}

	item, err := whatsapp.Decode(i.work.Event.Payload)
	if err != nil {
		return unreadable(opProcess, "the stored event cannot be decoded")
	}

	i.item = item

	return nil
}

func unreadable(op, text string) *failure.Error {
	return &failure.Error{
		Class: failure.Permanent,
		Op:    op,
		Code:  codeUnreadable,
		Text:  text,
	}
}

// number returns the id of the business phone number that Meta delivered the event for.
func (i *inbound) number() string { return string(i.item.Metadata.PhoneNumberID) }

// origin returns the part of a request body that all events have: the ids of the event, message, number, and group or
// person. The key of a group's conversation never names a person.
func (i *inbound) origin(messageID, timestamp, group whatsapp.Text, person whatsapp.Person) assistant.Common {
	return assistant.Common{
		SchemaVersion:      1,
		EventID:            i.callID().String(),
		Channel:            "whatsapp",
		WorkspaceID:        i.settings.Bird.WorkspaceID,
		AIEmployeeID:       i.settings.Bird.AIEmployeeID,
		PhoneNumberID:      i.number(),
		WABAID:             i.item.WABAID,
		MessagingAccountID: string(i.item.Metadata.MessagingAccountID),
		DisplayPhoneNumber: string(i.item.Metadata.DisplayPhoneNumber),
		MessageID:          string(messageID),
		Timestamp:          string(timestamp),
		ReceivedAt:         i.work.Event.ReceivedAt,
		AgeSeconds:         int64(max(0, i.now.Sub(i.sentAt(timestamp))) / time.Second),
		GroupID:            string(group),
		ConversationKey:    whatsapp.ConversationKey(i.number(), group, person),
		ConversationID:     optional(whatsapp.Text(i.work.Conversation.AIConversationID)),
	}
}

// sentAt returns when the event happened, by a timestamp of Meta's.
func (i *inbound) sentAt(timestamp whatsapp.Text) time.Time {
	return whatsapp.SentAt(timestamp, i.work.Event.ReceivedAt)
}

// optional returns nil, which is null in JSON, for a property that Meta left out.
func optional(t whatsapp.Text) *string {
	if t == "" {
		return nil
	}

	return new(string(t))
}
