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

// The properties of a value of FieldMessages whose elements are split.
const (
	keyContacts = "contacts"
	keyMessages = "messages"
	keyStatuses = "statuses"
	keyErrors   = "errors"
)

// ErrNotJSON is the error for a body that is not one JSON value.
var ErrNotJSON = errors.New("the body is not valid JSON")

// Split splits a delivery into items, one per message, status, error and change. An element that cannot be parsed becomes
// an item of ItemUnknown and does not affect the others. The only error is ErrNotJSON.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview
func Split(body []byte) ([]Item, error) {
	if !json.Valid(body) {
		return nil, ErrNotJSON
	}

	var (
		object  Text
		entries []json.RawMessage
	)

	isExpected := true

	for m := membersOf(body); m.next(); {
		switch string(m.field()) {
		case "object":
			object = textOf(m.value)
		case "entry":
			list, ok := elements(m.value)
			entries = list
			isExpected = isExpected && ok
		}
	}

	if !isExpected || object != ObjectBusinessAccount || len(entries) == 0 || len(entries) > maxItems {
		return []Item{{
			Kind:  ItemUnknown,
			Field: string(object),
			Raw:   body,
		}}, nil
	}

	var items []Item
	for _, entry := range entries {
		items = splitEntry(items, entry)
	}

	return items, nil
}

// splitEntry appends the items of an entry.
func splitEntry(items []Item, raw json.RawMessage) []Item {
	var (
		origin  Item
		changes []json.RawMessage
	)

	isExpected := true

	for m := membersOf(raw); m.next(); {
		switch string(m.field()) {
		case "id":
			origin.WABAID = string(textOf(m.value))
		case "time":
			origin.Time = string(textOf(m.value))
		case "changes":
			list, ok := elements(m.value)
			changes = list
			isExpected = isExpected && ok
		}
	}

	tooMany := len(items)+len(changes) > maxItems
	tooLarge := len(origin.WABAID)+len(origin.Time) > maxCommon

	if !isExpected || len(changes) == 0 || tooMany || tooLarge {
		return append(items, origin.with(ItemUnknown, raw))
	}

	for _, change := range changes {
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
	var content json.RawMessage

	for m := membersOf(raw); m.next(); {
		switch string(m.field()) {
		case "field":
			origin.Field = string(textOf(m.value))
		case "value":
			content = m.value
		}
	}

	if origin.Field == "" || content == nil || len(origin.Field) > maxCommon {
		return append(items, origin.with(ItemUnknown, raw))
	}

	value := readValue(content)
	if len(value.metadata) > maxCommon {
		return append(items, origin.with(ItemUnknown, raw))
	}

	origin.Metadata.read(value.metadata)

	if origin.Field == FieldHandovers {
		origin.Metadata.read(value.recipient) // this field has the number here
	}

	if origin.Field != FieldMessages {
		return append(items, origin.with(ItemField, content))
	}

	before := len(items)
	items, taken := splitValue(items, origin, value)

	if len(items) == before {
		return append(items, origin.with(ItemUnknown, raw))
	}

	if rest := restOf(content, taken); len(rest) > 0 {
		items = append(items, origin.with(ItemUnknown, encodeChange(origin.Field, rest)))
	}

	return items
}

// encodeChange returns a change with this value.
func encodeChange(field string, value map[string]json.RawMessage) json.RawMessage {
	raw, _ := json.Marshal(map[string]any{"field": field, "value": value}) // what was decoded always encodes
	return raw
}

// value holds the properties of the value of a change that Split reads. Those that Meta did not send are nil.
type value struct {
	metadata  json.RawMessage
	recipient json.RawMessage
	contacts  json.RawMessage
	messages  json.RawMessage
	statuses  json.RawMessage
	errors    json.RawMessage
}

func readValue(raw json.RawMessage) (v value) {
	for m := membersOf(raw); m.next(); {
		switch string(m.name) {
		case "metadata":
			v.metadata = m.value
		case "recipient":
			v.recipient = m.value
		case keyContacts:
			v.contacts = m.value
		case keyMessages:
			v.messages = m.value
		case keyStatuses:
			v.statuses = m.value
		case keyErrors:
			v.errors = m.value
		}
	}

	return v
}

// restOf returns the properties of a value of field messages that are in no item. It is nil if there are none.
func restOf(raw json.RawMessage, taken []string) (rest map[string]json.RawMessage) {
	for m := membersOf(raw); m.next(); {
		if isTaken := func(name string) bool { return name == string(m.name) }; slices.ContainsFunc(taken, isTaken) {
			continue
		}

		if rest == nil {
			rest = map[string]json.RawMessage{}
		}

		rest[string(m.name)] = m.value
	}

	return rest
}

// splitValue appends the items of the value of field messages. taken are the properties that they hold.
func splitValue(items []Item, origin Item, v value) (_ []Item, taken []string) {
	taken = append(make([]string, 0, 6), "messaging_product", "metadata")

	contacts, ok := readContacts(v.contacts)
	if ok {
		taken = append(taken, keyContacts)
	}

	list := func(key string, raw json.RawMessage) []json.RawMessage {
		found, ok := elements(raw)
		if !ok || len(items)+len(found) > maxItems {
			return nil
		}

		taken = append(taken, key)

		return found
	}

	messages := list(keyMessages, v.messages)
	for i, contact := range contacts.ofMessages(messages) {
		item := origin.with(ItemMessage, messages[i])
		item.Contact = contact
		items = append(items, item)
	}

	for _, status := range list(keyStatuses, v.statuses) {
		items = append(items, origin.with(ItemStatus, status))
	}

	for _, reported := range list(keyErrors, v.errors) {
		items = append(items, origin.with(ItemError, reported))
	}

	return items, taken
}
