// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"encoding/json"
	"slices"
)

// Contact is the person who sent a message.
type Contact struct {
	WaID     Text
	UserID   Text // business-scoped
	Name     Text
	Username Text
}

// ParseContact parses one of value.contacts. Properties of an unexpected shape are empty.
func ParseContact(raw json.RawMessage) Contact {
	var c struct {
		WaID    Text            `json:"wa_id"`
		UserID  Text            `json:"user_id"`
		Profile json.RawMessage `json:"profile"`
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
		WaID:     c.WaID,
		UserID:   c.UserID,
		Name:     profile.Name,
		Username: profile.Username,
	}
}

// sender is one of value.contacts with its raw form.
type sender struct {
	Contact
	raw json.RawMessage
}

// readSenders parses value.contacts; an unexpected shape yields none. ok is false, and the result empty, if there are too
// many contacts or one is too large to be repeated for each message.
func readSenders(raw json.RawMessage) (senders []sender, ok bool) {
	var elements []json.RawMessage

	_ = json.Unmarshal(raw, &elements)

	tooLarge := func(element json.RawMessage) bool { return len(element) > maxCommon }
	if len(elements) > maxItems || slices.ContainsFunc(elements, tooLarge) {
		return nil, false
	}

	for _, element := range elements {
		s := sender{raw: element}
		if len(elements) > 1 { // a single contact needs no lookup
			s.Contact = ParseContact(element)
		}

		senders = append(senders, s)
	}

	return senders, true
}

// senderOf returns the contact that sent the message. A single contact is the sender even if the ids differ, since wa_id
// and the phone number need not match.
func senderOf(message json.RawMessage, senders []sender) json.RawMessage {
	switch len(senders) {
	case 0:
		return nil
	case 1:
		return senders[0].raw
	}

	m, err := ParseMessage(message)
	if err != nil {
		return nil
	}

	for _, s := range senders {
		byNumber := m.From != "" && s.WaID == m.From
		byUserID := m.FromUserID != "" && s.UserID == m.FromUserID

		if byNumber || byUserID {
			return s.raw
		}
	}

	return nil
}
