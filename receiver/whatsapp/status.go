// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"cmp"
	"encoding/json"
	"fmt"
)

// Status is a status of an outbound message, of a payment that it requested, or of a call.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/status
type Status struct {
	MessageID     Text
	Status        Text            // sent, delivered, read, played, failed, or a status that Meta adds later
	Type          Text            // "payment" or "call", empty for messages
	Timestamp     Text            // unix seconds
	Participant   Text            // the group's participant, by phone number or business-scoped user id
	Recipient     Text            // wa_id, or the group's id; empty if the person's phone number is hidden
	RecipientType Text            // "group" or empty
	RecipientUser Text            // business-scoped user id
	Callback      Text            // biz_opaque_callback_data
	ErrorCode     int             // of the first error with a code; 0 if there is none
	RawErrors     json.RawMessage // the list of errors as Meta sent it
	Pricing       json.RawMessage // as Meta sent it; on sent, and on one of delivered and read
}

// ParseStatus parses a status. It fails only if raw is not a JSON object. Meta's own pages spell the participant in
// several ways.
func ParseStatus(raw json.RawMessage) (Status, error) {
	var s struct {
		ID              Text            `json:"id"`
		Status          Text            `json:"status"`
		Type            Text            `json:"type"`
		Timestamp       Text            `json:"timestamp"`
		RecipientID     Text            `json:"recipient_id"`
		RecipientType   Text            `json:"recipient_type"`
		RecipientUserID Text            `json:"recipient_user_id"`
		ParticipantID   Text            `json:"recipient_participant_id"`
		ParticipantTypo Text            `json:"participant_recipient_id"`
		ParticipantUser Text            `json:"recipient_participant_user_id"`
		Callback        Text            `json:"biz_opaque_callback_data"`
		Conversation    json.RawMessage `json:"conversation"`
		Pricing         json.RawMessage `json:"pricing"`
		Errors          json.RawMessage `json:"errors"`
	}
	if err := readObject(raw, &s); err != nil {
		return Status{}, fmt.Errorf("read status: %w", err)
	}

	status := Status{
		MessageID:     s.ID,
		Status:        s.Status,
		Type:          s.Type,
		Timestamp:     s.Timestamp,
		Participant:   cmp.Or(s.ParticipantID, s.ParticipantTypo, s.ParticipantUser),
		Recipient:     s.RecipientID,
		RecipientType: s.RecipientType,
		RecipientUser: s.RecipientUserID,
		Callback:      s.Callback,
		ErrorCode:     firstErrorCode(s.Errors),
		RawErrors:     s.Errors,
		Pricing:       s.Pricing,
	}
	if status.Type == "message" { // the same as none
		status.Type = ""
	}

	if status.Pricing == nil {
		status.Pricing = nestedPricing(s.Conversation)
	}

	return status, nil
}

// nestedPricing returns the pricing of group statuses, which Meta puts inside the conversation.
func nestedPricing(conversation json.RawMessage) json.RawMessage {
	var c struct {
		Pricing json.RawMessage `json:"pricing"`
	}

	_ = readObject(conversation, &c) // an unexpected shape has no pricing

	return c.Pricing
}

// Ranks order the statuses of a message, so that a late one never replaces a later stage. A failure ranks below
// delivered, since a delivery can follow it if the person has several devices. Unknown statuses have rank 0: they are
// stored as events but never replace a known one.
var (
	messageRanks = map[Text]int{
		"sent":      1,
		"failed":    2,
		"delivered": 3,
		"read":      4,
		"played":    5,
	}
	paymentRanks = map[Text]int{
		"pending":  1,
		"failed":   2,
		"captured": 3,
	}
	callRanks = map[Text]int{
		"RINGING":  1,
		"REJECTED": 2,
		"ACCEPTED": 2,
	}
)

// IsFailed reports whether the message was not delivered. A payment or a call that failed says nothing about the message.
func (s Status) IsFailed() bool { return s.Type == "" && s.Status == "failed" }

// Rank returns the rank of the status among the statuses of the same message, payment or call.
func (s Status) Rank() int {
	switch s.Type {
	case "payment":
		return paymentRanks[s.Status]
	case "call":
		return callRanks[s.Status]
	}

	return messageRanks[s.Status]
}
