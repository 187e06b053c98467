// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import "encoding/json"

// FieldEchoes is the webhook field of messages that colleagues send from the WhatsApp Business app.
const FieldEchoes = "smb_message_echoes"

// Echo is a message that a colleague sent from the WhatsApp Business app, on a phone number that the app and the Cloud
// API share.
type Echo struct {
	ID       Text `json:"id"`
	To       Text `json:"to"`         // wa_id; empty if the person's phone number is hidden
	ToUserID Text `json:"to_user_id"` // business-scoped user id
	GroupID  Text `json:"group_id"`
}

// ParseEchoes parses the value of field smb_message_echoes. It omits elements that do not have the documented shape.
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
