// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"slices"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// messageEvent is an event of the sender's conversation. Its key is the phone number and the message id.
func messageEvent(item whatsapp.Item, now time.Time) store.Event {
	message, err := whatsapp.ParseMessage(item.Raw)
	if err != nil {
		return skippedEvent(store.KindUnknown, item, now)
	}

	number := string(item.Metadata.PhoneNumberID)

	id := []string{string(message.ID)}
	if message.ID == "" {
		id = contentKey(item, now)
	}

	return store.Event{
		ID:      store.NewID(store.KindMessage, append([]string{number}, id...)...),
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
