// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"cmp"
	"encoding/json"
	"maps"
	"strings"
)

// FieldStandby is the webhook field of conversations that another responder has: what people write to it, what it answers,
// and the statuses of that.
const FieldStandby = "standby"

// Standby is a message between a person and another responder.
type Standby struct {
	ID        Text
	Timestamp Text // unix seconds
	ByPerson  bool // else the other responder sent it

	groupID Text
	person  Person
}

// Conversation returns the lane of the person or group, and the aliases of the person's lane. The lane is empty if Meta
// does not name them.
func (s Standby) Conversation(phoneNumberID string) (lane string, aliases []string) {
	return conversation(phoneNumberID, s.groupID, s.person)
}

// SplitStandby returns the messages in a value of field standby that accept accepts, the value of each alone, and a value
// with all the rest. The lists of messages and of echoes are in a property standby of the value.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/standby
func SplitStandby(value json.RawMessage, accept func(Standby) bool) (each []json.RawMessage, rest json.RawMessage) {
	var outer, inner map[string]json.RawMessage
	if readObject(value, &outer) != nil {
		return nil, value
	}

	isNested := readObject(outer[FieldStandby], &inner) == nil && inner != nil
	if !isNested {
		inner = outer
	}

	contacts, _ := readContacts(inner["contacts"])
	others := maps.Clone(inner)

	messages := readList(inner["messages"])
	echoes := readList(inner[keyEchoes])

	split := func(key string, list, contacts []json.RawMessage, parse func(raw, contact json.RawMessage) (Standby, error)) {
		remaining := []json.RawMessage{}

		for i, contact := range contacts {
			standby, err := parse(list[i], contact)
			if err != nil || len(each) == maxItems || !accept(standby) {
				remaining = append(remaining, list[i])
				continue
			}

			alone := map[string]any{key: []json.RawMessage{list[i]}}
			if contact != nil {
				alone["contacts"] = []json.RawMessage{contact}
			}

			raw, _ := json.Marshal(map[string]any{FieldStandby: alone}) // what was decoded always encodes
			each = append(each, raw)
		}

		if len(remaining) < len(list) {
			others[key], _ = json.Marshal(remaining)
		}
	}

	split("messages", messages, contacts.ofMessages(messages), parseStandbyMessage)
	split(keyEchoes, echoes, contacts.ofStandbyEchoes(echoes, len(messages)+len(echoes) == 1), parseStandbyEcho)

	if len(each) == 0 {
		return nil, value
	}

	if isNested {
		outer[FieldStandby], _ = json.Marshal(others)
		others = outer
	}

	rest, _ = json.Marshal(others)

	return each, rest
}

func parseStandbyMessage(raw, contact json.RawMessage) (Standby, error) {
	message, err := Item{Raw: raw, Contact: contact}.Message()
	if err != nil {
		return Standby{}, err
	}

	return Standby{
		ID:        message.ID,
		Timestamp: message.Timestamp,
		ByPerson:  true,
		groupID:   message.GroupID,
		person:    message.Sender(),
	}, nil
}

// ofStandbyEchoes returns the contact of the person that each echo went to, as Meta sent it. isOnly says that there is no other
// echo or message beside it.
func (r rawContacts) ofStandbyEchoes(echoes []json.RawMessage, isOnly bool) []json.RawMessage {
	found := make([]json.RawMessage, len(echoes))
	contacts := r.parse()

	for i, raw := range echoes {
		standby, err := parseStandbyEcho(raw, nil)
		if at := contacts.of(standby.person, isOnly); err == nil && at >= 0 {
			found[i] = r[at]
		}
	}

	return found
}

// parseStandbyEcho parses an echo, whose content Meta puts into a property message: the body of the send, which names a user
// id and a group otherwise than an Echo does.
func parseStandbyEcho(raw, contact json.RawMessage) (Standby, error) {
	var echo Echo
	if err := readObject(raw, &echo); err != nil {
		return Standby{}, err
	}

	standby := Standby{ID: echo.ID, Timestamp: echo.Timestamp}
	echo.contact = ParseContact(contact)

	var content struct {
		Message json.RawMessage `json:"message"`
	}

	var sent struct {
		Recipient     Text `json:"recipient"`
		RecipientType Text `json:"recipient_type"`
	}

	if readObject(raw, &content) == nil && content.Message != nil {
		_ = readObject(content.Message, &echo) // an unexpected shape names no person
		_ = readObject(content.Message, &sent)
	}

	if strings.EqualFold(string(sent.RecipientType), "group") {
		echo.GroupID = cmp.Or(echo.GroupID, echo.To)
	}

	echo.ToUserID = cmp.Or(echo.ToUserID, sent.Recipient)
	standby.groupID = echo.GroupID
	standby.person = echo.recipient()

	return standby, nil
}
