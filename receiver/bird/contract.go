// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package bird asks the AI: it speaks the Bird bridge contract (docs/bird-contract.md).
package bird

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

// Method names a call of the contract.
type Method string

// The methods that are called.
const (
	ProcessText Method = "process_text_message"
)

// contract holds the path and timeout of each method where the configuration has no other.
var contract = map[Method]config.Endpoint{
	ProcessText: {Path: "/v1/messages/text", Timeout: 30 * time.Second},
}

// endpoint returns what is in force for m.
func endpoint(settings config.Bird, m Method) config.Endpoint {
	e, override := contract[m], settings.Endpoints[string(m)]
	if override.Path != "" {
		e.Path = override.Path
	}
	if override.Timeout != 0 {
		e.Timeout = override.Timeout
	}
	if override.Enabled != nil {
		e.Enabled = override.Enabled
	}
	return e
}

// Request is one question to the AI.
type Request struct {
	Method  Method
	Attempt int // from 1
	Body    Body
}

// Common is what every body has. From and the contact's ids are null where Meta hides the phone number.
type Common struct {
	SchemaVersion      int             `json:"schema_version"`
	EventID            string          `json:"event_id"`
	Channel            string          `json:"channel"`
	WorkspaceID        string          `json:"workspace_id,omitempty"`
	AIEmployeeID       string          `json:"ai_employee_id,omitempty"`
	PhoneNumberID      string          `json:"phone_number_id"`
	WABAID             string          `json:"waba_id"`
	DisplayPhoneNumber string          `json:"display_phone_number"`
	MessageID          string          `json:"message_id"`
	Timestamp          string          `json:"timestamp"`
	ReceivedAt         time.Time       `json:"received_at"`
	From               *string         `json:"from"`
	ContactInfo        Contact         `json:"contact_info"`
	Context            json.RawMessage `json:"context"`
	Referral           json.RawMessage `json:"referral"`
	ConversationKey    string          `json:"conversation_key"` // <phone_number_id>:<user_id or wa_id>
}

// Contact is the person.
type Contact struct {
	WaID     *string `json:"wa_id"`
	Name     *string `json:"name"`
	UserID   *string `json:"user_id"`
	Username *string `json:"username"`
}

// TextMessage is the body of ProcessText.
type TextMessage struct {
	Common
	Text string `json:"text"`
}

func (c Common) common() Common { return c }

// Body is what a method is given: one of the types of this package.
type Body interface{ common() Common }

// idempotencyKey is the same for each attempt to have one message handled by one method.
func idempotencyKey(m Method, c Common) string {
	key := string(m) + ":" + c.PhoneNumberID + ":" + c.MessageID
	if len(key) > 255 {
		sum := sha256.Sum256([]byte(key))
		return hex.EncodeToString(sum[:])
	}
	return key
}
