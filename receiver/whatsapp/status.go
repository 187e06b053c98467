// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"cmp"
	"encoding/json"
	"fmt"
)

// Status is a status of an outbound message, of a payment that it asked for, or of a call.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/status
type Status struct {
	MessageID           Text
	Status              Text // sent, delivered, read, played, failed, or what Meta adds
	Type                Text // "payment" or "call", empty for messages
	Timestamp           Text // unix seconds
	Participant         Text // the group's participant, by phone number or business-scoped user id
	Recipient           Text // wa_id, or the group's id; absent where the person's phone number is hidden
	RecipientType       Text // "group", else empty
	RecipientUser       Text // business-scoped user id
	RecipientParentUser Text
	Callback            Text // our biz_opaque_callback_data
	ErrorCode           int  // of the first error that has one; 0 when there is none
	Errors              []ReportedError
	RawErrors           json.RawMessage `json:"-"` // Errors as Meta sent them
	Pricing             json.RawMessage // as Meta sent it; on sent, and on one of delivered and read
	Conversation        json.RawMessage // as Meta sent it
	Payment             json.RawMessage // as Meta sent it
	Raw                 json.RawMessage // all of it
}

// ParseStatus reads a status; it fails only where raw is no JSON object. Participant and parent have several spellings
// in Meta's own pages.
func ParseStatus(raw json.RawMessage) (Status, error) {
	var s struct {
		ID                    Text            `json:"id"`
		Status                Text            `json:"status"`
		Type                  Text            `json:"type"`
		Timestamp             Text            `json:"timestamp"`
		RecipientID           Text            `json:"recipient_id"`
		RecipientType         Text            `json:"recipient_type"`
		RecipientUserID       Text            `json:"recipient_user_id"`
		RecipientParentUserID Text            `json:"recipient_parent_user_id"`
		ParentRecipientUserID Text            `json:"parent_recipient_user_id"`
		ParentUserID          Text            `json:"parent_user_id"`
		ParticipantID         Text            `json:"recipient_participant_id"`
		ParticipantTypo       Text            `json:"participant_recipient_id"`
		ParticipantUser       Text            `json:"recipient_participant_user_id"`
		Callback              Text            `json:"biz_opaque_callback_data"`
		Conversation          json.RawMessage `json:"conversation"`
		Pricing               json.RawMessage `json:"pricing"`
		Payment               json.RawMessage `json:"payment"`
		Errors                json.RawMessage `json:"errors"`
	}
	if err := readObject(raw, &s); err != nil {
		return Status{}, fmt.Errorf("read status: %w", err)
	}

	status := Status{
		MessageID:           s.ID,
		Status:              s.Status,
		Type:                s.Type,
		Timestamp:           s.Timestamp,
		Participant:         cmp.Or(s.ParticipantID, s.ParticipantTypo, s.ParticipantUser),
		Recipient:           s.RecipientID,
		RecipientType:       s.RecipientType,
		RecipientUser:       s.RecipientUserID,
		RecipientParentUser: cmp.Or(s.RecipientParentUserID, s.ParentRecipientUserID, s.ParentUserID),
		Callback:            s.Callback,
		Errors:              reportedErrors(s.Errors),
		RawErrors:           s.Errors,
		Pricing:             s.Pricing,
		Conversation:        s.Conversation,
		Payment:             s.Payment,
		Raw:                 raw,
	}
	if status.Pricing == nil {
		status.Pricing = nestedPricing(s.Conversation)
	}

	for _, e := range status.Errors {
		if e.Code > 0 {
			status.ErrorCode = e.Code
			break
		}
	}

	return status, nil
}

// Lane is the conversation of the person, or group, that the message went to; empty where Meta does not say.
func (s Status) Lane(phoneNumberID string) string {
	if s.RecipientType == "group" {
		return lane(phoneNumberID, s.Recipient, "", "")
	}

	return lane(phoneNumberID, "", s.Recipient, s.RecipientUser)
}

// nestedPricing finds the pricing of group statuses, which stands inside the conversation.
func nestedPricing(conversation json.RawMessage) json.RawMessage {
	var c struct {
		Pricing json.RawMessage `json:"pricing"`
	}

	_ = readObject(conversation, &c) // of another shape, it has none

	return c.Pricing
}

// The ranks of statuses, so that one that arrives late never replaces one that is further on. A failure ranks below
// delivered, since a delivery can follow it when the person has several devices. Statuses that Meta adds rank lowest:
// they are kept as events but never replace a known one.
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

// Rank orders the statuses of one message.
func (s Status) Rank() int {
	switch s.Type {
	case "payment":
		return paymentRanks[s.Status]
	case "call":
		return callRanks[s.Status]
	}

	return messageRanks[s.Status]
}
