// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"slices"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// messageEvent is an event of the sender's conversation. Its key is the phone number and the message id.
func messageEvent(item whatsapp.Item) store.Event {
	message, err := whatsapp.ParseMessage(item.Raw)
	if err != nil {
		return skippedEvent(store.KindUnknown, item)
	}

	number := string(item.Metadata.PhoneNumberID)

	id := string(message.ID)
	if id == "" {
		id = compact(item.Raw)
	}

	return store.Event{
		ID:      store.NewID(store.KindMessage, number, id),
		Kind:    store.KindMessage,
		Type:    truncate(string(message.Type)),
		State:   store.Pending,
		Class:   store.Conversations,
		Lane:    message.Conversation(number),
		Aliases: names(append([]string{message.Alias(number)}, message.NewConversations(number)...)...),
	}
}

// names returns the given names without empty ones.
func names(all ...string) []string {
	all = slices.DeleteFunc(all, func(name string) bool { return name == "" })
	if len(all) == 0 {
		return nil
	}

	return all
}

// echoEvents are the messages that a colleague sent from the WhatsApp Business app, as events of the conversations that
// they went to: there they silence the AI.
func echoEvents(item whatsapp.Item) []store.Event {
	if item.Field != whatsapp.FieldEchoes {
		return nil
	}

	number := string(item.Metadata.PhoneNumberID)

	var events []store.Event

	for _, echo := range whatsapp.ParseEchoes(item.Raw) {
		lane := echo.Conversation(number)
		if lane == "" || echo.ID == "" {
			continue
		}

		events = append(events, store.Event{
			ID:      store.NewID(store.KindField, number, item.Field, string(echo.ID)),
			Kind:    store.KindField,
			Type:    truncate(item.Field),
			State:   store.Pending,
			Class:   store.Conversations,
			Lane:    lane,
			Aliases: names(echo.Alias(number)),
		})
	}

	return events
}
