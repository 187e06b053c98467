// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package whatsapp parses the webhooks of Meta's Cloud API. Meta sends properties in other shapes than documented, and
// adds new ones; so parsing is tolerant, and what it does not understand stays available as Meta sent it.
package whatsapp

import (
	"encoding/json"
	"fmt"
	"strings"
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

// The ids in the samples that Meta's App Dashboard sends to test a webhook. Neither is the id of a real account or number.
const (
	sampleAccount = "0"
	sampleNumber  = "123456123"
)

// IsSample reports whether the item is a sample of Meta's App Dashboard. No call about its phone number or person succeeds.
func (i Item) IsSample() bool {
	return i.WABAID == sampleAccount && i.Metadata.PhoneNumberID == sampleNumber
}

// OfSample reports whether the name of a conversation is that of a sample's number.
func OfSample(conversation string) bool { return strings.HasPrefix(conversation, sampleNumber+":") }

// Metadata names the business phone number of an item.
type Metadata struct {
	DisplayPhoneNumber Text `json:"display_phone_number,omitempty"`
	PhoneNumberID      Text `json:"phone_number_id,omitempty"`
	MessagingAccountID Text `json:"messaging_account_id,omitempty"` // of accounts that Meta has split; else empty
}

// read sets the names that an object has; any other value has none.
func (m *Metadata) read(raw json.RawMessage) {
	for p := membersOf(raw); p.next(); {
		switch string(p.field()) {
		case "display_phone_number":
			m.DisplayPhoneNumber = textOf(p.value)
		case "phone_number_id":
			m.PhoneNumberID = textOf(p.value)
		case "messaging_account_id":
			m.MessagingAccountID = textOf(p.value)
		}
	}
}

// Encode returns the stored form of the item: that of encoding/json, with Meta's bytes as they are.
func (i Item) Encode() []byte {
	const names = 256 // bytes, more than the names and the short texts have

	e := encoder{buf: make([]byte, 0, len(i.Raw)+len(i.Contact)+len(i.Field)+len(i.WABAID)+names)}

	e.text("part", string(i.Kind))
	e.optional("field", i.Field)
	e.optional("waba_id", i.WABAID)
	e.optional("entry_time", i.Time)

	if i.Metadata != (Metadata{}) {
		var m encoder

		m.optional("display_phone_number", string(i.Metadata.DisplayPhoneNumber))
		m.optional("phone_number_id", string(i.Metadata.PhoneNumberID))
		m.optional("messaging_account_id", string(i.Metadata.MessagingAccountID))
		e.value("metadata", m.end())
	}

	if len(i.Contact) > 0 {
		e.value("contact", i.Contact)
	}

	e.optional("traceparent", i.Trace)

	if i.Raw == nil {
		i.Raw = json.RawMessage("null")
	}

	e.value("raw", i.Raw)

	return e.end()
}

// Decode decodes an item from its stored form. The item has parts of payload, which must not change.
func Decode(payload []byte) (Item, error) {
	if !json.Valid(payload) || !isObject(payload) && !isNull(payload) {
		return Item{}, fmt.Errorf("read stored event: %w", errNotObject)
	}

	var item Item

	for m := membersOf(payload); m.next(); {
		switch string(m.name) {
		case "part":
			item.Kind = ItemKind(textOf(m.value))
		case "field":
			item.Field = string(textOf(m.value))
		case "waba_id":
			item.WABAID = string(textOf(m.value))
		case "entry_time":
			item.Time = string(textOf(m.value))
		case "metadata":
			item.Metadata.read(m.value)
		case "contact":
			item.Contact = m.value
		case "traceparent":
			item.Trace = string(textOf(m.value))
		case "raw":
			item.Raw = m.value
		}
	}

	return item, nil
}
