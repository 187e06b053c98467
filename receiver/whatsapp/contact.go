// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"encoding/json"
)

// Contact is the person who sent a message.
type Contact struct {
	Person
	Name     Text
	Username Text
}

// ParseContact parses one of value.contacts. Properties of an unexpected shape are empty.
func ParseContact(raw json.RawMessage) (c Contact) {
	var number, user, parent Text

	for m := membersOf(raw); m.next(); {
		switch string(m.field()) {
		case "wa_id":
			number = textOf(m.value)
		case "user_id":
			user = textOf(m.value)
		case "parent_user_id":
			parent = textOf(m.value)
		case "profile":
			c.Name = ""
			c.Username = ""
			c.readProfile(m.value)
		}
	}

	c.Person = newPerson(number, user, parent)

	return c
}

func (c *Contact) readProfile(raw json.RawMessage) {
	for m := membersOf(raw); m.next(); {
		switch string(m.field()) {
		case "name":
			c.Name = textOf(m.value)
		case "username":
			c.Username = textOf(m.value)
		}
	}
}

// rawContacts are the elements of value.contacts as Meta sent them.
type rawContacts []json.RawMessage

// readContacts returns the elements of value.contacts, or the only one if Meta sends no list. ok is false if the result lacks
// something: there is none for any other value, or if there are too many contacts, and a contact that is too large to be
// repeated for each message is replaced by its names.
func readContacts(raw json.RawMessage) (_ rawContacts, ok bool) {
	list := readList(raw)
	isOther := list == nil && len(raw) > 0 && !isNull(raw) && raw[0] != '['

	if isOther || len(list) > maxItems {
		return nil, false
	}

	ok = true

	for i, element := range list {
		if len(element) > maxCommon {
			list[i] = ParseContact(element).names()
			ok = false
		}
	}

	return list, ok
}

// names returns a contact with the names of the person alone, in Meta's form. A name that is too long for an id is left out.
func (c Contact) names() json.RawMessage {
	var e encoder

	name := func(key string, value Text) {
		if len(value) <= maxUserID {
			e.optional(key, string(value))
		}
	}

	name("wa_id", c.WaID)
	name("user_id", c.UserID)
	name("parent_user_id", c.ParentID)

	if len(e.buf) == 0 {
		return json.RawMessage("{}")
	}

	return e.end()
}

// contacts are value.contacts, parsed.
type contacts []Contact

func (r rawContacts) parse() contacts {
	all := make(contacts, len(r))
	for i, raw := range r {
		all[i] = ParseContact(raw)
	}

	return all
}

// of returns the index of the contact of a person, or -1. A single contact is that of the only person even if the names differ,
// since wa_id and the phone number need not match. With several persons it needs a name of the person: it could be the contact of
// another, and would join the two.
func (c contacts) of(person Person, isOnly bool) int {
	if single := c.single(); single >= 0 && (isOnly || person.IsZero()) {
		return single
	}

	for i := range c {
		if c[i].matches(person) {
			return i
		}
	}

	return -1
}

// single returns the index of the contact of the only person in the list, who can be in it several times, or -1. A contact with
// neither number nor id, but with a name, may be of another person.
func (c contacts) single() int {
	if len(c) == 1 {
		return 0
	}

	found := -1

	for i := range c {
		switch {
		case c[i] == Contact{}:
		case found < 0:
			found = i
		case !c[i].matches(c[found].Person):
			return -1
		}
	}

	return found
}

// ofMessages returns the contact of the sender of each message, as Meta sent it.
func (r rawContacts) ofMessages(messages []json.RawMessage) []json.RawMessage {
	found := make([]json.RawMessage, len(messages))

	switch {
	case len(r) == 0:
		return found
	case len(r) == 1 && len(messages) == 1: // the only contact of the only sender, whatever their names
		found[0] = r[0]
		return found
	}

	c := r.parse()
	senders := make([]Person, len(messages))
	isOnly := true // the messages have one sender

	var sender Person

	for i, raw := range messages {
		if m, err := ParseMessage(raw); err == nil {
			senders[i] = m.Sender()
		}

		isSame := sender.IsZero() || senders[i].IsZero() || senders[i].matches(sender)
		isOnly = isOnly && isSame && !senders[i].differs(sender)
		sender = sender.with(senders[i])
	}

	for i, sender := range senders {
		if at := c.of(sender, isOnly); at >= 0 {
			found[i] = r[at]
		}
	}

	return found
}
