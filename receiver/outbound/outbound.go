// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package outbound holds the messages that the AI or a desk posts to the messages API, as events of the store: the API
// stores them, and the engine sends them in the lane of their person.
package outbound

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// Role is who posted a message.
type Role string

// The roles.
const (
	Assistant Role = "assistant" // the AI: its messages are withheld while people have the conversation
	Desk      Role = "desk"      // people: their messages are sent although they have the conversation
)

// Message is an outbound message. Its JSON form is the stored payload of an event: add properties, but never rename one.
type Message struct {
	Role Role `json:"role"`
	// Question is the id of the event that the message answers, Replays is how often that was replayed, and AskedAt is when
	// it was received. They are zero if the message was not asked for.
	Question string    `json:"question,omitempty"`
	Replays  int       `json:"replays,omitempty"`
	AskedAt  time.Time `json:"asked_at,omitzero"`
	// Final means that no further answer to the question follows.
	Final bool `json:"final,omitempty"`
	// Item is the message of the person that this one answers, or the newest one of the conversation, or the result of
	// [Addressee]. It names the phone number and the recipient.
	Item whatsapp.Item `json:"item"`
	// Body is the answer in any of the forms that package answer parses.
	Body json.RawMessage `json:"body"`
	// Digest is the hash of the request that posted the message: another request with its idempotency key is refused.
	Digest string `json:"digest,omitempty"`
	// Verbatim means that the texts are sent as they are, also if they could be Markdown.
	Verbatim bool `json:"verbatim,omitempty"`
	// Fallback means that the message takes the place of an answer that did not come in time.
	Fallback bool `json:"fallback,omitempty"`
}

// ID returns the id of the event of a message: the same for the same idempotency key of a phone number.
func ID(phoneNumberID, idempotencyKey string) store.ID {
	return store.NewID(store.KindOutbound, phoneNumberID, idempotencyKey)
}

// Event returns the message as an event of a conversation, which any name of its person may name.
func (m Message) Event(id store.ID, conversation string, now time.Time) (store.Event, error) {
	payload, err := json.Marshal(m)
	if err != nil {
		return store.Event{}, fmt.Errorf("encode outbound message: %w", err)
	}

	return store.Event{
		ID:            id,
		Kind:          store.KindOutbound,
		Type:          string(m.Role),
		State:         store.Pending,
		Class:         store.Conversations,
		Lane:          conversation,
		PhoneNumberID: string(m.Item.Metadata.PhoneNumberID),
		Payload:       payload,
		ReceivedAt:    now,
	}, nil
}

// Decode decodes the payload of an event of kind outbound.
func Decode(payload []byte) (Message, error) {
	var m Message
	if err := json.Unmarshal(payload, &m); err != nil {
		return Message{}, fmt.Errorf("decode outbound message: %w", err)
	}

	return m, nil
}

// AnsweredID returns the id of the marker that the final answer to a question was posted. A replay of the question asks
// again.
func AnsweredID(question store.ID, replays int) store.ID {
	return store.NewID(store.KindAnswered, question.String(), strconv.Itoa(replays))
}

// Answered returns the marker that the final answer to a question was posted. It is ingested with the answer, so that both
// are stored or neither is.
func Answered(question store.ID, replays int, phoneNumberID string, now time.Time) store.Event {
	return store.Event{
		ID:            AnsweredID(question, replays),
		Kind:          store.KindAnswered,
		State:         store.Done,
		Class:         store.NoClass,
		PhoneNumberID: phoneNumberID,
		ReceivedAt:    now,
	}
}

// DeadlineID returns the id of the event that ends the time for a later answer to a question.
func DeadlineID(question store.ID, replays int) store.ID {
	return store.NewID(store.KindAnswerDeadline, question.String(), strconv.Itoa(replays))
}
