// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"encoding/json"
	"slices"
)

// Contact is the person who sent a message.
type Contact struct {
	Person
	Name     Text
	Username Text
}

// ParseContact parses one of value.contacts. Properties of an unexpected shape are empty.
func ParseContact(raw json.RawMessage) Contact {
	var c struct {
		WaID     Text            `json:"wa_id"`
		UserID   Text            `json:"user_id"`
		ParentID Text            `json:"parent_user_id"`
		Profile  json.RawMessage `json:"profile"`
	}
	if readObject(raw, &c) != nil {
		return Contact{}
	}

	var profile struct {
		Name     Text `json:"name"`
		Username Text `json:"username"`
	}

	_ = readObject(c.Profile, &profile) // an unexpected shape leaves the names empty

	return Contact{
		Person:   newPerson(c.WaID, c.UserID, c.ParentID),
		Name:     profile.Name,
		Username: profile.Username,
	}
}

// contacts are value.contacts, parsed and as Meta sent them.
type contacts []struct {
	Contact
	raw json.RawMessage
}

// readContacts parses value.contacts; an unexpected shape yields none. ok is false, and the result empty, if there are too
// many contacts or one is too large to be repeated for each message.
func readContacts(raw json.RawMessage) (_ contacts, ok bool) {
	var elements []json.RawMessage

	_ = json.Unmarshal(raw, &elements)

	tooLarge := func(element json.RawMessage) bool { return len(element) > maxCommon }
	if len(elements) > maxItems || slices.ContainsFunc(elements, tooLarge) {
		return nil, false
	}

	all := make(contacts, len(elements))
	for i, element := range elements {
		all[i].Contact = ParseContact(element)
		all[i].raw = element
	}

	return all, true
}

// of returns the index of the contact of a person, or -1. A single contact is that of the person even if the names differ,
// since wa_id and the phone number need not match, unless the contacts are of several messages of different persons.
func (c contacts) of(person Person, isOnly bool) int {
	if len(c) == 1 && (isOnly || !person.differs(c[0].Person)) {
		return 0
	}

	for i := range c {
		if c[i].matches(person) {
			return i
		}
	}

	return -1
}

// ofMessages returns the contact of the sender of each message, as Meta sent it.
func (c contacts) ofMessages(messages []json.RawMessage) []json.RawMessage {
	found := make([]json.RawMessage, len(messages))
	if len(c) == 0 {
		return found
	}

	senders := make([]Person, len(messages))
	isOnly := true // the messages have one sender

	var sender Person

	for i, raw := range messages {
		if m, err := ParseMessage(raw); err == nil {
			senders[i] = m.Sender()
		}

		isOnly = isOnly && !senders[i].differs(sender)
		sender = sender.with(senders[i])
	}

	for i, sender := range senders {
		if at := c.of(sender, isOnly); at >= 0 {
			found[i] = c[at].raw
		}
	}

	return found
}
