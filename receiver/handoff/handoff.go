// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package handoff sends requests to the desk: that the AI handed a conversation off, and the messages of the person during the
// takeover. The desk answers by the messages API.
package handoff

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// The methods of the requests to a desk.
const (
	// HumanMessage is for a message of a person whose conversation people have.
	HumanMessage assistant.Method = "human_message"
	// HandedOff is for a conversation that the AI has given to people.
	HandedOff assistant.Method = "conversation_handed_off"
)

// Message is the body of a request. It is also the stored payload of an event, without what expires or grows old: add
// properties, but never rename one.
type Message struct {
	Method assistant.Method `json:"method"`
	assistant.Common

	Type    string          `json:"type,omitempty"`    // of the message
	Text    string          `json:"text,omitempty"`    // the message as a text, whatever its type
	Media   *Media          `json:"media,omitempty"`   // nil for a message without a file
	Message json.RawMessage `json:"message,omitempty"` // as Meta delivered it

	// The properties of HandedOff. Reason is in the words of the AI, and may be empty.
	Reason  *string    `json:"reason,omitempty"`
	Until   *time.Time `json:"until,omitempty"` // when the AI gets the conversation back
	History []Turn     `json:"history,omitempty"`
}

// Media describes the file of a message.
type Media struct {
	Type     string `json:"type"` // of the message, such as image
	MimeType string `json:"mime_type"`
	Filename string `json:"filename,omitempty"`
	Caption  string `json:"caption,omitempty"`
	Voice    bool   `json:"voice,omitempty"`
	URL      string `json:"url,omitempty"` // a link to the file, if the receiver knows its public address
}

// Turn is one message of the conversation before the handoff.
type Turn struct {
	From string    `json:"from"` // person, ai or desk
	Text string    `json:"text"`
	At   time.Time `json:"at"`
}

// lanePrefix begins the lanes of events for the desk.
const lanePrefix = "desk:"

// Event returns the message as an event. Those of a conversation have their own lane: they reach the desk in order, and
// a failure of one conversation delays no other. Messages about the same event with the same method and occurrence are the
// same event.
func (m Message) Event(conversation, occurrence string, now time.Time) (store.Event, error) {
	payload, err := json.Marshal(m)
	if err != nil {
		return store.Event{}, fmt.Errorf("encode message for the desk: %w", err)
	}

	return store.Event{
		ID:            store.NewID(store.KindDeskMessage, string(m.Method), m.EventID, occurrence),
		Kind:          store.KindDeskMessage,
		Type:          string(m.Method),
		State:         store.Pending,
		Class:         store.Notices,
		Lane:          Lane(conversation),
		PhoneNumberID: m.PhoneNumberID,
		Payload:       payload,
		ReceivedAt:    now,
	}, nil
}

// Decode decodes the payload of an event of kind desk_message.
func Decode(payload []byte) (Message, error) {
	var m Message
	if err := json.Unmarshal(payload, &m); err != nil {
		return Message{}, fmt.Errorf("decode message for the desk: %w", err)
	}

	return m, nil
}

// Lane returns the lane of the events for the desk about a conversation.
func Lane(conversation string) string { return lanePrefix + conversation }

// Conversation returns the conversation of an event for the desk, by its lane.
func Conversation(lane string) string { return strings.TrimPrefix(lane, lanePrefix) }
