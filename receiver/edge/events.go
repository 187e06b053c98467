// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// maxType bounds what is kept of a type that Meta names.
const maxType = 64

// Events takes a delivery apart into what is stored of it. Events of a number that is not among phoneNumberIDs, unless
// that is empty, are quarantined. The error is whatsapp.ErrNotJSON where the body is no JSON.
func Events(body []byte, phoneNumberIDs []string, now time.Time) ([]store.Event, error) {
	items, err := whatsapp.Split(body)
	if err != nil {
		return nil, err
	}
	events := make([]store.Event, 0, len(items))
	for _, item := range items {
		payload, err := json.Marshal(item)
		if err != nil {
			return nil, fmt.Errorf("encode event: %w", err)
		}
		event := identify(item, now)
		event.PhoneNumberID = string(item.Metadata.PhoneNumberID)
		event.Payload, event.ReceivedAt = payload, now
		if foreign(event.PhoneNumberID, phoneNumberIDs) {
			event.State, event.Lane, event.Status = store.Quarantined, "", nil
		}
		events = append(events, event)
	}
	return events, nil
}

// identify says what an item is, and which deliveries of it are the same event.
func identify(item whatsapp.Item, now time.Time) store.Event {
	switch item.Part {
	case whatsapp.PartMessage:
		return messageEvent(item)
	case whatsapp.PartStatus:
		return statusEvent(item, now)
	case whatsapp.PartError:
		return keptEvent(store.KindError, item)
	case whatsapp.PartField:
		return keptEvent(store.KindField, item)
	default:
		return keptEvent(store.KindUnknown, item)
	}
}

// messageEvent is the same event when number and message id are. It is work for the engine.
func messageEvent(item whatsapp.Item) store.Event {
	message, err := whatsapp.ParseMessage(item.Raw)
	if err != nil {
		return keptEvent(store.KindUnknown, item)
	}
	number := string(item.Metadata.PhoneNumberID)
	id := string(message.ID)
	if id == "" {
		id = compact(item.Raw)
	}
	return store.Event{
		ID: store.NewID(store.KindMessage, number, id), Kind: store.KindMessage, Type: bounded(string(message.Type)),
		State: store.Pending, Lane: message.Conversation(number),
	}
}

// statusEvent is the same event when number, message, status, participant and type are. The store applies it at once.
func statusEvent(item whatsapp.Item, now time.Time) store.Event {
	status, err := whatsapp.ParseStatus(item.Raw)
	if err != nil || status.MessageID == "" {
		return keptEvent(store.KindUnknown, item)
	}
	number := string(item.Metadata.PhoneNumberID)
	update := &store.StatusUpdate{
		PhoneNumberID: number, MessageID: string(status.MessageID), Participant: string(status.Participant),
		Type: bounded(string(status.Type)), Status: bounded(string(status.Status)), Rank: status.Rank(),
		At: whatsapp.UnixTime(status.Timestamp, now), ErrorCode: status.ErrorCode,
	}
	if event, part, ok := whatsapp.ParseCallback(string(status.Callback)); ok {
		if id, err := store.ParseID(event); err == nil {
			update.ReplyTo, update.ReplyPart = id, part
		}
	}
	return store.Event{
		ID:   store.NewID(store.KindStatus, number, update.MessageID, string(status.Status), update.Participant, string(status.Type)),
		Kind: store.KindStatus, Type: update.Status, State: store.Done, Status: update,
	}
}

// keptEvent is the same event when everything that Meta said is, however it is spaced.
func keptEvent(kind store.Kind, item whatsapp.Item) store.Event {
	return store.Event{
		ID:   store.NewID(kind, item.WABAID, item.Time, item.Field, string(item.Metadata.PhoneNumberID), compact(item.Raw)),
		Kind: kind, Type: bounded(item.Field), State: store.Kept,
	}
}

func compact(raw json.RawMessage) string {
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		return string(raw)
	}
	return b.String()
}

// foreign tells whether an event is of a number that is not ours to answer for. What belongs to no number is ours.
func foreign(phoneNumberID string, ours []string) bool {
	return phoneNumberID != "" && len(ours) > 0 && !slices.Contains(ours, phoneNumberID)
}

// bounded keeps the start of s, as whole characters.
func bounded(s string) string { return strings.ToValidUTF8(s[:min(len(s), maxType)], "") }
