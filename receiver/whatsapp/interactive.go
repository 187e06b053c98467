// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"encoding/json"
	"slices"
)

// InteractiveKind is the kind of choice that a person made.
type InteractiveKind string

// The kinds of choices. InteractiveOther stands for all other kinds, and for a choice without its body.
const (
	ButtonReply      InteractiveKind = "button_reply"
	ListReply        InteractiveKind = "list_reply"
	FlowReply        InteractiveKind = "nfm_reply"             // a completed flow or address form
	CallReply        InteractiveKind = "call_permission_reply" // an answer to a request for permission to call
	InteractiveOther InteractiveKind = "other"
)

// Interactive is the answer to a message with buttons, a list or a flow.
type Interactive struct {
	Kind        InteractiveKind
	ID          Text // of the button or row
	Title       Text
	Description Text // of the row
	Name        Text // of a form: flow or address_message; of a CallReply call_permission_reply
	// ResponseJSON is the answer to a form. Meta sends JSON in a string: this is the decoded JSON, or the string itself
	// if it is not valid JSON. It is nil if Meta sent none. Of a CallReply it is the object that Meta sends.
	ResponseJSON json.RawMessage
}

// automaticReply is the source of a permission to call that follows from a call of the person, who has answered nothing.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/calling/user-call-permissions
const automaticReply = "automatic"

// Interactive reads a message of type interactive.
func (m Message) Interactive() (Interactive, bool) {
	var bodies map[string]json.RawMessage
	if !m.read("interactive", &bodies) {
		return Interactive{}, false
	}

	other := Interactive{Kind: InteractiveOther}

	kind, known := kindOf(bodies)
	if !known {
		return other, true
	}

	var body struct {
		ID           Text            `json:"id"`
		Title        Text            `json:"title"`
		Description  Text            `json:"description"`
		Name         Text            `json:"name"`
		ResponseJSON json.RawMessage `json:"response_json"`
		Source       Text            `json:"response_source"`
	}
	if readObject(bodies[string(kind)], &body) != nil {
		return other, true
	}

	if kind == CallReply {
		if body.Source == automaticReply {
			return other, true
		}

		body.Name = Text(kind)
		body.ResponseJSON = bodies[string(kind)]
	}

	return Interactive{
		Kind:         kind,
		ID:           body.ID,
		Title:        body.Title,
		Description:  body.Description,
		Name:         body.Name,
		ResponseJSON: unquoted(body.ResponseJSON),
	}, true
}

// kindOf returns the kind of a choice by its type, or by its body: one of Meta's samples of an address form has
// the type "interactive".
func kindOf(bodies map[string]json.RawMessage) (kind InteractiveKind, known bool) {
	kinds := []InteractiveKind{ButtonReply, ListReply, FlowReply, CallReply}

	var typ Text
	if json.Unmarshal(bodies["type"], &typ) == nil && slices.Contains(kinds, InteractiveKind(typ)) {
		return InteractiveKind(typ), true
	}

	for _, kind := range kinds {
		if isObject(bodies[string(kind)]) {
			return kind, true
		}
	}

	return InteractiveOther, false
}

// unquoted returns the JSON in a JSON string, and anything else unchanged.
func unquoted(raw json.RawMessage) json.RawMessage {
	var content string
	if len(raw) == 0 || json.Unmarshal(raw, &content) != nil || !json.Valid([]byte(content)) {
		return raw
	}

	return json.RawMessage(content)
}

// Button is the answer to a template's quick reply button.
type Button struct {
	Payload Text `json:"payload"` // set when the template was sent
	Text    Text `json:"text"`    // the button's label
}

// Button reads a message of type button.
func (m Message) Button() (button Button, ok bool) {
	ok = m.read("button", &button)
	return button, ok
}
