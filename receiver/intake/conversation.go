// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// messageEvent is an event of the sender's conversation. Its key is the phone number and the message id.
func messageEvent(item whatsapp.Item, now time.Time) store.Event {
	message, err := item.Message()
	if err != nil {
		return skippedEvent(store.KindUnknown, item, now)
	}

	number := string(item.Metadata.PhoneNumberID)

	id := []string{string(message.ID)}
	if message.ID == "" {
		id = contentKey(item, now)
	}

	event := store.Event{
		ID:      store.NewID(store.KindMessage, append([]string{number}, id...)...),
		Kind:    store.KindMessage,
		Type:    truncate(string(message.Type)),
		State:   store.Pending,
		Class:   store.Conversations,
		Lane:    message.Conversation(number),
		Aliases: message.Aliases(number),
	}
	if at := whatsapp.SentAt(message.Timestamp, now); at.Before(now) {
		event.SentAt = at
	}

	return event
}
