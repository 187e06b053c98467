// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// sent shows a message that Meta accepted, and reports its statuses. The stand-in calls it within the call that sent the
// message.
func (m *meta) sent(message standin.SentMessage) {
	s := m.server

	person, known := s.chat.byNumber(message.To)
	if !known {
		return // from before a reset
	}

	eventID, _, _, _ := whatsapp.ParseCallback(message.Callback)
	sender, eventID := m.origin(eventID)
	m.remember(eventID, person.ID)
	s.stream.publish(StreamTyping, Typing{Person: person.ID})

	if reaction, ok := parseReaction(message); ok {
		s.chat.change(reaction.message, func(c *Message) { c.react(FromBusiness, reaction.emoji) })
	} else {
		shown := parseMessage(message)
		shown.Person = person.ID
		shown.EventID = eventID
		shown.At = s.clock.Now()
		shown.Sender = sender
		s.chat.add(shown)
	}

	select {
	case m.reports <- struct{}{}:
	default:
		s.journal.add(Trace{
			EventID: eventID,
			Person:  person.ID,
			Kind:    TraceServer,
			Level:   LevelWarning,
			Title:   "Too many messages at once: no status is reported for this one",
		})

		return
	}

	s.reports.Go(func() {
		defer func() { <-m.reports }()

		m.report(message, person, eventID)
	})
}

// tick is a status and the time from the message to it.
type tick struct {
	status standin.Status
	after  time.Duration
}

// ticks returns the statuses of a message, in the order in which they happen.
func (m *meta) ticks(message standin.SentMessage) []tick {
	pace := m.server.options.Ticks
	wanted := []string{StatusSent, StatusDelivered, StatusRead}
	after := []time.Duration{pace.Sent, pace.Delivered, pace.Read}

	var list []tick

	for i, status := range message.Statuses(wanted, m.server.clock.Now()) {
		list = append(list, tick{status, after[i]})
	}

	return list
}

// report delivers the statuses of a message one after the other, or the last first while they are out of order.
func (m *meta) report(message standin.SentMessage, person Person, eventID string) {
	ticks := m.ticks(message)
	reversed := m.server.faults.isOn(FaultOutOfOrder)
	began := time.Now()

	for _, t := range ticks {
		if !m.sleep(time.Until(began.Add(t.after))) {
			return
		}

		var failure *Failure
		if t.status.Code != 0 {
			failure = &Failure{Code: strconv.Itoa(t.status.Code), Text: t.status.Details}
		}

		m.server.chat.setStatus(message.ID, t.status.Status, failure)

		if !reversed {
			m.postStatus(t.status, person, eventID)
		}
	}

	if !reversed {
		return
	}

	m.server.journal.add(Trace{
		EventID: eventID,
		Person:  person.ID,
		Kind:    TraceFault,
		Level:   LevelWarning,
		Title:   "The statuses of this message are delivered in the reverse order",
		Detail:  "The receiver keeps the furthest one, so a late “sent” takes nothing back.",
		Code:    FaultOutOfOrder,
	})

	for _, t := range slices.Backward(ticks) {
		m.postStatus(t.status, person, eventID)
	}
}

func (m *meta) postStatus(status standin.Status, person Person, eventID string) {
	t := Trace{
		EventID: eventID,
		Person:  person.ID,
		Kind:    TraceStatus,
		Title:   "Status delivered to the receiver: " + status.Status,
	}
	if status.Code != 0 {
		t.Title += fmt.Sprintf(" (%d)", status.Code)
		t.Detail = status.Details
	}

	m.post(status.Delivery(), m.server.secrets.appSecret, t)
}
