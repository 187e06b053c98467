// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import "encoding/json"

// Edit is the new wording of an earlier message.
type Edit struct {
	OriginalID Text    // id of the message that was edited
	Message    Message // its new content; only the type and the property named like it are set
}

// Edit returns the content of a message of type edit.
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

	return Edit{OriginalID: content.OriginalID, Message: message}, true
}
