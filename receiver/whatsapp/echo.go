// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import "encoding/json"

// Webhook fields that are acted on. Every field but FieldMessages becomes items of PartField, so that messages on
// standby, whose conversations Meta's own agent holds, and on history are kept and never answered.
const (
	FieldMessages = "messages"
	FieldEchoes   = "smb_message_echoes"
)

// Echo is a message that a colleague sent from the WhatsApp Business app, on a number that the app and the Cloud API
// share.
type Echo struct {
	ID        Text `json:"id"`
	To        Text `json:"to"`         // wa_id; absent where the person's phone number is hidden
	ToUserID  Text `json:"to_user_id"` // business-scoped user id
	GroupID   Text `json:"group_id"`
	Timestamp Text `json:"timestamp"` // unix seconds
	Type      Text `json:"type"`      // of the message; also edit and revoke
}

// ParseEchoes reads the value of field smb_message_echoes. What is not of the documented shape is left out.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/smb_message_echoes
func ParseEchoes(value json.RawMessage) []Echo {
	var v struct {
		Echoes json.RawMessage `json:"message_echoes"`
	}
	if readObject(value, &v) != nil {
		return nil
	}

	var echoes []Echo
	for _, raw := range readList(v.Echoes) {
		var echo Echo
		if readObject(raw, &echo) == nil {
			echoes = append(echoes, echo)
		}
	}

	return echoes
}

// Conversation is the lane of the person, or group, that the echo went to; empty where Meta does not say.
func (e Echo) Conversation(phoneNumberID string) string {
	return lane(phoneNumberID, e.GroupID, e.To, e.ToUserID)
}

// Alias is the person's lane by user id where Conversation is the one by number, else empty.
func (e Echo) Alias(phoneNumberID string) string {
	if e.GroupID != "" || e.To == "" {
		return ""
	}

	return lane(phoneNumberID, "", "", e.ToUserID)
}
