// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"encoding/json"
	"errors"
	"slices"
)

const (
	// maxItems bounds the items of a delivery; Meta batches up to 1000. A longer list becomes one item of ItemUnknown.
	maxItems = 5000
	// maxCommon bounds the bytes of a value that every item of a list repeats. A list with a larger one becomes one item
	// of ItemUnknown.
	maxCommon = 4 << 10
)

// ObjectBusinessAccount is the only webhook object that Split parses.
const ObjectBusinessAccount = "whatsapp_business_account"

// FieldMessages is the only webhook field whose messages become items of ItemMessage. All other fields become items of
// ItemField: so messages on standby, whose conversations belong to Meta's own agent, and imported history are stored and
// never answered.
const FieldMessages = "messages"

// ErrNotJSON is the error for a body that is not one JSON value.
var ErrNotJSON = errors.New("the body is not valid JSON")

// Split splits a delivery into items, one per message, status, error and change. An element that cannot be parsed becomes
// an item of ItemUnknown and does not affect the others. The only error is ErrNotJSON.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview
func Split(body []byte) ([]Item, error) {
	var delivery struct {
		Object Text              `json:"object"`
		Entry  []json.RawMessage `json:"entry"`
	}

	err := json.Unmarshal(body, &delivery)
	if _, broken := errors.AsType[*json.SyntaxError](err); broken {
		return nil, ErrNotJSON
	}

	entries := len(delivery.Entry)
	if err != nil || delivery.Object != ObjectBusinessAccount || entries == 0 || entries > maxItems {
		return []Item{{
			Kind:  ItemUnknown,
			Field: string(delivery.Object),
			Raw:   body,
		}}, nil
	}

	var items []Item
	for _, entry := range delivery.Entry {
		items = splitEntry(items, entry)
	}

	return items, nil
}

// splitEntry appends the items of an entry.
func splitEntry(items []Item, raw json.RawMessage) []Item {
	var entry struct {
		ID      Text              `json:"id"`
		Time    Text              `json:"time"`
		Changes []json.RawMessage `json:"changes"`
	}

	err := json.Unmarshal(raw, &entry)
	origin := Item{WABAID: string(entry.ID), Time: string(entry.Time)}
	tooMany := len(items)+len(entry.Changes) > maxItems
	tooLarge := len(entry.ID)+len(entry.Time) > maxCommon

	if err != nil || len(entry.Changes) == 0 || tooMany || tooLarge {
		return append(items, origin.with(ItemUnknown, raw))
	}

	for _, change := range entry.Changes {
		items = splitChange(items, origin, change)
	}

	return items
}

// with returns a copy of the item with another kind and content.
func (i Item) with(kind ItemKind, raw json.RawMessage) Item {
	i.Kind = kind
	i.Raw = raw

	return i
}

// splitChange appends the items of a change. origin holds the properties that they share.
func splitChange(items []Item, origin Item, raw json.RawMessage) []Item {
	var change struct {
		Field Text            `json:"field"`
		Value json.RawMessage `json:"value"`
	}
	if err := json.Unmarshal(raw, &change); err != nil {
		return append(items, origin.with(ItemUnknown, raw))
	}

	origin.Field = string(change.Field)
	if change.Field == "" || len(change.Value) == 0 || len(change.Field) > maxCommon {
		return append(items, origin.with(ItemUnknown, raw))
	}

	var value map[string]json.RawMessage

	isObject := json.Unmarshal(change.Value, &value) == nil
	if len(value["metadata"]) > maxCommon {
		return append(items, origin.with(ItemUnknown, raw))
	}

	_ = json.Unmarshal(value["metadata"], &origin.Metadata) // an unexpected shape leaves the number empty

	if change.Field != FieldMessages {
		return append(items, origin.with(ItemField, change.Value))
	}

	before := len(items)
	items, complete := splitValue(items, origin, value)

	if !isObject || !complete || len(items) == before {
		items = append(items, origin.with(ItemUnknown, raw))
	}

	return items
}

// splitValue appends the items of the value of field messages. complete is false if part of the value is in no item.
func splitValue(items []Item, origin Item, value map[string]json.RawMessage) (_ []Item, complete bool) {
	senders, complete := readSenders(value["contacts"])
	complete = complete && !hasUnknownKey(value)

	list := func(key string) (elements []json.RawMessage) {
		if value[key] != nil && json.Unmarshal(value[key], &elements) != nil {
			complete = false
		}

		if len(items)+len(elements) > maxItems {
			complete = false
			return nil
		}

		return elements
	}

	for _, message := range list("messages") {
		item := origin.with(ItemMessage, message)
		item.Contact = senderOf(message, senders)
		items = append(items, item)
	}

	for _, status := range list("statuses") {
		items = append(items, origin.with(ItemStatus, status))
	}

	for _, reported := range list("errors") {
		items = append(items, origin.with(ItemError, reported))
	}

	return items, complete
}

// knownKeys are the keys of the value of field messages that become items or parts of items.
var knownKeys = []string{"messaging_product", "metadata", "contacts", "messages", "statuses", "errors"}

// hasUnknownKey reports whether value has other keys, such as user_actions.
func hasUnknownKey(value map[string]json.RawMessage) bool {
	for key := range value {
		if !slices.Contains(knownKeys, key) {
			return true
		}
	}

	return false
}
