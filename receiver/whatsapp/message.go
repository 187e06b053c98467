// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// Text is a string that Meta may also send as a number or a boolean. Anything else, null included, reads as empty: what
// is odd about one property must not cost the message.
type Text string

// UnmarshalJSON never fails on valid JSON.
func (t *Text) UnmarshalJSON(data []byte) error {
	switch data[0] {
	case '"':
		var s string
		if err := json.Unmarshal(data, &s); err != nil {
			return err
		}
		*t = Text(s)
	case '{', '[', 'n':
		*t = ""
	default:
		*t = Text(data)
	}
	return nil
}

// Message is what all inbound messages have in common. The property that is named like the type holds the rest.
type Message struct {
	ID         Text            `json:"id"`
	From       Text            `json:"from"`         // wa_id; absent where the person's phone number is hidden
	FromUserID Text            `json:"from_user_id"` // business-scoped user id
	GroupID    Text            `json:"group_id"`
	Timestamp  Text            `json:"timestamp"` // unix seconds; Meta's samples also have placeholders
	Type       Text            `json:"type"`
	Context    json.RawMessage `json:"context"`
	Referral   json.RawMessage `json:"referral"`
	Text       json.RawMessage `json:"text"`
}

// ParseMessage reads the common properties of a message; it fails only where raw is no JSON object.
func ParseMessage(raw json.RawMessage) (Message, error) {
	var m Message
	if err := json.Unmarshal(raw, &m); err != nil {
		return Message{}, fmt.Errorf("read message: %w", err)
	}
	return m, nil
}

// Conversation is the lane of a message sent to phoneNumberID: the group, else the person's wa_id, else the
// business-scoped user id. It is a pure function of the message. A message without any of these is a conversation of
// its own.
func (m Message) Conversation(phoneNumberID string) string {
	switch {
	case m.GroupID != "":
		return phoneNumberID + ":group:" + string(m.GroupID)
	case m.From != "":
		return phoneNumberID + ":" + string(m.From)
	case m.FromUserID != "":
		return phoneNumberID + ":" + string(m.FromUserID)
	}
	return phoneNumberID + ":message:" + string(m.ID)
}

// TextBody returns the text of a message of type text.
func (m Message) TextBody() string {
	var text struct {
		Body Text `json:"body"`
	}
	if json.Unmarshal(m.Text, &text) != nil {
		return ""
	}
	return string(text.Body)
}

// Contact is the person who sent a message.
type Contact struct {
	WaID     Text
	UserID   Text
	Name     Text
	Username Text
}

// ParseContact reads what is there; a contact of another shape is empty.
func ParseContact(raw json.RawMessage) Contact {
	var c struct {
		WaID    Text            `json:"wa_id"`
		UserID  Text            `json:"user_id"`
		Profile json.RawMessage `json:"profile"`
	}
	if json.Unmarshal(raw, &c) != nil {
		return Contact{}
	}
	var profile struct {
		Name     Text `json:"name"`
		Username Text `json:"username"`
	}
	_ = json.Unmarshal(c.Profile, &profile) // a profile of another shape leaves the names empty
	return Contact{WaID: c.WaID, UserID: c.UserID, Name: profile.Name, Username: profile.Username}
}

// UnixTime reads a timestamp in unix seconds, and returns fallback where it is none.
func UnixTime(t Text, fallback time.Time) time.Time {
	seconds, err := strconv.ParseInt(string(t), 10, 64)
	if err != nil || seconds <= 0 || seconds > 1<<40 {
		return fallback
	}
	return time.Unix(seconds, 0).UTC()
}
