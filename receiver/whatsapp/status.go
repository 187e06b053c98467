// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
)

// Status is a status of an outbound message, of a payment that it requested, or of a call.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/status
type Status struct {
	MessageID       Text
	Status          Text            // sent, delivered, read, played, failed, or a status that Meta adds later
	Type            Text            // "payment" or "call", empty for messages; of a payment also if Meta sends no type
	Timestamp       Text            // unix seconds
	GroupID         Text            // of the group that the message went to; else empty
	Participant     Text            // the group's participant, by phone number or user id
	Recipient       Text            // recipient_id: wa_id, or of a group its id or the participant; empty if the number is hidden
	RecipientUser   Text            // business-scoped user id
	RecipientParent Text            // user id for linked business portfolios
	Callback        Text            // biz_opaque_callback_data
	ErrorCode       int             // of the first error with a code; 0 if there is none
	RawErrors       json.RawMessage // the list of errors as Meta sent it
	Pricing         json.RawMessage // as Meta sent it; on sent, and on one of delivered and read
	Payment         json.RawMessage // of a payment: reference_id, transaction and more, as Meta sent it
}

// ParseStatus parses a status. It fails only if raw is not a JSON object. Meta's own pages spell the participant and the
// parent user id in several ways.
func ParseStatus(raw json.RawMessage) (Status, error) {
	if !isObject(raw) {
		return Status{}, fmt.Errorf("read status: %w", errNotObject)
	}

	s := readStatus(raw)

	status := Status{
		MessageID:       s.ID,
		Status:          s.Status,
		Type:            Text(strings.ToLower(strings.TrimSpace(string(s.Type)))),
		Timestamp:       s.Timestamp,
		Recipient:       s.RecipientID,
		RecipientUser:   s.RecipientUserID,
		RecipientParent: cmp.Or(s.RecipientParent, s.ParentRecipient, s.ParentUserID),
		Callback:        s.Callback,
		ErrorCode:       firstErrorCode(s.Errors),
		RawErrors:       s.Errors,
		Pricing:         s.Pricing,
	}

	if isObject(s.Payment) {
		status.Payment = s.Payment
	}

	switch {
	case status.Type == "" && status.Payment != nil: // a failed payment is not a failed message
		status.Type = typePayment
	case status.Type == "message": // the same as none
		status.Type = ""
	}

	if status.Pricing == nil {
		status.Pricing = nestedPricing(s.Conversation)
	}

	participant := newPerson(cmp.Or(s.ParticipantID, s.ParticipantTypo), s.ParticipantUser, s.ParticipantParent)

	status.GroupID = s.GroupID
	if status.GroupID == "" && (strings.EqualFold(string(s.RecipientType), "group") || !participant.IsZero()) {
		status.GroupID = s.RecipientID
	}

	if status.GroupID != "" && participant.IsZero() {
		participant = newPerson(s.RecipientID, status.RecipientUser, status.RecipientParent)
		if s.RecipientID == status.GroupID {
			participant.WaID = ""
		}
	}

	status.Participant = cmp.Or(participant.WaID, participant.UserID, participant.ParentID)

	return status, nil
}

// sentStatus are the properties of a status as Meta sends them.
type sentStatus struct {
	ID                Text
	Status            Text
	Type              Text
	Timestamp         Text
	GroupID           Text
	RecipientID       Text
	RecipientType     Text
	RecipientUserID   Text
	RecipientParent   Text
	ParentRecipient   Text
	ParentUserID      Text
	ParticipantID     Text
	ParticipantTypo   Text
	ParticipantUser   Text
	ParticipantParent Text
	Callback          Text
	Conversation      json.RawMessage
	Pricing           json.RawMessage
	Payment           json.RawMessage
	Errors            json.RawMessage
}

func readStatus(raw json.RawMessage) (s sentStatus) {
	for m := membersOf(raw); m.next(); {
		switch string(m.field()) {
		case "conversation":
			s.Conversation = m.value
		case "pricing":
			s.Pricing = m.value
		case "payment":
			s.Payment = m.value
		case "errors":
			s.Errors = m.value
		default:
			if text := s.text(m.field()); text != nil {
				*text = textOf(m.value)
			}
		}
	}

	return s
}

// text returns the property that is a text with this name, or nil.
func (s *sentStatus) text(name []byte) *Text {
	switch string(name) {
	case "id":
		return &s.ID
	case "status":
		return &s.Status
	case "type":
		return &s.Type
	case "timestamp":
		return &s.Timestamp
	case "group_id":
		return &s.GroupID
	case "recipient_id":
		return &s.RecipientID
	case "recipient_type":
		return &s.RecipientType
	case "recipient_user_id":
		return &s.RecipientUserID
	case "recipient_parent_user_id":
		return &s.RecipientParent
	case "parent_recipient_user_id":
		return &s.ParentRecipient
	case "parent_user_id":
		return &s.ParentUserID
	case "recipient_participant_id":
		return &s.ParticipantID
	case "participant_recipient_id":
		return &s.ParticipantTypo
	case "recipient_participant_user_id":
		return &s.ParticipantUser
	case "recipient_participant_parent_user_id":
		return &s.ParticipantParent
	case "biz_opaque_callback_data":
		return &s.Callback
	}

	return nil
}

// Person returns the person that the message went to. It has no name if the message went to a group.
func (s Status) Person() Person {
	if s.GroupID != "" {
		return Person{}
	}

	return newPerson(s.Recipient, s.RecipientUser, s.RecipientParent)
}

// nestedPricing returns the pricing of group statuses, which Meta puts inside the conversation.
func nestedPricing(conversation json.RawMessage) (pricing json.RawMessage) {
	for m := membersOf(conversation); m.next(); {
		if string(m.field()) == "pricing" {
			pricing = m.value
		}
	}

	return pricing
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
	case typePayment:
		return s.paymentRank()
	case "call":
		return callRanks[s.Status]
	}

	return messageRanks[s.Status]
}
