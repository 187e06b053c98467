// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"cmp"
	"encoding/json"
)

// FieldHandovers is the webhook field of changes of who controls a conversation, among the responders that a business has
// assigned to a phone number.
const FieldHandovers = "messaging_handovers"

// The types of handovers.
const (
	ControlTaken  = "control_taken"  // another responder has the conversation
	ControlPassed = "control_passed" // this app has it
)

// Handover is a change of who controls a conversation.
type Handover struct {
	Type      Text
	Person    Person
	Timestamp Text // unix seconds
}

// ParseHandover parses the value of field messaging_handovers. It fails only if value is not a JSON object.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messaging-handovers
func ParseHandover(value json.RawMessage) (Handover, error) {
	var v struct {
		Type      Text            `json:"type"`
		Timestamp Text            `json:"timestamp"`
		Sender    json.RawMessage `json:"sender"`
		Taken     json.RawMessage `json:"control_taken"`
		Passed    json.RawMessage `json:"control_passed"`
		Contacts  json.RawMessage `json:"contacts"`
	}
	if err := readObject(value, &v); err != nil {
		return Handover{}, err
	}

	var sender struct {
		PhoneNumber Text `json:"phone_number"`
		WaID        Text `json:"wa_id"`
		UserID      Text `json:"user_id"`
		ParentID    Text `json:"parent_user_id"`
	}

	_ = readObject(v.Sender, &sender) // an unexpected shape names no person

	person := newPerson(cmp.Or(sender.PhoneNumber, sender.WaID), sender.UserID, sender.ParentID)

	raws, _ := readContacts(v.Contacts)
	contacts := raws.parse()

	if at := contacts.of(person, true); at >= 0 {
		person = person.with(contacts[at].Person)
	}

	if v.Type == "" { // Meta's page asks to treat every property as optional
		switch {
		case len(v.Taken) > 0 && len(v.Passed) == 0:
			v.Type = ControlTaken
		case len(v.Passed) > 0 && len(v.Taken) == 0:
			v.Type = ControlPassed
		}
	}

	return Handover{
		Type:      v.Type,
		Person:    person,
		Timestamp: v.Timestamp,
	}, nil
}
