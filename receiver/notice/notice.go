// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package notice sends notices to a sink, as CloudEvents 1.0 over HTTP. Notices come from the store, so that each is sent
// at least once. The sink recognizes a repetition by the event's id.
package notice

import (
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// typePrefix begins the type of every event.
const typePrefix = "dev.wawebhook."

// The types of notices. Changes of other webhook fields are AccountPrefix and the field's name.
const (
	MessageReceived   = "message.received"
	MessageDead       = "message.dead"
	MessageFailed     = "message.failed"
	MessageRead       = "message.read"
	MessageUnanswered = "message.unanswered"
	MessageForPeople  = "message.for_people"
	TemplateRequired  = "template.required"
	ErrorReported     = "error.reported"
	HandedOff         = "conversation.handed_off"
	TakenOver         = "conversation.taken_over"
	Returned          = "conversation.returned"
	AccountPrefix     = "account."
)

// Notice is one event for the sink. It is stored, so fields may be added to its JSON form but not removed.
type Notice struct {
	Type    string          `json:"type"`              // without the prefix
	Source  string          `json:"source"`            // a URI reference: /phone-numbers/<id> or /business-accounts/<id>
	Subject string          `json:"subject,omitempty"` // the id of the event
	Time    time.Time       `json:"time"`
	Data    json.RawMessage `json:"data,omitempty"`
}

// Number returns the source of notices about a phone number.
func Number(phoneNumberID string) string { return "/phone-numbers/" + url.PathEscape(phoneNumberID) }

// BusinessAccount returns the source of notices about a WhatsApp Business account.
func BusinessAccount(id string) string { return "/business-accounts/" + url.PathEscape(id) }

// lanes is the number of lanes, which are processed concurrently.
const lanes = 64

// Event returns the notice as an event of the outbox. Notices with the same type, source, subject and occurrence are the
// same event: a new occurrence is sent again, a redelivery by Meta is not. Occurrence may be empty.
func (n Notice) Event(occurrence string) store.Event {
	payload, err := json.Marshal(n)
	if err != nil { // the data is not JSON: the notice is sent without it
		n.Data = nil
		payload, _ = json.Marshal(n)
	}

	id := store.NewID(store.KindNotice, n.Type, n.Source, n.Subject, occurrence)

	return store.Event{
		ID:         id,
		Kind:       store.KindNotice,
		Class:      store.Notices,
		Type:       n.Type[:min(len(n.Type), 64)],
		State:      store.Pending,
		Lane:       fmt.Sprintf("notice:%d", id[0]%lanes),
		Payload:    payload,
		ReceivedAt: n.Time,
	}
}

// encode returns the structured JSON form with this id.
//
// Source: CloudEvents 1.0, JSON event format.
func (n Notice) encode(id string) ([]byte, error) {
	e := cloudevents.New()
	e.SetID(id)
	e.SetType(typePrefix + n.Type)
	e.SetSource(n.Source)

	if n.Subject != "" {
		e.SetSubject(n.Subject)
	}

	e.SetTime(n.Time)

	if len(n.Data) > 0 {
		if err := e.SetData(cloudevents.ApplicationJSON, n.Data); err != nil {
			return nil, fmt.Errorf("encode notice: %w", err)
		}
	}

	if err := e.Validate(); err != nil {
		return nil, fmt.Errorf("encode notice: %w", err)
	}

	body, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encode notice: %w", err)
	}

	return body, nil
}
