// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package intake turns a delivery into the events to store: the idempotency key, class and lane of each, and the notices
// for the sink. The store decides whether an event is new.
package intake

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/tracing"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// ErrNotJSON is the error for a body that is not one JSON value.
var ErrNotJSON = whatsapp.ErrNotJSON

// ProbeObject is the object of a delivery that has no events: a check with the app secret posts it to see
// that deliveries arrive. Meta sends none.
const ProbeObject = "whatsapp_webhook_probe"

// maxType bounds the bytes that are stored of a type that Meta names.
const maxType = 64

// Events returns the events of a delivery, each with the trace of ctx in its payload, and the notices about them. If phone
// number ids are configured, events of other numbers are quarantined, but not the message with which Meta's App Dashboard tests
// a webhook: it is stored like any message, and the engine skips it. A delivery of ProbeObject has no events. Events returns
// ErrNotJSON if the body is not JSON.
func Events(ctx context.Context, body []byte, settings config.Config, now time.Time) ([]store.Event, error) {
	items, err := whatsapp.Split(body)
	if err != nil {
		return nil, err
	}

	if isProbe(items) {
		return nil, nil
	}

	trace := tracing.Parent(ctx)
	events := make([]store.Event, 0, len(items))

	for _, item := range items {
		item.Trace = trace

		for _, parsed := range parseItem(item, settings, now) {
			event := parsed.Event
			event.PhoneNumberID = string(item.Metadata.PhoneNumberID)
			event.Payload = parsed.item.Encode()
			event.ReceivedAt = now

			if !isSample(event, item) && isForeign(event.PhoneNumberID, settings.CloudAPI.PhoneNumberIDs) {
				events = append(events, quarantined(event))
				continue
			}

			if settings.Notifications.SinkURL != "" {
				if n, ok := noticeOf(event, parsed.item); ok {
					events = append(events, n)
				}
			}

			events = append(events, event)
		}
	}

	return events, nil
}

func isProbe(items []whatsapp.Item) bool {
	return len(items) == 1 && items[0].Kind == whatsapp.ItemUnknown && items[0].Field == ProbeObject && items[0].WABAID == ""
}

// parsedEvent is an event without the properties that all events of a delivery share, and the item that it stores.
type parsedEvent struct {
	store.Event
	item whatsapp.Item
}

// parseItem returns the events of an item. Each stores its own part of the item, so that a delivery is stored about once.
func parseItem(item whatsapp.Item, settings config.Config, now time.Time) []parsedEvent {
	var event store.Event

	switch item.Kind {
	case whatsapp.ItemMessage:
		event = messageEvent(item, now)
	case whatsapp.ItemStatus:
		event = statusEvent(item, settings, now)
	case whatsapp.ItemError:
		event = errorEvent(item, now)
	case whatsapp.ItemField:
		switch item.Field {
		case whatsapp.FieldEchoes:
			return echoEvents(item, settings, now)
		case whatsapp.FieldCalls:
			return callEvents(item, now)
		case whatsapp.FieldStandby:
			return standbyEvents(item, settings, now)
		case whatsapp.FieldHandovers:
			event = handoverEvent(item, settings, now)
		default:
			event = skippedEvent(store.KindField, item, now)
		}
	default:
		event = skippedEvent(store.KindUnknown, item, now)
	}

	return []parsedEvent{{Event: event, item: item}}
}

// skippedEvent returns an event to store without processing. Its key is everything that Meta sent about it.
func skippedEvent(kind store.Kind, item whatsapp.Item, now time.Time) store.Event {
	number := string(item.Metadata.PhoneNumberID)
	key := append([]string{item.WABAID, item.Time, item.Field, number}, contentKey(item, now)...)

	return store.Event{
		ID:    store.NewID(kind, key...),
		Kind:  kind,
		Type:  truncate(item.Field),
		State: store.Skipped,
	}
}

// contentKey returns the key of an item without an id: its content without insignificant white space. Meta repeats some items
// verbatim, such as rate limits. If neither the content nor the entry has a time, the hour of receipt is part of the key. Equal
// items within an hour are then one event, and a redelivery in a later hour is another event.
func contentKey(item whatsapp.Item, now time.Time) []string {
	key := []string{compact(item.Raw)}
	if item.Time == "" && !bytes.Contains(item.Raw, []byte(`"timestamp"`)) {
		key = append(key, now.UTC().Truncate(time.Hour).Format(time.RFC3339))
	}

	return key
}

// quarantined returns an event of an unconfigured phone number as quarantined, in its lane, so it can be replayed once the
// number is configured. Its status and its takeover are not applied. An event without a lane, or a skipped one, cannot be
// replayed.
func quarantined(event store.Event) store.Event {
	switch {
	case event.State == store.Skipped:
		event.Lane = ""
		event.Aliases = nil
	case event.Lane != "":
		event.State = store.Quarantined
	}

	event.Status = nil
	event.Takeover = nil
	event.SentAt = time.Time{}

	return event
}

// isForeign reports whether an event belongs to an unconfigured phone number. Events without a number, and all
// events if no numbers are configured, are not foreign.
func isForeign(phoneNumberID string, configured []string) bool {
	return phoneNumberID != "" && len(configured) > 0 && !slices.Contains(configured, phoneNumberID)
}

// isSample reports whether an event is a message of Meta's App Dashboard that tests the webhook.
func isSample(event store.Event, item whatsapp.Item) bool {
	return event.Kind == store.KindMessage && item.IsSample()
}

func compact(raw json.RawMessage) string {
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		return string(raw)
	}

	return b.String()
}

// truncate bounds s to maxType bytes, at a character boundary.
func truncate(s string) string { return strings.ToValidUTF8(s[:min(len(s), maxType)], "") }
