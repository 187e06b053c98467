// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package whatsapp parses the webhooks of Meta's Cloud API. Meta sends properties in other shapes than documented, and
// adds new ones; so parsing is tolerant, and what it does not understand stays available as Meta sent it.
package whatsapp

import (
	"encoding/json"
	"fmt"
)

// ItemKind is the kind of element that an item holds.
type ItemKind string

// The kinds of items. An element without a documented shape is ItemUnknown.
const (
	ItemMessage ItemKind = "message"
	ItemStatus  ItemKind = "status"
	ItemError   ItemKind = "error"
	ItemField   ItemKind = "field" // a change of a field other than FieldMessages
	ItemUnknown ItemKind = "unknown"
)

// Item is one message, status, error or change of a delivery, together with the properties of its envelope. Its JSON form
// is the stored payload of an event: add properties, but never rename one.
type Item struct {
	Kind     ItemKind        `json:"part"`
	Field    string          `json:"field,omitempty"`
	WABAID   string          `json:"waba_id,omitempty"`    // entry.id; a business portfolio's for partner events
	Time     string          `json:"entry_time,omitempty"` // entry.time; empty for messages
	Metadata Metadata        `json:"metadata,omitzero"`
	Contact  json.RawMessage `json:"contact,omitempty"`     // the sender of a message, from value.contacts
	Trace    string          `json:"traceparent,omitempty"` // of the delivery, by W3C Trace Context
	Raw      json.RawMessage `json:"raw"`                   // as Meta sent it
}

// Metadata names the business phone number of an item.
type Metadata struct {
	DisplayPhoneNumber Text `json:"display_phone_number,omitempty"`
	PhoneNumberID      Text `json:"phone_number_id,omitempty"`
	MessagingAccountID Text `json:"messaging_account_id,omitempty"` // of accounts that Meta has split; else empty
}

// Decode decodes an item from its stored form.
func Decode(payload []byte) (Item, error) {
	var item Item
	if err := json.Unmarshal(payload, &item); err != nil {
		return Item{}, fmt.Errorf("read stored event: %w", err)
	}

	return item, nil
}
