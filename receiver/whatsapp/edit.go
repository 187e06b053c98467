// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"encoding/json"
	"slices"
)

// captioned are the message types whose file has a caption that a person can edit.
var captioned = []Text{"image", "video", "document"}

// Edit is the new wording of an earlier message.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/edit
type Edit struct {
	OriginalID Text    // id of the message that was edited
	Message    Message // its new content; only the type and the property named like it are set
}

// Edit returns the content of a message of type edit: a new text, or a file with a new caption.
func (m Message) Edit() (Edit, bool) {
	var content struct {
		OriginalID Text            `json:"original_message_id"`
		Message    json.RawMessage `json:"message"`
	}
	if !m.read("edit", &content) || content.OriginalID == "" {
		return Edit{}, false
	}

	message, err := ParseMessage(content.Message)
	if err != nil {
		return Edit{}, false
	}

	edit := Edit{OriginalID: content.OriginalID, Message: message}
	if edit.Text() == "" && !message.isCaptioned() {
		return Edit{}, false
	}

	return edit, true
}

// Text returns the new text, or "" if a caption was edited.
func (e Edit) Text() string {
	if e.Message.Type != "text" {
		return ""
	}

	return e.Message.TextBody()
}

// Caption returns the new caption, or "" if a text was edited.
func (e Edit) Caption() string {
	media, _ := e.Message.Media()

	return string(media.Caption)
}

func (m Message) isCaptioned() bool {
	_, ok := m.Media()

	return ok && slices.Contains(captioned, m.Type)
}

// Revoke returns the id of the message that a message of type revoke deletes.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/revoke
func (m Message) Revoke() (originalID Text, ok bool) {
	var content struct {
		OriginalID Text `json:"original_message_id"`
	}

	ok = m.read("revoke", &content) && content.OriginalID != ""

	return content.OriginalID, ok
}

// Edited returns the message with the text or the caption of an edit. The file stays: an edit can only change the caption.
// It reports false if the edit does not fit the type of the message.
func (m Message) Edited(edit Edit) (Message, bool) {
	if m.Type != edit.Message.Type {
		return m, false
	}

	content := edit.Message.property("text")

	if m.Type != "text" {
		var file map[string]json.RawMessage
		if !m.isCaptioned() || readObject(m.property(string(m.Type)), &file) != nil {
			return m, false
		}

		file["caption"], _ = json.Marshal(edit.Caption()) // a string always encodes
		content, _ = json.Marshal(file)
	}

	var properties map[string]json.RawMessage
	if readObject(m.Raw, &properties) != nil {
		return m, false
	}

	properties[string(m.Type)] = content

	raw, err := json.Marshal(properties)
	if err != nil {
		return m, false
	}

	m.Raw = raw

	return m, true
}
