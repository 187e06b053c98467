// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package intake takes a delivery apart into the events that are stored of it: what each is, which lane it is in, and by what
// it is known again.
package intake

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/notice"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/tracing"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

const (
	// maxType bounds what is kept of a type that Meta names.
	maxType = 64
	// statusLanes spreads the statuses of a number over lanes that are worked at the same time.
	statusLanes = 64
)

// Events takes a delivery apart into what is stored of it, with the trace of ctx, and what the sink is told of it. Events of a number that is
// not among the configured ones, where there are any, are quarantined. The error is whatsapp.ErrNotJSON where the body
// is no JSON.
func Events(ctx context.Context, body []byte, settings config.Config, now time.Time) ([]store.Event, error) {
	items, err := whatsapp.Split(body)
	if err != nil {
		return nil, err
	}

	events := make([]store.Event, 0, len(items))

	parent := tracing.Parent(ctx)
	for _, item := range items {
		item.Trace = parent

		payload, err := json.Marshal(item)
		if err != nil {
			return nil, fmt.Errorf("encode event: %w", err)
		}

		for _, event := range identify(item, now) {
			event.PhoneNumberID = string(item.Metadata.PhoneNumberID)
			event.Payload = payload

			event.ReceivedAt = now
			if foreign(event.PhoneNumberID, settings.CloudAPI.PhoneNumberIDs) {
				event.State = store.Quarantined
				event.Lane = ""
				event.Alias = ""
				event.Status = nil
			} else if settings.Notifications.SinkURL != "" {
				events = append(events, announce(event, item)...)
			}

			events = append(events, event)
		}
	}

	return events, nil
}

// identify says what an item is, and which deliveries of it are the same event.
func identify(item whatsapp.Item, now time.Time) []store.Event {
	switch item.Part {
	case whatsapp.PartMessage:
		return []store.Event{messageEvent(item)}
	case whatsapp.PartStatus:
		return []store.Event{statusEvent(item, now)}
	case whatsapp.PartError:
		event := keptEvent(store.KindError, item)
		event.State = store.Pending
		event.Class = store.Statuses
		event.Lane = "errors:" + string(item.Metadata.PhoneNumberID)

		return []store.Event{event}
	case whatsapp.PartField:
		return append(echoEvents(item), keptEvent(store.KindField, item))
	default:
		return []store.Event{keptEvent(store.KindUnknown, item)}
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
		ID:    store.NewID(store.KindMessage, number, id),
		Kind:  store.KindMessage,
		Type:  bounded(string(message.Type)),
		State: store.Pending,
		Class: store.Conversations,
		Lane:  message.Conversation(number),
		Alias: message.Alias(number),
	}
}

// statusEvent is the same event when number, message, status, participant and type are. The store applies it at once;
// what follows from it is work of a class of its own.
func statusEvent(item whatsapp.Item, now time.Time) store.Event {
	status, err := whatsapp.ParseStatus(item.Raw)
	if err != nil || status.MessageID == "" {
		return keptEvent(store.KindUnknown, item)
	}

	number := string(item.Metadata.PhoneNumberID)

	update := &store.StatusUpdate{
		PhoneNumberID: number,
		MessageID:     string(status.MessageID),
		Participant:   string(status.Participant),
		Type:          bounded(string(status.Type)),
		Status:        bounded(string(status.Status)),
		Rank:          status.Rank(),
		At:            whatsapp.UnixTime(status.Timestamp, now),
		ErrorCode:     status.ErrorCode,
	}
	if event, part, ok := whatsapp.ParseCallback(string(status.Callback)); ok {
		if id, err := store.ParseID(event); err == nil {
			update.ReplyTo = id
			update.ReplyPart = part
		}
	}
	// A failure may say something of the person, so its lane has the conversation's name. All others are spread.
	lane := status.Lane(number)
	if status.Status != "failed" || lane == "" {
		lane = fmt.Sprintf("status:%s:%d", number, store.NewID(store.KindMessage, update.MessageID)[0]%statusLanes)
	}

	return store.Event{
		ID:     store.NewID(store.KindStatus, number, update.MessageID, string(status.Status), update.Participant, string(status.Type)),
		Kind:   store.KindStatus,
		Type:   update.Status,
		Status: update,
		State:  store.Pending,
		Class:  store.Statuses,
		Lane:   lane,
	}
}

// echoEvents put what a colleague sent from the WhatsApp Business app into the person's conversation, where it silences
// the AI.
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
			ID:    store.NewID(store.KindField, number, item.Field, string(echo.ID)),
			Kind:  store.KindField,
			Type:  bounded(item.Field),
			State: store.Pending,
			Class: store.Conversations,
			Lane:  lane,
			Alias: echo.Alias(number),
		})
	}

	return events
}

// keptEvent is the same event when everything that Meta said is, however it is spaced.
func keptEvent(kind store.Kind, item whatsapp.Item) store.Event {
	return store.Event{
		ID:    store.NewID(kind, item.WABAID, item.Time, item.Field, string(item.Metadata.PhoneNumberID), compact(item.Raw)),
		Kind:  kind,
		Type:  bounded(item.Field),
		State: store.Skipped,
	}
}

// announce tells the sink of messages, without what they say, and of all that is only kept, as it came.
func announce(event store.Event, item whatsapp.Item) []store.Event {
	n := notice.Notice{
		Source:  notice.Number(event.PhoneNumberID),
		Subject: event.ID.String(),
		Time:    event.ReceivedAt,
	}
	switch {
	case event.Kind == store.KindMessage:
		n.Type = notice.MessageReceived
		n.Data, _ = json.Marshal(map[string]string{"type": event.Type}) // of strings: it cannot fail
	case event.State == store.Skipped:
		n.Type = notice.AccountPrefix + bounded(cmp.Or(item.Field, "unknown"))

		n.Data = item.Raw
		if event.PhoneNumberID == "" {
			n.Source = notice.BusinessAccount(item.WABAID)
		}
	default:
		return nil
	}

	return []store.Event{n.Event("")}
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
