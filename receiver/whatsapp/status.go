// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"encoding/json"
	"fmt"
)

// Status is a status of an outbound message, or of a payment that it asked for.
type Status struct {
	MessageID     Text
	Status        Text
	Type          Text // "payment" for payments, empty for messages
	Timestamp     Text // unix seconds
	Participant   Text // the group's participant, by phone number or business-scoped user id
	Recipient     Text
	RecipientUser Text
	Callback      Text // our biz_opaque_callback_data
	ErrorCode     int  // of the first error; 0 when there is none
}

// ParseStatus reads a status; it fails only where raw is no JSON object. The participant has several spellings in
// Meta's own pages.
func ParseStatus(raw json.RawMessage) (Status, error) {
	var s struct {
		ID              Text            `json:"id"`
		Status          Text            `json:"status"`
		Type            Text            `json:"type"`
		Timestamp       Text            `json:"timestamp"`
		RecipientID     Text            `json:"recipient_id"`
		RecipientUserID Text            `json:"recipient_user_id"`
		ParticipantID   Text            `json:"recipient_participant_id"`
		ParticipantTypo Text            `json:"participant_recipient_id"`
		ParticipantUser Text            `json:"recipient_participant_user_id"`
		Callback        Text            `json:"biz_opaque_callback_data"`
		Errors          json.RawMessage `json:"errors"`
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		return Status{}, fmt.Errorf("read status: %w", err)
	}
	return Status{
		MessageID: s.ID, Status: s.Status, Type: s.Type, Timestamp: s.Timestamp,
		Participant: firstOf(s.ParticipantID, s.ParticipantTypo, s.ParticipantUser),
		Recipient:   s.RecipientID, RecipientUser: s.RecipientUserID, Callback: s.Callback,
		ErrorCode: firstErrorCode(s.Errors),
	}, nil
}

func firstErrorCode(raw json.RawMessage) int {
	var errs []struct {
		Code int `json:"code"`
	}
	if json.Unmarshal(raw, &errs) != nil || len(errs) == 0 {
		return 0
	}
	return errs[0].Code
}

func firstOf(values ...Text) Text {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// The ranks of statuses, so that one that arrives late never replaces one that is further on. A failure ranks below
// delivered, since a delivery can follow it when the person has several devices. Statuses that Meta adds rank lowest:
// they are kept as events but never replace a known one.
var (
	messageRanks = map[Text]int{"sent": 1, "failed": 2, "delivered": 3, "read": 4, "played": 5}
	paymentRanks = map[Text]int{"pending": 1, "failed": 2, "captured": 3}
)

// Rank orders the statuses of one message.
func (s Status) Rank() int {
	if s.Type == "payment" {
		return paymentRanks[s.Status]
	}
	return messageRanks[s.Status]
}
