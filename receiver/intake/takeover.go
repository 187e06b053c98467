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
	lane, aliases := echo.Conversation(number)
	if lane == "" || echo.ID == "" {
		return store.Event{}, false
	}

	return store.Event{
		ID:       echoID(echo, number),
		Kind:     store.KindField,
		Type:     whatsapp.FieldEchoes,
		State:    store.Done,
		Class:    store.Conversations,
		Lane:     lane,
		Aliases:  aliases,
		Takeover: echoTakeover(echo, settings, now),
	}, true
}

func echoID(echo whatsapp.Echo, number string) store.ID {
	return store.NewID(store.KindField, number, whatsapp.FieldEchoes, string(echo.ID))
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
		return &store.Takeover{At: sentAt(handover.Timestamp, received)}
	}

	return nil
}

func takeover(by store.Holder, timestamp whatsapp.Text, settings config.Config, received time.Time) *store.Takeover {
	at := sentAt(timestamp, received)

	return &store.Takeover{
		By:    by,
		Until: at.Add(settings.Processing.HandoffDuration),
		At:    at,
	}
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
		if echoID(echo, string(item.Metadata.PhoneNumberID)) == event.ID {
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
