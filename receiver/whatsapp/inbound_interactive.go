// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import "encoding/json"

// InteractiveKind says which kind of choice a person made.
type InteractiveKind string

// The kinds. One that Meta adds, and one without its body, is InteractiveOther.
const (
	ButtonReply         InteractiveKind = "button_reply"
	ListReply           InteractiveKind = "list_reply"
	FlowReply           InteractiveKind = "nfm_reply" // a flow or an address form that was filled in
	CallPermissionReply InteractiveKind = "call_permission_reply"
	InteractiveOther    InteractiveKind = "other"
)

// Interactive is the answer to a message with buttons, a list, a flow or a request.
type Interactive struct {
	Kind        InteractiveKind
	ID          Text // of the button or row
	Title       Text
	Description Text // of the row
	Name        Text // of a form: flow or address_message
	Body        Text // of a form: what the person sees of the answer
	// ResponseJSON is the answer to a form. Meta sends JSON in a string: this is the JSON, or where it is not valid, the
	// string as it came. It is nil where there is none.
	ResponseJSON json.RawMessage
	Raw          json.RawMessage // as Meta sent it
}

// Interactive reads a message of type interactive.
func (m Message) Interactive() (Interactive, bool) {
	var of struct {
		Type Text `json:"type"`
	}
	if !m.read("interactive", &of) {
		return Interactive{}, false
	}

	reply := Interactive{Kind: InteractiveOther, Raw: m.property("interactive")}

	kind := InteractiveKind(of.Type)
	switch kind {
	case ButtonReply, ListReply, FlowReply, CallPermissionReply:
	default:
		return reply, true
	}

	var bodies map[string]json.RawMessage

	_ = readObject(reply.Raw, &bodies) // it is an object: it was read as one

	var body struct {
		ID           Text            `json:"id"`
		Title        Text            `json:"title"`
		Description  Text            `json:"description"`
		Name         Text            `json:"name"`
		Body         Text            `json:"body"`
		ResponseJSON json.RawMessage `json:"response_json"`
	}
	if readObject(bodies[string(kind)], &body) != nil {
		return reply, true
	}

	reply.Kind = kind
	reply.ID = body.ID
	reply.Title = body.Title
	reply.Description = body.Description
	reply.Name = body.Name
	reply.Body = body.Body
	reply.ResponseJSON = unquoted(body.ResponseJSON)

	return reply, true
}

// unquoted returns the JSON that a JSON string holds, and anything else as it is.
func unquoted(raw json.RawMessage) json.RawMessage {
	var held string
	if len(raw) == 0 || json.Unmarshal(raw, &held) != nil || !json.Valid([]byte(held)) {
		return raw
	}

	return json.RawMessage(held)
}

// Button is the answer to a template's quick reply button.
type Button struct {
	Payload Text `json:"payload"` // what the template was sent with
	Text    Text `json:"text"`    // what the button reads
}

// Button reads a message of type button.
func (m Message) Button() (button Button, ok bool) {
	ok = m.read("button", &button)
	return button, ok
}
