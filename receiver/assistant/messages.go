// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package assistant

import (
	"cmp"
	"encoding/json"
	"fmt"
	"time"
)

// Body is the JSON body of a request: one of the types below.
type Body interface {
	subject() string // identifies the message or status; the same for each attempt, and of no other event
	common() Common
}

// EncodeBody returns the JSON body of a request with its method.
func EncodeBody(m Method, body Body) ([]byte, error) {
	fields, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("encode the message: %w", err)
	}

	return append(fmt.Appendf(nil, `{"method":%q,`, m), fields[1:]...), nil
}

// Common are the fields of every body. From and the contact's ids are null if Meta hides the phone number.
type Common struct {
	SchemaVersion      int             `json:"schema_version"`
	EventID            string          `json:"event_id"`
	Channel            string          `json:"channel"`
	WorkspaceID        string          `json:"workspace_id,omitempty"`
	AIEmployeeID       string          `json:"ai_employee_id,omitempty"`
	PhoneNumberID      string          `json:"phone_number_id"`
	WABAID             string          `json:"waba_id"`
	MessagingAccountID string          `json:"messaging_account_id,omitempty"`
	DisplayPhoneNumber string          `json:"display_phone_number"`
	MessageID          string          `json:"message_id"`
	Timestamp          string          `json:"timestamp"`
	ReceivedAt         time.Time       `json:"received_at"`
	AgeSeconds         int64           `json:"age_seconds"` // from Timestamp to the request; differs between attempts
	From               *string         `json:"from"`
	ContactInfo        Contact         `json:"contact_info"`
	Context            json.RawMessage `json:"context"`
	Referral           json.RawMessage `json:"referral"`
	GroupID            string          `json:"group_id,omitempty"` // of a conversation in a group
	// ConversationKey is <phone_number_id>:<user_id or wa_id>, or <phone_number_id>:group:<group_id>.
	ConversationKey string `json:"conversation_key"`
	// ConversationID is the id that the AI gave the conversation in an earlier answer, or null.
	ConversationID *string `json:"conversation_id"`
}

// subject names the event if Meta gave the message no id: otherwise all such messages were one request.
func (c Common) subject() string { return c.PhoneNumberID + ":" + cmp.Or(c.MessageID, c.EventID) }

func (c Common) common() Common { return c }

// Contact is the person.
type Contact struct {
	WaID     *string `json:"wa_id"`
	Name     *string `json:"name"`
	UserID   *string `json:"user_id"`
	ParentID string  `json:"parent_user_id,omitempty"` // user id for linked business portfolios
	Username *string `json:"username"`
}

// TextMessage is the body of ProcessText.
type TextMessage struct {
	Common
	Text string `json:"text"`
	// Analysis is the Result of an [Analysis] of the media that the text came with.
	Analysis json.RawMessage `json:"analysis,omitempty"`
}

// ImageMessage is the body of ProcessImage.
type ImageMessage struct {
	Common
	Caption  string `json:"caption"`
	MimeType string `json:"mime_type"`
}

// AudioMessage is the body of ProcessAudio.
type AudioMessage struct {
	Common
	MimeType string `json:"mime_type"`
	Voice    bool   `json:"voice"` // recorded in WhatsApp
}

// VideoMessage is the body of ProcessVideo.
type VideoMessage struct {
	Common
	Caption  string `json:"caption"`
	MimeType string `json:"mime_type"`
}

// DocumentMessage is the body of ProcessDocument.
type DocumentMessage struct {
	Common
	Caption  string `json:"caption"`
	Filename string `json:"filename"`
	MimeType string `json:"mime_type"`
}

// LocationMessage is the body of ProcessLocation.
type LocationMessage struct {
	Common
	Location Location `json:"location"`
}

// Location is a position, in degrees.
type Location struct {
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
	Name      string  `json:"name"`
	Address   string  `json:"address"`
}

// ContactsMessage is the body of ProcessContacts. Contacts have Meta's form.
type ContactsMessage struct {
	Common
	Contacts []json.RawMessage `json:"contacts"`
	Origin   string            `json:"origin,omitempty"` // contact_request: the person answered request_contact_info
}

// ButtonInteraction is the body of ProcessButton.
type ButtonInteraction struct {
	Common
	ButtonID    string       `json:"button_id"`
	ButtonTitle string       `json:"button_title"`
	Source      ButtonSource `json:"source"`
}

// ButtonSource is the kind of message that the button was part of.
type ButtonSource string

// The sources: a reply button of an interactive message, a quick reply of a template.
const (
	FromInteractive ButtonSource = "interactive"
	FromTemplate    ButtonSource = "template"
)

// ListInteraction is the body of ProcessList.
type ListInteraction struct {
	Common
	ListID          string `json:"list_id"`
	ListTitle       string `json:"list_title"`
	ListDescription string `json:"list_description"`
}

// FlowResponse is the body of ProcessFlow. Response is Meta's response_json, parsed, or the object of a
// call_permission_reply.
type FlowResponse struct {
	Common
	FlowName string          `json:"flow_name"`
	Response json.RawMessage `json:"response"`
}

// OrderMessage is the body of ProcessOrder. Order is the person's cart, in Meta's form.
type OrderMessage struct {
	Common
	Order json.RawMessage `json:"order"`
}

// EditedMessage is the body of ProcessEdit. Its MessageID and Timestamp are those of the edit.
type EditedMessage struct {
	Common
	OriginalID string `json:"original_message_id"`
	Type       string `json:"type"` // of the message, such as text or image
	Text       string `json:"text"`
	Caption    string `json:"caption"`
}

// RevokedMessage is the body of ProcessRevoke. Its MessageID and Timestamp are those of the revocation.
type RevokedMessage struct {
	Common
	OriginalID string `json:"original_message_id"`
}

// UndeliveredMessage is the body of ProcessUndelivered. Errors and Message have Meta's form.
type UndeliveredMessage struct {
	Common
	Type    string          `json:"type"`
	Errors  json.RawMessage `json:"errors"`
	Message json.RawMessage `json:"message"`
}

// OtherMessage is the body of ProcessOther. Message has Meta's form.
type OtherMessage struct {
	Common
	Type    string          `json:"type"`
	Message json.RawMessage `json:"message"`
}

// StatusNotification is the body of NotifyStatus. Its MessageID and Timestamp are the status's own.
type StatusNotification struct {
	Common
	Status          string          `json:"status"`
	Type            string          `json:"type,omitempty"` // such as payment; of a message's status empty
	RecipientID     *string         `json:"recipient_id"`
	RecipientUserID *string         `json:"recipient_user_id"`
	ParticipantID   string          `json:"recipient_participant_id,omitempty"` // within a group
	Errors          json.RawMessage `json:"errors"`
	Pricing         json.RawMessage `json:"pricing"`
	Payment         json.RawMessage `json:"payment,omitempty"` // of a payment, in Meta's form
}

// subject distinguishes the statuses of one message. A payment has an event for each attempt, capture and refund.
func (s StatusNotification) subject() string {
	subject := s.Common.subject() + ":" + s.Status
	if s.Type != "" {
		subject += ":" + s.Type
	}

	if s.ParticipantID != "" {
		subject += ":" + s.ParticipantID
	}

	if isPayment := s.Type == "payment" || len(s.Payment) > 0; isPayment && s.EventID != "" {
		subject += ":" + s.EventID
	}

	return subject
}

// MediaAnalysis is the body of the analysis methods.
type MediaAnalysis struct {
	Common
	Filename string        `json:"filename"`
	Metadata MediaMetadata `json:"metadata"`
}

// MediaMetadata describes media as its message does.
type MediaMetadata struct {
	Type     string `json:"type"` // of the message, such as image
	MimeType string `json:"mime_type"`
	Caption  string `json:"caption"`
	Voice    bool   `json:"voice"`
}
