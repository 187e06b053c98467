// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/bird"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// handler turns a message into the question that the AI gets.
type handler func(t *task) bird.Request

// handlers has one line for each type of message. A message of a type that is not here is kept.
var handlers = map[string]handler{
	"text": handleText,
}

// common is what every question says about the message.
func (t *task) common() bird.Common {
	m, c := t.message, t.contact
	person := m.FromUserID
	if person == "" {
		person = m.From
	}
	waID := c.WaID
	if waID == "" {
		waID = m.From
	}
	userID := c.UserID
	if userID == "" {
		userID = m.FromUserID
	}
	number := t.number()
	return bird.Common{
		SchemaVersion: 1, EventID: t.work.Event.ID.String(), Channel: "whatsapp",
		WorkspaceID: t.settings.Bird.WorkspaceID, AIEmployeeID: t.settings.Bird.AIEmployeeID,
		PhoneNumberID: number, WABAID: t.item.WABAID, DisplayPhoneNumber: string(t.item.Metadata.DisplayPhoneNumber),
		MessageID: string(m.ID), Timestamp: string(m.Timestamp), ReceivedAt: t.work.Event.ReceivedAt,
		From:        optional(m.From),
		ContactInfo: bird.Contact{WaID: optional(waID), Name: optional(c.Name), UserID: optional(userID), Username: optional(c.Username)},
		Context:     m.Context, Referral: m.Referral,
		ConversationKey: number + ":" + string(person),
	}
}

// number is the id of the business phone number that the message was sent to, and is answered from.
func (t *task) number() string { return string(t.item.Metadata.PhoneNumberID) }

// optional is null in JSON where Meta left the property out.
func optional(t whatsapp.Text) *string {
	if t == "" {
		return nil
	}
	return new(string(t))
}
