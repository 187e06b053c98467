// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"encoding/json"
	"fmt"
)

// Message holds the properties that all inbound messages share. The property named like the type holds the content, and
// the method of the same name reads it. That method's ok is false if the message has another type, or if the property is
// missing or has an unexpected shape.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages
type Message struct {
	ID         Text            `json:"id"`
	From       Text            `json:"from"`         // wa_id; empty if the person's phone number is hidden
	FromUserID Text            `json:"from_user_id"` // business-scoped user id
	GroupID    Text            `json:"group_id"`
	Timestamp  Text            `json:"timestamp"` // unix seconds; a placeholder in some of Meta's samples
	Type       Text            `json:"type"`
	Context    json.RawMessage `json:"context"`
	Referral   json.RawMessage `json:"referral"`
	Raw        json.RawMessage `json:"-"` // the whole message as Meta sent it
}

// ParseMessage parses the shared properties of a message. It fails only if raw is not a JSON object.
func ParseMessage(raw json.RawMessage) (Message, error) {
	var m Message
	if err := readObject(raw, &m); err != nil {
		return Message{}, fmt.Errorf("read message: %w", err)
	}

	m.Raw = raw

	return m, nil
}

// property returns a property as Meta sent it, or nil.
func (m Message) property(name string) json.RawMessage {
	var properties map[string]json.RawMessage

	_ = readObject(m.Raw, &properties) // ParseMessage succeeded, so it is an object

	return properties[name]
}

// read decodes the property named typ into target. It reports false if the message has another type.
func (m Message) read(typ Text, target any) bool {
	return m.Type == typ && readObject(m.property(string(typ)), target) == nil
}

// TextBody returns the text of a message of type text.
func (m Message) TextBody() string {
	var text struct {
		Body Text `json:"body"`
	}
	if readObject(m.property("text"), &text) != nil {
		return ""
	}

	return string(text.Body)
}
