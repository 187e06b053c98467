// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/handoff"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logevent"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/medialink"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/notice"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// forPeople returns the events that report a message to people who have the conversation: one event for the desk, or a notice
// if there is no desk. A colleague sees the message in the app. Another responder gets it from Meta.
func (e *Engine) forPeople(ctx context.Context, a *attempt) []store.Event {
	holder := e.holder(ctx, a)
	if holder != store.HandedOff && holder != store.Desk {
		return nil
	}

	var events []store.Event

	for _, event := range slices.Concat([]store.Event{a.work.Event}, a.work.Coalesced) {
		m, err := a.inboundOf(event)
		if err != nil {
			e.Log.Error("message not announced to people", logevent.EventID, event.ID, "error", err)
			continue
		}

		if a.settings.Handoff.URL == "" {
			events = append(events, m.notice(notice.MessageForPeople, e.Clock.Now(), map[string]any{"type": event.Type})...)
			continue
		}

		if request, ok := e.deskEvent(m, m.forDesk(handoff.HumanMessage), strconv.Itoa(m.work.Replays)); ok {
			events = append(events, request)
		}
	}

	return events
}

// holder returns the holder of the conversation, or its holder when the message arrived.
func (e *Engine) holder(ctx context.Context, a *attempt) store.Holder {
	if a.pendingStep.Takeover != nil {
		return a.pendingStep.Takeover.By
	}

	current, err := e.Store.Conversation(ctx, a.lease.Lane) // it may have changed during the attempt
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		e.Log.Error("reading the holder of a conversation failed", logevent.EventID, a.work.Event.ID, "error", err)

		return a.work.Conversation.Takeover.By
	}

	return current.Takeover.By
}

// inboundOf returns an attempt at one of the events that the attempt is about, as Meta delivered it.
func (a *attempt) inboundOf(event store.Event) (*attempt, error) {
	work := *a.work
	work.Event = event
	work.Replays = 0 // people get a message once, however often it is replayed

	if event.ID != a.work.Event.ID {
		work.Transcript = ""
	}

	of := &attempt{inbound: inbound{head: a.head}}
	of.work = &work

	err := of.decode()

	return of, err
}

// forDesk returns the request to the desk about the message.
func (a *attempt) forDesk(method assistant.Method) handoff.Message {
	m := handoff.Message{Method: method, Common: a.common()}

	if a.message.ID == "" { // an outbound message to a person of whom no message is stored
		return m
	}

	m.Type = string(a.message.Type)
	m.Text = cmp.Or(a.work.Transcript, a.plainText())
	m.Message = a.message.Raw

	if heard := a.pendingStep.Transcript; heard != nil && *heard != "" {
		m.Text = *heard
	}

	if file, ok := a.message.Media(); ok {
		m.Media = &handoff.Media{
			Type:     string(a.message.Type),
			MimeType: string(file.MimeType),
			Filename: string(file.Filename),
			Caption:  string(file.Caption),
			Voice:    bool(file.Voice),
		}
	}

	return m
}

// deskEvent returns a request to the desk as an event of the conversation.
func (e *Engine) deskEvent(a *attempt, m handoff.Message, occurrence string) (store.Event, bool) {
	event, err := m.Event(a.lease.Lane, occurrence, e.Clock.Now())
	if err != nil {
		e.Log.Error("encoding a request to the desk failed", logevent.EventID, a.work.Event.ID, "error", err)
	}

	return event, err == nil
}

// handOffToDesk returns the event that reports the handoff to the desk, or none without a desk.
func (e *Engine) handOffToDesk(a *attempt, takeover *store.Takeover, reason string) []store.Event {
	if a.settings.Handoff.URL == "" {
		return nil
	}

	m := a.forDesk(handoff.HandedOff)
	m.Reason = &reason
	m.Until = new(takeover.Until.UTC())

	if a.isOutbound() && a.outbound.Question != "" {
		m.EventID = a.outbound.Question
		m.ReceivedAt = a.outbound.AskedAt
	}

	event, ok := e.deskEvent(a, m, notice.HandoffOccurrence(takeover.At))
	if !ok {
		return nil
	}

	return []store.Event{event}
}

// maxDeskCalls bounds the calls to the desk at a time, so that a desk that hangs delays no notice.
const maxDeskCalls = noticeCapacity / 2

// deskBusyDelay is the wait of a desk event while the maximum number of calls is in progress.
const deskBusyDelay = time.Second

// callDesk makes a request to the desk.
func (e *Engine) callDesk(ctx context.Context, h head) error {
	if err := h.checkStarts(); err != nil {
		return err
	}

	select {
	case e.deskCalls <- struct{}{}:
		defer func() { <-e.deskCalls }()
	default:
		return &postponed{until: e.Clock.Now().Add(deskBusyDelay), reason: "waiting for other calls to the desk"}
	}

	m, err := handoff.Decode(h.work.Event.Payload)
	if err != nil {
		return unreadable(handoff.Op, "the stored request cannot be decoded")
	}

	if id, err := store.ParseID(m.EventID); err == nil && m.Media != nil {
		m.Media.URL = medialink.URL(h.settings, id, e.Clock.Now())
	}

	sentAt := whatsapp.SentAt(whatsapp.Text(m.Timestamp), m.ReceivedAt)
	m.AgeSeconds = int64(max(0, e.Clock.Since(sentAt)) / time.Second)

	if m.Method == handoff.HandedOff {
		m.History, err = e.deskHistory(ctx, handoff.Conversation(h.work.Event.Lane), m.EventID)
		if err != nil && !e.mayLackHistory(h, err) {
			return err
		}
	}

	body, err := json.Marshal(m)
	if err != nil {
		return unreadable(handoff.Op, "the stored request cannot be encoded")
	}

	err = e.Desk.Post(ctx, h.work.Event.ID.String(), body)
	e.recordCall(handoff.Op, err)

	return err
}

// The limits of the history that the desk gets with a handoff.
const (
	deskTurns      = 10
	deskCharacters = 8000
	deskMemory     = 24 * time.Hour
)

// deskHistory returns the last turns of a conversation before an event, for people who have not seen it.
func (e *Engine) deskHistory(ctx context.Context, conversation, event string) ([]handoff.Turn, error) {
	id, err := store.ParseID(event)
	if err != nil {
		return nil, unreadable(handoff.Op, "the stored request names no event")
	}

	before, err := e.storedState(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}

	if err != nil {
		return nil, fmt.Errorf("look up the message that was handed off: %w", err)
	}

	since := e.Clock.Now().Add(-deskMemory)

	records, err := e.Store.History(ctx, conversation, before.Seq, since, eventsPerTurn*deskTurns)
	if err != nil {
		return nil, ofStore(fmt.Errorf("read the last turns of the conversation: %w", err))
	}

	var m memory
	for _, record := range slices.Backward(records) {
		m.add(record, store.Takeover{})
	}

	var turns []handoff.Turn

	for _, turn := range m.newest(deskTurns, deskCharacters) {
		if turn.Role != assistant.FromHandoff {
			turns = append(turns, handoff.Turn{
				From: string(turn.Role),
				Text: turn.Text,
				At:   turn.At.UTC(),
			})
		}
	}

	return turns, nil
}
