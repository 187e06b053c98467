// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// standbyEvents returns the messages of conversations that another responder has, each as an event of its conversation, and the
// rest of the change. None is answered. Each starts a takeover at its own time: a later send by this app would take the
// conversation back, so waiting answers must not be sent.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/standby
func standbyEvents(item whatsapp.Item, settings config.Config, now time.Time) []parsedEvent {
	number := string(item.Metadata.PhoneNumberID)

	var events []store.Event

	each, rest := whatsapp.SplitStandby(item.Raw, func(standby whatsapp.Standby) bool {
		lane, aliases := standby.Conversation(number)
		if number == "" || lane == "" || standby.ID == "" {
			return false
		}

		event := fieldMessage(whatsapp.FieldStandby, number, standby.ID, lane, aliases)
		event.Takeover = standbyTakeover(standby, event.ID, settings, now)

		if standby.ByPerson { // the service window belongs to the number, not to a responder
			event.SentAt = whatsapp.SentAt(standby.Timestamp, now)
		}

		events = append(events, event)

		return true
	})

	return splitEvents(item, events, each, rest, now)
}

// standbyTakeover returns the takeover by another responder. It names the event that showed it.
func standbyTakeover(standby whatsapp.Standby, id store.ID, settings config.Config, received time.Time) *store.Takeover {
	t := takeover(store.OtherResponder, standby.Timestamp, settings, received)
	t.Event = id

	return t
}

// standbyTakeoverOf returns the takeover of a stored message on standby.
func standbyTakeoverOf(event store.Event, item whatsapp.Item, settings config.Config) *store.Takeover {
	var found *store.Takeover

	whatsapp.SplitStandby(item.Raw, func(standby whatsapp.Standby) bool {
		if id := fieldMessageID(whatsapp.FieldStandby, string(item.Metadata.PhoneNumberID), standby.ID); id == event.ID {
			found = standbyTakeover(standby, id, settings, event.ReceivedAt)
		}

		return false
	})

	return found
}

// StandbyOf reports whether an event is a message of a conversation that another responder has.
func StandbyOf(event store.Event) bool {
	return event.Kind == store.KindField && event.Type == whatsapp.FieldStandby && event.Takeover != nil
}
