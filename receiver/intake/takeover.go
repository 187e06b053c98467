// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// echoEvents are the messages that were sent from the WhatsApp Business app, each as an event of the conversation that it
// went to, and the rest of the change. A colleague's message takes the conversation over when the store ingests it.
func echoEvents(item whatsapp.Item, settings config.Config, now time.Time) []parsedEvent {
	number := string(item.Metadata.PhoneNumberID)

	var events []parsedEvent

	each, rest := whatsapp.SplitEchoes(item.Raw, func(echo whatsapp.Echo) bool {
		event, ok := echoEvent(echo, number, settings, now)
		if ok {
			events = append(events, parsedEvent{Event: event})
		}

		return ok
	})
	for i, raw := range each {
		events[i].item = item
		events[i].item.Raw = raw
	}

	field := parsedEvent{Event: skippedEvent(store.KindField, item, now), item: item}
	field.item.Raw = rest

	return append(events, field)
}

// echoEvent is an event of the person's conversation. ok is false if Meta names neither the message nor the person.
func echoEvent(echo whatsapp.Echo, number string, settings config.Config, now time.Time) (_ store.Event, ok bool) {
	lane := echo.Conversation(number)
	if lane == "" || echo.ID == "" {
		return store.Event{}, false
	}

	event := store.Event{
		ID:      store.NewID(store.KindField, number, whatsapp.FieldEchoes, string(echo.ID)),
		Kind:    store.KindField,
		Type:    whatsapp.FieldEchoes,
		State:   store.Done,
		Class:   store.Conversations,
		Lane:    lane,
		Aliases: names(echo.Alias(number)),
	}
	if echo.IsWritten() {
		at := sentAt(echo.Timestamp, now)
		event.State = store.Pending
		event.Takeover = &store.Takeover{
			By:    store.Colleague,
			Until: at.Add(settings.Processing.HandoffDuration),
			At:    at,
		}
	}

	return event, true
}

// handoverEvent is an event of the conversation whose control Meta reports as given to another responder or to this app.
func handoverEvent(item whatsapp.Item, settings config.Config, now time.Time) store.Event {
	event := skippedEvent(store.KindField, item, now)
	number := string(item.Metadata.PhoneNumberID)

	handover, err := whatsapp.ParseHandover(item.Raw)
	if err != nil || number == "" || handover.Conversation(number) == "" {
		return event
	}

	at := sentAt(handover.Timestamp, now)

	switch handover.Type {
	case whatsapp.ControlTaken:
		event.Takeover = &store.Takeover{
			By:    store.OtherResponder,
			Until: at.Add(settings.Processing.HandoffDuration),
			At:    at,
		}
	case whatsapp.ControlPassed:
		event.Takeover = &store.Takeover{At: at}
	default:
		return event
	}

	event.State = store.Done
	event.Class = store.Conversations
	event.Lane = handover.Conversation(number)
	event.Aliases = names(handover.Alias(number))

	return event
}

// sentAt returns the time of an event at its source, or of its receipt if Meta sends none, or one in the future.
func sentAt(timestamp whatsapp.Text, now time.Time) time.Time {
	at := whatsapp.UnixTime(timestamp, now)
	if at.After(now) {
		return now
	}

	return at
}
