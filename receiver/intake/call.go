// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// callEvents returns the calls of a change that persons made or accepted, each as an event that opens the service window of its
// conversation, and the rest of the change. Calls are not processed further.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages
func callEvents(item whatsapp.Item, now time.Time) []parsedEvent {
	var calls []whatsapp.Call

	each, rest := whatsapp.SplitCalls(item.Raw, item.Metadata, func(call whatsapp.Call) { calls = append(calls, call) })
	events := make([]parsedEvent, 0, len(each)+1)

	for i, raw := range each {
		part := item
		part.Raw = raw

		event := skippedEvent(store.KindField, part, now)
		if number := string(item.Metadata.PhoneNumberID); number != "" {
			event.Lane, event.Aliases = calls[i].Conversation(number)
			event.SentAt = whatsapp.SentAt(calls[i].Timestamp, now)
		}

		events = append(events, parsedEvent{Event: event, item: part})
	}

	if rest != nil {
		item.Raw = rest
		events = append(events, parsedEvent{Event: skippedEvent(store.KindField, item, now), item: item})
	}

	return events
}
