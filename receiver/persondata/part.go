// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package persondata

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// envelope are the properties that stay beside the part of the person: they name no other person.
var envelope = []string{
	"object", "field", "messaging_product", "metadata", "type", "timestamp", "action", "group_id", "request_id",
}

// Part returns the payload of an event that concerns the person as far as it is the person's, and whether it was cut. An event
// that belongs to no conversation may name many persons, such as the chats of field history: of its lists, only the elements
// that name the person remain. Of a message in a group, the author of a message that it quotes does not. The payload is nil if
// it cannot be divided.
func (p *Person) Part(event *store.Event) (payload []byte, cut bool) {
	if len(event.Payload) == 0 || slices.Contains(p.identifiers.Lanes, event.Lane) {
		return event.Payload, false
	}

	switch event.Kind {
	case store.KindStatus, store.KindStatusReport, store.KindNotice, store.KindAnswered: // of one person each
		return event.Payload, false
	case store.KindMessage, store.KindThreadPass, store.KindAnswerDeadline, store.KindOutbound, store.KindDeskMessage:
		return p.withoutQuotes(event.Payload)
	default: // store.KindField, store.KindUnknown, store.KindError, and those of a later version
		return p.divide(event)
	}
}

// divide returns the lists of an event as far as they are the person's, with the envelope.
func (p *Person) divide(event *store.Event) (payload []byte, cut bool) {
	item, err := whatsapp.Decode(event.Payload)
	if err != nil {
		return nil, true
	}

	document, err := decode(item.Raw)
	if err != nil {
		return nil, true
	}

	part, isWhole := p.part(document)
	if isWhole {
		return event.Payload, false
	}

	if part == nil {
		return nil, true
	}

	item.Contact = nil
	item.Raw, _ = json.Marshal(part) // what was decoded always encodes

	return item.Encode(), true
}

// decode decodes JSON whose long numbers stay as they are.
func decode(text []byte) (document any, err error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()

	err = decoder.Decode(&document)

	return document, err
}

// part returns what of a value is the person's, or nil, and whether that is all of it. A value that names the person outside
// of lists is the person's. Of another one, the lists are searched, and the rest of it may be of other persons.
func (p *Person) part(value any) (part any, isWhole bool) {
	if p.isNamedOutsideLists(value) {
		return value, true
	}

	switch value := value.(type) {
	case []any:
		var kept []any

		isWhole = true

		for _, element := range value {
			part, all := p.part(element)
			if part != nil {
				kept = append(kept, part)
			}

			isWhole = isWhole && all
		}

		if kept == nil {
			return nil, false
		}

		return kept, isWhole
	case map[string]any:
		return p.partOfObject(value)
	default:
		return nil, false
	}
}

// partOfObject returns the lists of an object as far as they are the person's, with the envelope.
func (p *Person) partOfObject(object map[string]any) (part any, isWhole bool) {
	kept := map[string]any{}
	isWhole = true

	for name, member := range object {
		part, all := p.part(member)
		if part != nil {
			kept[name] = part
		}

		isWhole = isWhole && (all || slices.Contains(envelope, name))
	}

	if len(kept) == 0 {
		return nil, false
	}

	for _, name := range envelope {
		if member, ok := object[name]; ok && kept[name] == nil {
			kept[name] = member
		}
	}

	return kept, isWhole
}

func (p *Person) isNamedOutsideLists(value any) bool {
	switch value := value.(type) {
	case string:
		return p.isIn(value)
	case map[string]any:
		for _, member := range value {
			if p.isNamedOutsideLists(member) {
				return true
			}
		}
	}

	return false
}
