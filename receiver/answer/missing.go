// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package answer

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// maxNamedKeys bounds the keys that an error names.
const maxNamedKeys = 5

// usualKeys are the keys of answers of other programs, which an error may name. Any other key can be a word of the person.
var usualKeys = []string{
	"accepted", "answer", "attachment", "attachments", "audio", "body", "buttons", "candidates", "choices", "code", "completion",
	"content", "conversation_id", "custom", "data", "detail", "document", "error", "errors", "event", "generated_text", "handoff",
	"id", "image", "input", "items", "json", "message", "messages", "model", "object", "output", "outputs", "payload", "quick_replies",
	"recipient_id", "replies", "reply", "response", "responses", "result", "results", "session_id", "status", "success", "text",
	"type", "usage", "value", "values", "video",
}

// MissingError is the error of a JSON object without an answer.
type MissingError struct {
	Keys  []string // up to a few of the object's keys
	Other int      // the number of further keys
}

// Error names the keys that the object has, and the keys that it could have.
func (e *MissingError) Error() string {
	const understood = "the answer has none of the keys response, reply, answer, output, message, text, choices, handoff and type"

	switch {
	case len(e.Keys) == 0 && e.Other == 0:
		return understood + ": it is an empty object"
	case len(e.Keys) == 0:
		return fmt.Sprintf("%s, but %d others", understood, e.Other)
	case e.Other > 0:
		return fmt.Sprintf("%s, but %s and %d others", understood, strings.Join(e.Keys, ", "), e.Other)
	default:
		return understood + ", but " + strings.Join(e.Keys, ", ")
	}
}

func missing(raw json.RawMessage) error {
	var properties map[string]json.RawMessage
	if err := Decode(raw, &properties); err != nil {
		return fmt.Errorf("the answer is %w", err)
	}

	e := new(MissingError)
	for _, key := range slices.Sorted(maps.Keys(properties)) {
		if len(e.Keys) < maxNamedKeys && slices.Contains(usualKeys, key) {
			e.Keys = append(e.Keys, key)
		} else {
			e.Other++
		}
	}

	return e
}
