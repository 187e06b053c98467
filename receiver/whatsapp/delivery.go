// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package whatsapp speaks Meta's Cloud API: it takes deliveries apart, knows what statuses and error codes mean, and
// sends messages through the Graph API.
package whatsapp

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// maxItems bounds what one delivery is taken apart into; Meta batches up to 1000. A list that goes beyond is kept whole, as
// one item of PartUnknown. So is what has more than maxCommon bytes in a place that each of its items would repeat.
const (
	maxItems  = 5000
	maxCommon = 4 << 10
)

// ObjectBusinessAccount is the only webhook object whose content is understood.
const ObjectBusinessAccount = "whatsapp_business_account"

// Part says which of the things that a delivery can hold an item is.
type Part string

// The parts of a delivery. Anything that is not of a documented shape is PartUnknown and kept as it came.
const (
	PartMessage Part = "message"
	PartStatus  Part = "status"
	PartError   Part = "error"
	PartField   Part = "field"
	PartUnknown Part = "unknown"
)

// Item is one message, status, error or change of a delivery, with what the envelope says about it. It is what is kept
// of the delivery, so its JSON form is stored: add to it, never rename.
type Item struct {
	Part     Part            `json:"part"`
	Field    string          `json:"field,omitempty"`
	WABAID   string          `json:"waba_id,omitempty"`    // entry.id; a business portfolio's for partner events
	Time     string          `json:"entry_time,omitempty"` // entry.time; absent for messages
	Metadata Metadata        `json:"metadata,omitzero"`
	Contact  json.RawMessage `json:"contact,omitempty"`     // the one of value.contacts that belongs to the message
	Trace    string          `json:"traceparent,omitempty"` // of the delivery, by the W3C's Trace Context
	Raw      json.RawMessage `json:"raw"`                   // as Meta sent it
}

// Metadata names the business phone number that an item belongs to.
type Metadata struct {
	DisplayPhoneNumber Text `json:"display_phone_number,omitempty"`
	PhoneNumberID      Text `json:"phone_number_id,omitempty"`
}

// ErrNotJSON says that a body is not one JSON value.
var ErrNotJSON = errors.New("the body is not valid JSON")

// Split takes a delivery apart. Every entry, change, message, status and error becomes an item of its own, and one that
// cannot be read costs only itself: it becomes an item of PartUnknown. The only error is ErrNotJSON.
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

	if err != nil || delivery.Object != ObjectBusinessAccount || len(delivery.Entry) == 0 || len(delivery.Entry) > maxItems {
		return []Item{{
			Part:  PartUnknown,
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

func splitEntry(items []Item, raw json.RawMessage) []Item {
	var entry struct {
		ID      Text              `json:"id"`
		Time    Text              `json:"time"`
		Changes []json.RawMessage `json:"changes"`
	}
	if err := json.Unmarshal(raw, &entry); err != nil || len(entry.Changes) == 0 || len(items)+len(entry.Changes) > maxItems || len(entry.ID)+len(entry.Time) > maxCommon {
		return append(items, Item{
			Part:   PartUnknown,
			WABAID: string(entry.ID),
			Time:   string(entry.Time),
			Raw:    raw,
		})
	}

	for _, change := range entry.Changes {
		items = splitChange(items, Item{WABAID: string(entry.ID), Time: string(entry.Time)}, change)
	}

	return items
}

// splitChange appends the items of one change; origin holds what they have in common.
func splitChange(items []Item, origin Item, raw json.RawMessage) []Item {
	item := func(part Part, raw, contact json.RawMessage) Item {
		it := origin
		it.Part = part
		it.Raw = raw
		it.Contact = contact

		return it
	}

	var change struct {
		Field Text            `json:"field"`
		Value json.RawMessage `json:"value"`
	}
	if err := json.Unmarshal(raw, &change); err != nil {
		return append(items, item(PartUnknown, raw, nil))
	}

	origin.Field = string(change.Field)
	if change.Field == "" || len(change.Value) == 0 || len(change.Field) > maxCommon {
		return append(items, item(PartUnknown, raw, nil))
	}

	var value map[string]json.RawMessage

	whole := json.Unmarshal(change.Value, &value) == nil
	if len(value["metadata"]) > maxCommon {
		return append(items, item(PartUnknown, raw, nil))
	}

	_ = json.Unmarshal(value["metadata"], &origin.Metadata) // of another shape, the number stays unknown

	if change.Field != FieldMessages {
		return append(items, item(PartField, change.Value, nil))
	}

	list := func(key string) (elements []json.RawMessage) {
		if value[key] != nil && json.Unmarshal(value[key], &elements) != nil {
			whole = false
		}

		if len(items)+len(elements) > maxItems {
			whole = false
			return nil
		}

		return elements
	}
	contacts, ok := readContacts(value["contacts"])
	whole = whole && ok

	before := len(items)
	for _, message := range list("messages") {
		items = append(items, item(PartMessage, message, contactOf(message, contacts)))
	}

	for _, status := range list("statuses") {
		items = append(items, item(PartStatus, status, nil))
	}

	for _, reported := range list("errors") {
		items = append(items, item(PartError, reported, nil))
	}

	if !whole || len(items) == before || holdsMore(value) {
		items = append(items, item(PartUnknown, raw, nil))
	}

	return items
}

// understood are the keys of the value of field messages that become items, or go with them.
var understood = []string{"messaging_product", "metadata", "contacts", "messages", "statuses", "errors"}

// holdsMore tells whether value has other keys, such as user_actions: then the change is kept whole besides.
func holdsMore(value map[string]json.RawMessage) bool {
	for key := range value {
		if !slices.Contains(understood, key) {
			return true
		}
	}

	return false
}

// sender is one of value.contacts.
type sender struct {
	Contact
	raw json.RawMessage
}

// readContacts reads value.contacts; of another shape, there are none. ok is false where they are too many or too large to
// be repeated, and none is taken.
func readContacts(raw json.RawMessage) (contacts []sender, ok bool) {
	var elements []json.RawMessage

	_ = json.Unmarshal(raw, &elements)
	if len(elements) > maxItems || slices.ContainsFunc(elements, func(e json.RawMessage) bool { return len(e) > maxCommon }) {
		return nil, false
	}

	for _, element := range elements {
		c := sender{raw: element}
		if len(elements) > 1 { // a single one is not looked into
			c.Contact = ParseContact(element)
		}

		contacts = append(contacts, c)
	}

	return contacts, true
}

// contactOf finds the contact that sent message. A single contact is its sender even where the ids differ, since wa_id
// and the phone number need not match.
func contactOf(message json.RawMessage, contacts []sender) json.RawMessage {
	if len(contacts) < 2 {
		if len(contacts) == 1 {
			return contacts[0].raw
		}

		return nil
	}

	m, err := ParseMessage(message)
	if err != nil {
		return nil
	}

	for _, c := range contacts {
		if (m.From != "" && c.WaID == m.From) || (m.FromUserID != "" && c.UserID == m.FromUserID) {
			return c.raw
		}
	}

	return nil
}

// Decode reads an item from its stored form.
func Decode(payload []byte) (Item, error) {
	var item Item
	if err := json.Unmarshal(payload, &item); err != nil {
		return Item{}, fmt.Errorf("read stored event: %w", err)
	}

	return item, nil
}
