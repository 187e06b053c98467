// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"encoding/json"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// echoEvents are the messages that were sent from the WhatsApp Business app, each as an event of the conversation that it
// went to, and the rest of the change. A colleague's message takes the conversation over when the store ingests it.
func echoEvents(item whatsapp.Item, settings config.Config, now time.Time) []parsedEvent {
	number := string(item.Metadata.PhoneNumberID)

	var events []store.Event

	each, rest := whatsapp.SplitEchoes(item.Raw, func(echo whatsapp.Echo) bool {
		lane, aliases := echo.Conversation(number)
		if lane == "" || echo.ID == "" {
			return false
		}

		event := fieldMessage(whatsapp.FieldEchoes, number, echo.ID, lane, aliases)
		event.Takeover = echoTakeover(echo, settings, now)
		events = append(events, event)

		return true
	})

	return splitEvents(item, events, each, rest, now)
}

// fieldMessage is an event of a conversation: a message of another field than messages, which needs no processing.
func fieldMessage(field, number string, id whatsapp.Text, lane string, aliases []string) store.Event {
	return store.Event{
		ID:      fieldMessageID(field, number, id),
		Kind:    store.KindField,
		Type:    field,
		State:   store.Done,
		Class:   store.Conversations,
		Lane:    lane,
		Aliases: aliases,
	}
}

func fieldMessageID(field, number string, id whatsapp.Text) store.ID {
	return store.NewID(store.KindField, number, field, string(id))
}

// splitEvents returns the events of a change, each with its own part of the item, and an event for the rest.
func splitEvents(
	item whatsapp.Item,
	events []store.Event,
	each []json.RawMessage,
	rest json.RawMessage,
	now time.Time,
) []parsedEvent {
	parsed := make([]parsedEvent, 0, len(events)+1)
	add := func(event store.Event, raw json.RawMessage) {
		part := item
		part.Raw = raw
		parsed = append(parsed, parsedEvent{Event: event, item: part})
	}

	for i, event := range events {
		add(event, each[i])
	}

	add(skippedEvent(store.KindField, item, now), rest)

	return parsed
}

// echoTakeover returns the takeover by a colleague who wrote the message, if one did.
func echoTakeover(echo whatsapp.Echo, settings config.Config, received time.Time) *store.Takeover {
	if !echo.IsWritten() {
		return nil
	}

	return takeover(store.Colleague, echo.Timestamp, settings, received)
}

// handoverEvent is an event of the conversation whose control Meta reports as given to another responder or to this app.
func handoverEvent(item whatsapp.Item, settings config.Config, now time.Time) store.Event {
	event := skippedEvent(store.KindField, item, now)
	number := string(item.Metadata.PhoneNumberID)

	handover, err := whatsapp.ParseHandover(item.Raw)
	if err != nil {
		return event
	}

	lane, aliases := handover.Conversation(number)
	if number == "" || lane == "" {
		return event
	}

	event.Takeover = handoverTakeover(handover, settings, now)
	if event.Takeover == nil {
		return event
	}

	event.State = store.Done
	event.Class = store.Conversations
	event.Lane = lane
	event.Aliases = aliases

	return event
}

// handoverTakeover returns the takeover by another responder, or its end. It returns nil for other types.
func handoverTakeover(handover whatsapp.Handover, settings config.Config, received time.Time) *store.Takeover {
	switch handover.Type {
	case whatsapp.ControlTaken:
		return takeover(store.OtherResponder, handover.Timestamp, settings, received)
	case whatsapp.ControlPassed:
		return &store.Takeover{At: sentAt(handover.Timestamp, received), Preserves: PreservedHolders(settings)}
	}

	return nil
}

// PreservedHolders returns the holders whose takeover stays when Meta gives a conversation to another responder or to this app:
// people who attend to the person in any case. A handoff that passed the conversation to the other responder ends when the
// conversation comes back.
func PreservedHolders(settings config.Config) store.Holders {
	if settings.Processing.PassThreadControl {
		return store.Holders{store.Colleague, store.Desk}
	}

	return store.Holders{store.Colleague, store.Desk, store.HandedOff}
}

func takeover(by store.Holder, timestamp whatsapp.Text, settings config.Config, received time.Time) *store.Takeover {
	at := sentAt(timestamp, received)

	change := &store.Takeover{
		By:    by,
		Until: at.Add(settings.Processing.HandoffDuration),
		At:    at,
	}
	if by == store.OtherResponder {
		change.Preserves = PreservedHolders(settings)
	}

	return change
}

// TakeoverOf returns the takeover of a stored echo or handover, for events whose takeover was not applied when they were
// stored: a replayed quarantined event, or an event of an older version. It returns nil if it changes nothing.
func TakeoverOf(event store.Event, item whatsapp.Item, settings config.Config) *store.Takeover {
	if item.Field == whatsapp.FieldHandovers {
		handover, err := whatsapp.ParseHandover(item.Raw)
		if err != nil {
			return nil
		}

		return handoverTakeover(handover, settings, event.ReceivedAt)
	}

	if item.Field == whatsapp.FieldStandby {
		return standbyTakeoverOf(event, item, settings)
	}

	for _, echo := range whatsapp.ParseEchoes(item.Raw) { // an older version stored all echoes of the change
		if fieldMessageID(whatsapp.FieldEchoes, string(item.Metadata.PhoneNumberID), echo.ID) == event.ID {
			return echoTakeover(echo, settings, event.ReceivedAt)
		}
	}

	return nil
}

// sentAt returns the time of an event at its source, or of its receipt if Meta sends none, or one in the future.
func sentAt(timestamp whatsapp.Text, now time.Time) time.Time {
	at := whatsapp.UnixTime(timestamp, now)
	if at.After(now) {
		return now
	}

	return at
}
