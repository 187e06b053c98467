// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"encoding/json"
	"errors"
	"maps"
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

	if change.Field == FieldHandovers {
		_ = json.Unmarshal(value["recipient"], &origin.Metadata) // this field has the number here
	}

	if change.Field != FieldMessages {
		return append(items, origin.with(ItemField, change.Value))
	}

	before := len(items)
	items, rest := splitValue(items, origin, value)

	switch {
	case !isObject || len(items) == before:
		items = append(items, origin.with(ItemUnknown, raw))
	case len(rest) > 0:
		items = append(items, origin.with(ItemUnknown, encodeChange(change.Field, rest)))
	}

	return items
}

// encodeChange returns a change with this value.
func encodeChange(field Text, value map[string]json.RawMessage) json.RawMessage {
	raw, _ := json.Marshal(map[string]any{"field": field, "value": value}) // what was decoded always encodes
	return raw
}

// splitValue appends the items of the value of field messages. rest is the part of the value that is in no item.
func splitValue(
	items []Item,
	origin Item,
	value map[string]json.RawMessage,
) (_ []Item, rest map[string]json.RawMessage) {
	rest = maps.Clone(value)
	delete(rest, "messaging_product")
	delete(rest, "metadata")

	contacts, ok := readContacts(value["contacts"])
	if ok {
		delete(rest, "contacts")
	}

	list := func(key string) (elements []json.RawMessage) {
		if value[key] == nil || json.Unmarshal(value[key], &elements) != nil || len(items)+len(elements) > maxItems {
			return nil
		}

		delete(rest, key)

		return elements
	}

	messages := list("messages")
	for i, contact := range contacts.ofMessages(messages) {
		item := origin.with(ItemMessage, messages[i])
		item.Contact = contact
		items = append(items, item)
	}

	for _, status := range list("statuses") {
		items = append(items, origin.with(ItemStatus, status))
	}

	for _, reported := range list("errors") {
		items = append(items, origin.with(ItemError, reported))
	}

	return items, rest
}
