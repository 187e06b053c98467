// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package questions

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/answer"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

// Line is a line of the stream: a question, or how many were lost, or neither, to keep the connection open.
type Line struct {
	Kind     LineKind  `json:"kind"`
	Question *Question `json:"question,omitempty"`
	Lost     int64     `json:"lost,omitempty"`
}

// LineKind is the kind of a line.
type LineKind string

// The kinds of lines.
const (
	KindQuestion LineKind = "question"
	KindLost     LineKind = "lost"
	KindPing     LineKind = "ping"
)

// Question is a question as it is shown. Unless Revealed, persons are masked and texts replaced by their length.
type Question struct {
	EventID      string           `json:"event_id"`
	Conversation string           `json:"conversation"` // the id that the console API uses
	Person       string           `json:"person,omitempty"`
	Revealed     bool             `json:"revealed"`
	Method       assistant.Method `json:"method"`
	Attempt      int              `json:"attempt"`
	Replays      int              `json:"replays"`
	AskedAt      time.Time        `json:"asked_at"`
	Text         string           `json:"text"` // the message as a text, whatever its type
	Body         json.RawMessage  `json:"body"` // of the contract, without the method
	Media        *Media           `json:"media,omitempty"`
	Answer       Answer           `json:"answer"`
}

// Media describes the file of a question. The file itself is not shown.
type Media struct {
	MimeType string `json:"mime_type"`
	Size     int64  `json:"size"`
	Filename string `json:"filename,omitempty"`
}

// Answer is the outcome of a question, without texts.
type Answer struct {
	Kinds        []answer.Kind `json:"kinds"`
	Handoff      bool          `json:"handoff"`
	Later        bool          `json:"later"`
	Failure      string        `json:"failure,omitempty"` // its code
	Milliseconds int64         `json:"milliseconds"`
}

// Show returns a question as a listener may see it. encode returns the id of a conversation.
func Show(asked assistant.Asked, reveal bool, encode func(conversation string) string) (*Question, error) {
	request := asked.Request
	common := request.Common()

	body, err := json.Marshal(request.Body)
	if err != nil {
		return nil, fmt.Errorf("encode a question: %w", err)
	}

	q := &Question{
		EventID:      common.EventID,
		Conversation: encode(common.ConversationKey),
		Revealed:     reveal,
		Method:       request.Method,
		Attempt:      request.Attempt,
		Replays:      request.Replays,
		AskedAt:      asked.At.UTC(),
		Text:         request.Text,
		Body:         body,
		Answer:       outcome(asked),
	}

	if request.Media != nil {
		q.Media = &Media{
			MimeType: request.Media.MimeType,
			Size:     request.Media.Size,
			Filename: request.Media.Filename,
		}
	}

	if common.From != nil {
		q.Person = person(*common.From)
	}

	if reveal {
		return q, nil
	}

	if err := q.mask(); err != nil {
		return nil, err
	}

	return q, nil
}

func outcome(asked assistant.Asked) Answer {
	a := Answer{
		Kinds:        []answer.Kind{},
		Handoff:      asked.Answer.Handoff != nil,
		Later:        asked.Answer.Later,
		Milliseconds: asked.Took.Milliseconds(),
	}

	for _, reply := range asked.Answer.Replies {
		a.Kinds = append(a.Kinds, reply.Kind)
	}

	if asked.Err != nil {
		a.Failure = failure.Of(asked.Err).Code
	}

	return a
}

// mask replaces the texts and the names of the person.
func (q *Question) mask() error {
	q.Text = length(q.Text)

	if q.Media != nil && q.Media.Filename != "" {
		q.Media.Filename = length(q.Media.Filename)
	}

	decoder := json.NewDecoder(bytes.NewReader(q.Body))
	decoder.UseNumber()

	var body map[string]any
	if err := decoder.Decode(&body); err != nil {
		return fmt.Errorf("mask a question: %w", err)
	}

	for key, value := range body {
		switch {
		case slices.Contains(harmless, key):
		case key == "conversation_key":
			body[key] = q.Conversation
		default:
			body[key] = masked(key, value)
		}
	}

	var err error

	q.Body, err = json.Marshal(body)

	return err
}

// harmless are the properties of a body that say nothing about the person.
var harmless = []string{
	"age_seconds",
	"ai_employee_id",
	"channel",
	"display_phone_number",
	"event_id",
	"messaging_account_id",
	"mime_type",
	"phone_number_id",
	"received_at",
	"schema_version",
	"source",
	"status",
	"timestamp",
	"type",
	"voice",
	"waba_id",
	"workspace_id",
}

// masked returns a value under a key with the same form and without its content.
func masked(key string, value any) any {
	switch value := value.(type) {
	case map[string]any:
		hidden := map[string]any{}
		for name, property := range value {
			hidden[maskedKey(key, name)] = masked(name, property)
		}

		return hidden
	case []any:
		hidden := make([]any, len(value))
		for i, element := range value {
			hidden[i] = masked(key, element)
		}

		return hidden
	case string:
		return maskedText(key, value)
	case json.Number:
		return 0
	default:
		return value
	}
}

// maskedKey returns the name of a property. Those of what a person filled in are words of the business, but may be longer
// than any name.
func maskedKey(parent, name string) string {
	const longest = 64

	if len(name) > longest {
		return parent + " " + length(name)
	}

	return name
}

func maskedText(key, value string) string {
	switch key {
	case "from", "wa_id", "recipient_id", "recipient_participant_id":
		return person(value)
	case "message_id", "original_message_id", "id": // Meta's ids contain phone numbers
		return fingerprint(value)
	case "conversation_id", "user_id", "parent_user_id", "recipient_user_id", "group_id":
		return fingerprint(value)
	default:
		return length(value)
	}
}

// fingerprint returns a short hash, which is the same for the same id.
func fingerprint(id string) string {
	if id == "" {
		return ""
	}

	sum := sha256.Sum256([]byte("question " + id))

	return "hidden-" + hex.EncodeToString(sum[:8])
}

// length returns the length of a text in its place.
func length(text string) string {
	if text == "" {
		return ""
	}

	return fmt.Sprintf("[%d characters]", utf8.RuneCountInString(text))
}

// person returns the last four digits of a phone number.
func person(number string) string {
	if len(number) < 8 {
		return "…"
	}

	return "…" + number[len(number)-4:]
}
