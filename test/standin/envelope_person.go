// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"cmp"
	"time"
)

// PersonMessage is a message that a person wrote.
type PersonMessage struct {
	PhoneNumberID string
	// WaID is the person: a wa_id, or a business-scoped user id such as US.13491208655302741918, which is written to
	// from_user_id and user_id instead of from and wa_id.
	WaID string
	Name string
	ID   string
	Type string
	// Object is the value under the name of the type; nil means none.
	Object any
	// ReplyTo is the id of the message that it quotes, or whose option was tapped. QuotedFrom is who sent that one; it
	// defaults to the business.
	ReplyTo    string
	QuotedFrom string
	Forwarded  bool
	// Code and Details are the error of a message that Meta does not deliver, of type unsupported; 0 means none.
	Code    int
	Details string
	At      time.Time
}

// Delivery returns the delivery of the message.
func (m PersonMessage) Delivery() []byte {
	message := map[string]any{
		"id":        m.ID,
		"timestamp": unixSeconds(m.At),
		"type":      m.Type,
	}
	if m.Object != nil {
		message[m.Type] = m.Object
	}

	quoted := map[string]any{}
	if m.ReplyTo != "" {
		quoted["id"] = m.ReplyTo
		quoted["from"] = cmp.Or(m.QuotedFrom, DeliveryDisplayPhoneNumber)
	}

	if m.Forwarded {
		quoted["forwarded"] = true
	}

	if len(quoted) > 0 {
		message["context"] = quoted
	}

	if m.Code != 0 {
		message["errors"] = []map[string]any{{
			"code":       m.Code,
			"title":      "Message type unknown",
			"message":    "Message type unknown",
			"error_data": map[string]string{"details": m.Details},
		}}
	}

	sender := contact{Profile: &profile{m.Name}, WaID: m.WaID}
	if businessScopedID.MatchString(m.WaID) {
		sender.WaID = ""
		sender.UserID = m.WaID
		message["from_user_id"] = m.WaID
	} else {
		message["from"] = m.WaID
	}

	return seal(m.PhoneNumberID, messagesValue{Contacts: []contact{sender}, Messages: []map[string]any{message}})
}
