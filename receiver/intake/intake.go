// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package intake turns a delivery into the events to store: the idempotency key, class and lane of each, and the notices
// for the sink. Whether an event is new is for the store to decide.
package intake

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
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

// maxType bounds the bytes that are stored of a type that Meta names.
const maxType = 64

// Events returns the events of a delivery, each with the trace of ctx in its payload, and the notices about them. If
// phone number ids are configured, events of other numbers are quarantined. The error is ErrNotJSON if the body is not
// JSON.
func Events(ctx context.Context, body []byte, settings config.Config, now time.Time) ([]store.Event, error) {
	items, err := whatsapp.Split(body)
	if err != nil {
		return nil, err
	}

	trace := tracing.Parent(ctx)
	events := make([]store.Event, 0, len(items))

	for _, item := range items {
		item.Trace = trace

		payload, err := json.Marshal(item)
		if err != nil {
			return nil, fmt.Errorf("encode event: %w", err)
		}

		for _, event := range itemEvents(item, settings, now) {
			event.PhoneNumberID = string(item.Metadata.PhoneNumberID)
			event.Payload = payload
			event.ReceivedAt = now

			if isForeign(event.PhoneNumberID, settings.CloudAPI.PhoneNumberIDs) {
				events = append(events, quarantined(event))
				continue
			}

			if n, ok := noticeOf(event, item); ok && settings.Notifications.SinkURL != "" {
				events = append(events, n)
			}

			events = append(events, event)
		}
	}

	return events, nil
}

// itemEvents returns the events of an item without the properties that all events of a delivery share.
func itemEvents(item whatsapp.Item, settings config.Config, now time.Time) []store.Event {
	switch item.Kind {
	case whatsapp.ItemMessage:
		return []store.Event{messageEvent(item)}
	case whatsapp.ItemStatus:
		return []store.Event{statusEvent(item, settings, now)}
	case whatsapp.ItemError:
		return []store.Event{errorEvent(item)}
	case whatsapp.ItemField:
		return append(echoEvents(item), skippedEvent(store.KindField, item))
	default:
		return []store.Event{skippedEvent(store.KindUnknown, item)}
	}
}

// skippedEvent returns an event to store without processing. Its key is everything that Meta sent about it, without
// insignificant white space.
func skippedEvent(kind store.Kind, item whatsapp.Item) store.Event {
	number := string(item.Metadata.PhoneNumberID)

	return store.Event{
		ID:    store.NewID(kind, item.WABAID, item.Time, item.Field, number, compact(item.Raw)),
		Kind:  kind,
		Type:  truncate(item.Field),
		State: store.Skipped,
	}
}

// quarantined takes an event of a foreign number out of its lane. Its status must not be applied either.
func quarantined(event store.Event) store.Event {
	event.State = store.Quarantined
	event.Lane = ""
	event.Aliases = nil
	event.Status = nil

	return event
}

// isForeign reports whether an event belongs to an unconfigured phone number. Events without a number, and all
// events if no numbers are configured, are not foreign.
func isForeign(phoneNumberID string, configured []string) bool {
	return phoneNumberID != "" && len(configured) > 0 && !slices.Contains(configured, phoneNumberID)
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
