// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"encoding/json"
	"fmt"
)

// Message is what all inbound messages have in common. The property that is named like the type holds the rest; an
// accessor of the same name reads it, and its ok is false where the message is of another type, or the property is
// missing or of another shape.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages
type Message struct {
	ID         Text            `json:"id"`
	From       Text            `json:"from"`         // wa_id; absent where the person's phone number is hidden
	FromUserID Text            `json:"from_user_id"` // business-scoped user id
	GroupID    Text            `json:"group_id"`
	Timestamp  Text            `json:"timestamp"` // unix seconds; Meta's samples also have placeholders
	Type       Text            `json:"type"`
	Context    json.RawMessage `json:"context"`
	Referral   json.RawMessage `json:"referral"`
	Raw        json.RawMessage `json:"-"` // all of it, as Meta sent it
}

// ParseMessage reads the common properties of a message; it fails only where raw is no JSON object.
func ParseMessage(raw json.RawMessage) (Message, error) {
	var m Message
	if err := readObject(raw, &m); err != nil {
		return Message{}, fmt.Errorf("read message: %w", err)
	}

	m.Raw = raw

	return m, nil
}

// property returns a property as Meta sent it, nil where there is none.
func (m Message) property(name string) json.RawMessage {
	var properties map[string]json.RawMessage

	_ = readObject(m.Raw, &properties) // it is an object: ParseMessage read it as one

	return properties[name]
}

// read decodes the property named typ of a message of that type into target.
func (m Message) read(typ Text, target any) bool {
	return m.Type == typ && readObject(m.property(string(typ)), target) == nil
}

// Conversation is the lane of a message sent to phoneNumberID: the group, else the person's wa_id, else the
// business-scoped user id. It is a pure function of the message. A message without any of these is a conversation of
// its own, save that a change of user id belongs to the person who had the previous one.
func (m Message) Conversation(phoneNumberID string) string {
	if name := lane(phoneNumberID, m.GroupID, m.From, m.userID()); name != "" {
		return name
	}

	return phoneNumberID + ":message:" + string(m.ID)
}

// Alias is the lane that the same person's messages have where the phone number is hidden. It is empty where the
// message says nothing of it, or its own lane is that one or a group's.
func (m Message) Alias(phoneNumberID string) string {
	if m.GroupID != "" || m.From == "" {
		return ""
	}

	return lane(phoneNumberID, "", "", m.userID())
}

// userID is the business-scoped user id under which the person was known when the message was sent.
func (m Message) userID() Text {
	if m.FromUserID != "" {
		return m.FromUserID
	}

	system, _ := m.System()

	return system.PreviousUserID
}

// lane names the conversation of a number with a group or a person; it is empty where neither is known.
func lane(phoneNumberID string, groupID, waID, userID Text) string {
	switch {
	case groupID != "":
		return phoneNumberID + ":group:" + string(groupID)
	case waID != "":
		return phoneNumberID + ":" + string(waID)
	case userID != "":
		return phoneNumberID + ":" + string(userID)
	}

	return ""
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

// contextInfo is what a message says of the one that it answers, or that it repeats.
type contextInfo struct {
	ID                  Text `json:"id"`
	Forwarded           Flag `json:"forwarded"`
	FrequentlyForwarded Flag `json:"frequently_forwarded"`
}

func (m Message) contextInfo() (c contextInfo) {
	_ = readObject(m.Context, &c) // of another shape, it says nothing
	return c
}

// ContextID is the id of the message, or call, that this one answers; empty where it answers none.
func (m Message) ContextID() Text { return m.contextInfo().ID }

// Forwarded tells whether the message was forwarded, and whether so more than five times.
func (m Message) Forwarded() (forwarded, frequently bool) {
	c := m.contextInfo()
	return bool(c.Forwarded || c.FrequentlyForwarded), bool(c.FrequentlyForwarded)
}

// Errors are what Meta reports with the message: why it is of type unsupported or unknown, or has no body.
func (m Message) Errors() []ReportedError { return reportedErrors(m.property("errors")) }
