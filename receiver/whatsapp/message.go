// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Message holds the properties that all inbound messages share. The property named like the type holds the content, and
// the method of the same name reads it. That method's ok is false if the message has another type, or if the property is
// missing or has an unexpected shape.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages
type Message struct {
	ID           Text
	From         Text // wa_id; empty if the person's phone number is hidden
	FromUserID   Text // business-scoped user id
	FromParentID Text // from_parent_user_id
	ParentID     Text // parent_user_id, instead of FromParentID
	GroupID      Text
	Timestamp    Text // unix seconds; a placeholder in some of Meta's samples
	Type         Text // the name of the content if Meta sends no type
	Context      json.RawMessage
	Referral     json.RawMessage
	Contact      Contact         // of the sender, if Meta sent it with the message
	Raw          json.RawMessage // the whole message as Meta sent it
}

// Message parses the message of an item of ItemMessage, with the contact of its sender. It fails only if the message is not
// a JSON object.
func (i Item) Message() (Message, error) {
	m, err := ParseMessage(i.Raw)
	m.Contact = ParseContact(i.Contact)

	return m, err
}

// ParseMessage parses the shared properties of a message. It fails only if raw is not a JSON object.
func ParseMessage(raw json.RawMessage) (Message, error) {
	if !isObject(raw) {
		return Message{}, fmt.Errorf("read message: %w", errNotObject)
	}

	m := Message{Raw: raw}

	for p := membersOf(raw); p.next(); {
		switch string(p.field()) {
		case "id":
			m.ID = textOf(p.value)
		case "from":
			m.From = textOf(p.value)
		case "from_user_id":
			m.FromUserID = textOf(p.value)
		case "from_parent_user_id":
			m.FromParentID = textOf(p.value)
		case "parent_user_id":
			m.ParentID = textOf(p.value)
		case "group_id":
			m.GroupID = textOf(p.value)
		case "timestamp":
			m.Timestamp = textOf(p.value)
		case "type":
			m.Type = textOf(p.value)
		case "context":
			m.Context = p.value
		case "referral":
			m.Referral = p.value
		}
	}

	if m.Type == "" {
		m.Type = m.contentName()
	}

	return m, nil
}

// Sender returns the person who sent the message, by all names that the message and its contact give: each has names that
// the other lacks. A contact with other names than the message is not used. The person of a message about a change of
// number or user id has the names before it, if Meta sends any.
func (m Message) Sender() Person {
	sender := newPerson(m.From, m.FromUserID, cmp.Or(m.FromParentID, m.ParentID))
	if sender.IsZero() {
		change, _ := m.IdentityChange()
		sender = change.Previous
	}

	if sender = sender.with(m.Contact.Person); sender.IsZero() {
		change, _ := m.IdentityChange()
		sender = change.New
	}

	return sender
}

var (
	// contentNames are the types whose content has the type's name, in the order in which they stand for a missing type.
	contentNames = []string{
		"text", "image", "video", "audio", "document", "sticker", "location", "contacts", "interactive", "button", "order",
		"reaction", "edit", "revoke", "system", "unsupported",
	}
	// envelopeNames are the properties that say nothing about the content.
	envelopeNames = []string{
		"biz_opaque_callback_data", "context", "errors", "history_context", "identity", "metadata", "origin", "pricing", "profile",
		"referral",
	}
)

// contentName returns the name of the content of a message without a type: of a type that is known, else of the first
// property, by name, that holds an object or a list and is not part of every message. It is empty if there is none.
func (m Message) contentName() Text {
	var properties map[string]json.RawMessage
	if readObject(m.Raw, &properties) != nil {
		return ""
	}

	holdsContent := func(name string) bool {
		raw := properties[name]

		return len(raw) > 0 && (raw[0] == '{' || raw[0] == '[')
	}

	if i := slices.IndexFunc(contentNames, holdsContent); i >= 0 {
		return Text(contentNames[i])
	}

	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if holdsContent(name) && !slices.Contains(envelopeNames, name) {
			return Text(name)
		}
	}

	return ""
}

// property returns a property as Meta sent it, or nil.
func (m Message) property(name string) json.RawMessage { return property(m.Raw, name) }

// Errors returns the reasons why Meta could not deliver the message, in Meta's form. It reports false if there are none.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/unsupported
func (m Message) Errors() (json.RawMessage, bool) {
	errors := m.property("errors")

	return errors, len(readList(errors)) > 0
}

// read decodes the property named typ into target. It reports false if the message has another type.
func (m Message) read(typ Text, target any) bool {
	return m.Type == typ && readObject(m.property(string(typ)), target) == nil
}

// TextBody returns the text of a message of type text. A text without the object around it is accepted too.
func (m Message) TextBody() string {
	var body Text

	content := m.property("text")
	if len(content) > 0 && content[0] == '"' {
		return string(textOf(content))
	}

	for p := membersOf(content); p.next(); {
		if string(p.field()) == "body" {
			body = textOf(p.value)
		}
	}

	return string(body)
}
