// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import "encoding/json"

// Reaction is an emoji put on an earlier message.
type Reaction struct {
	MessageID Text
	Emoji     Text
	Removed   bool // the emoji was taken away again: Meta leaves it out, or sends it empty
}

// Reaction reads a message of type reaction.
func (m Message) Reaction() (Reaction, bool) {
	var r struct {
		MessageID Text `json:"message_id"`
		Emoji     Text `json:"emoji"`
	}
	if !m.read("reaction", &r) {
		return Reaction{}, false
	}

	return Reaction{
		MessageID: r.MessageID,
		Emoji:     r.Emoji,
		Removed:   r.Emoji == "",
	}, true
}

// Edit is the new wording of an earlier message.
type Edit struct {
	OriginalID Text
	Message    Message // has no id and no sender of its own; its accessors read the new content
}

// Edit reads a message of type edit. It is not ok without a new message.
func (m Message) Edit() (Edit, bool) {
	var e struct {
		OriginalID Text            `json:"original_message_id"`
		Message    json.RawMessage `json:"message"`
	}
	if !m.read("edit", &e) {
		return Edit{}, false
	}

	message, err := ParseMessage(e.Message)
	if err != nil {
		return Edit{}, false
	}

	return Edit{OriginalID: e.OriginalID, Message: message}, true
}

// Revoke reads a message of type revoke and returns the id of the message that was deleted.
func (m Message) Revoke() (originalID Text, ok bool) {
	var r struct {
		OriginalID Text `json:"original_message_id"`
	}

	ok = m.read("revoke", &r)

	return r.OriginalID, ok
}
