// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package notice tells a sink what happened, as CloudEvents 1.0 over HTTP. What is told comes from the store, so that it
// is told at least once; a sink knows a repetition by the event's id.
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
	MessageReceived  = "message.received"
	MessageDead      = "message.dead"
	MessageFailed    = "message.failed"
	MessageRead      = "message.read"
	TemplateRequired = "template.required"
	ErrorReported    = "error.reported"
	AccountPrefix    = "account."
)

// Notice is what the sink is told. It is stored, so its JSON form only grows.
type Notice struct {
	Type    string          `json:"type"`              // without the prefix
	Source  string          `json:"source"`            // a URI reference: /phone-numbers/<id> or /business-accounts/<id>
	Subject string          `json:"subject,omitempty"` // the id of the event that it is about
	Time    time.Time       `json:"time"`
	Data    json.RawMessage `json:"data,omitempty"`
}

// Number is the source of what concerns a phone number.
func Number(phoneNumberID string) string { return "/phone-numbers/" + url.PathEscape(phoneNumberID) }

// BusinessAccount is the source of what concerns a WhatsApp Business account.
func BusinessAccount(id string) string { return "/business-accounts/" + url.PathEscape(id) }

// lanes spreads notices over lanes that are worked at the same time.
const lanes = 64

// Event is the notice as an entry of the outbox. Notices of the same type, source and subject are the same event, unless
// occurrence, which may be empty, tells them apart: what happened again is told again, what Meta delivers again is not.
func (n Notice) Event(occurrence string) store.Event {
	payload, err := json.Marshal(n)
	if err != nil { // of data that is no JSON; the sink is told without it
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

// encode writes the structured JSON form under an id of its own.
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
