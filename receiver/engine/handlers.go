// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"cmp"
	"context"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/bird"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// handler turns a message into the question that the AI gets; nil means that there is nothing to ask.
type handler func(ctx context.Context, e *Engine, t *task) (*bird.Request, error)

// handlers has one line for each type of message. One that Meta adds is put as it came, like those of handleOther.
var handlers = map[string]handler{
	"text":            handleText,
	"image":           handleImage,
	"video":           handleVideo,
	"audio":           handleAudio,
	"document":        handleDocument,
	"location":        handleLocation,
	"contacts":        handleContacts,
	"interactive":     handleInteractive,
	"button":          handleButton,
	"system":          handleSystem,
	"sticker":         handleOther,
	"reaction":        handleOther,
	"order":           handleOther,
	"edit":            handleOther,
	"revoke":          handleOther,
	"request_welcome": handleOther,
	"unsupported":     handleOther,
	"unknown":         handleOther,
}

// common is what every question says about the message.
func (t *task) common() bird.Common {
	m := t.message
	c := t.contact
	body := t.origin(m.ID, m.Timestamp, cmp.Or(m.FromUserID, m.From))
	body.From = optional(m.From)
	body.ContactInfo = bird.Contact{
		WaID:     optional(cmp.Or(c.WaID, m.From)),
		Name:     optional(c.Name),
		UserID:   optional(cmp.Or(c.UserID, m.FromUserID)),
		Username: optional(c.Username),
	}
	body.Context = m.Context
	body.Referral = m.Referral

	return body
}

// origin is what Bird is told of any event: which one it is, and of what message, number and person.
func (t *task) origin(messageID, timestamp, person whatsapp.Text) bird.Common {
	return bird.Common{
		SchemaVersion:      1,
		EventID:            t.work.Event.ID.String(),
		Channel:            "whatsapp",
		WorkspaceID:        t.settings.Bird.WorkspaceID,
		AIEmployeeID:       t.settings.Bird.AIEmployeeID,
		PhoneNumberID:      t.number(),
		WABAID:             t.item.WABAID,
		DisplayPhoneNumber: string(t.item.Metadata.DisplayPhoneNumber),
		MessageID:          string(messageID),
		Timestamp:          string(timestamp),
		ReceivedAt:         t.work.Event.ReceivedAt,
		ConversationKey:    t.number() + ":" + string(person),
	}
}

// optional is null in JSON where Meta left the property out.
func optional(t whatsapp.Text) *string {
	if t == "" {
		return nil
	}

	return new(string(t))
}
