// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// Recipient is the recipient of an answer: a group, a phone number, or a person with only a business-scoped user id.
type Recipient struct {
	GroupID string
	WaID    string // digits, without "+"
	UserID  string
}

// RecipientOf returns the conversation of m. A person whose number or user id just changed is reached under the new one. It
// is zero if Meta names neither a person nor a group.
func RecipientOf(m whatsapp.Message) Recipient {
	person := m.Sender()
	if change, ok := m.IdentityChange(); ok && !change.New.IsZero() {
		person = change.New
	}

	return Recipient{
		GroupID: string(m.GroupID),
		WaID:    string(person.WaID),
		UserID:  string(cmp.Or(person.UserID, person.ParentID)),
	}
}

// Reply are the fields of a send besides its content.
type Reply struct {
	To        Recipient
	ContextID string // the answered message; reactions have none
	Callback  string // biz_opaque_callback_data: Meta returns it with each status
}

// Content is the content of a message, such as TextContent or MediaContent.
type Content interface {
	// put sets the type and its object, and returns how many titles it cut.
	put(*outbound) (cut int, err error)
}

// Encoded is a message in the form of POST /{phone-number-id}/messages.
type Encoded struct {
	Type string // Meta's: text, interactive, image, video, audio, document, sticker, template, location, contacts or reaction
	Body []byte // JSON
	Cut  int    // how many titles, headers, footers and descriptions exceeded Meta's limit and were cut
}

// outbound is the body of POST /{phone-number-id}/messages. Only the object named by Type is set.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/reference/whatsapp-business-phone-number/message-api
type outbound struct {
	Product       string             `json:"messaging_product"`
	RecipientType string             `json:"recipient_type"`
	To            string             `json:"to,omitempty"`
	Recipient     string             `json:"recipient,omitempty"`
	Type          string             `json:"type"`
	Text          *textObject        `json:"text,omitempty"`
	Interactive   *interactiveObject `json:"interactive,omitempty"`
	Image         *mediaObject       `json:"image,omitempty"`
	Video         *mediaObject       `json:"video,omitempty"`
	Audio         *mediaObject       `json:"audio,omitempty"`
	Document      *mediaObject       `json:"document,omitempty"`
	Sticker       *mediaObject       `json:"sticker,omitempty"`
	Template      *templateObject    `json:"template,omitempty"`
	Location      *locationObject    `json:"location,omitempty"`
	Contacts      []contactObject    `json:"contacts,omitempty"`
	Reaction      *reactionObject    `json:"reaction,omitempty"`
	Context       *contextLink       `json:"context,omitempty"`
	Callback      string             `json:"biz_opaque_callback_data,omitempty"`
}

// groupTypes are the types of messages that may be sent to a group.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/groups
var groupTypes = []string{
	"text",
	"image",
	"video",
	"audio",
	"document",
	"sticker",
	"template",
}

type contextLink struct {
	MessageID string `json:"message_id"`
}

// Encode returns the body of a send. Limits are in characters (runes). A message that Meta would refuse is a
// *failure.Error of class Permanent that names the problem and its solution without repeating the content.
func Encode(reply Reply, content Content) (Encoded, error) {
	message := outbound{
		Product:       "whatsapp",
		RecipientType: "individual",
		Callback:      reply.Callback,
	}
	switch {
	case reply.To.GroupID != "":
		message.RecipientType = "group"
		message.To = reply.To.GroupID
	case reply.To.WaID != "":
		message.To = "+" + strings.TrimPrefix(reply.To.WaID, "+") // without it Meta may prepend our own country code
	case reply.To.UserID != "":
		message.Recipient = reply.To.UserID
	default:
		return Encoded{}, invalidMessage("the message has no recipient: give a phone number, a user id or a group")
	}

	if reply.ContextID != "" {
		message.Context = &contextLink{MessageID: reply.ContextID}
	}

	cut, err := content.put(&message)
	if err != nil {
		return Encoded{}, err
	}

	if reply.To.GroupID != "" && !slices.Contains(groupTypes, message.Type) {
		return Encoded{}, invalidMessage("groups take only texts, media and templates: send a text")
	}

	body, err := json.Marshal(message)
	if err != nil {
		return Encoded{}, invalidMessage("the message cannot be encoded")
	}

	return Encoded{
		Type: message.Type,
		Body: body,
		Cut:  cut,
	}, nil
}

func invalidMessage(format string, args ...any) error {
	return &failure.Error{
		Class: failure.Permanent,
		Op:    "encode message",
		Code:  CodeBadContent,
		Text:  fmt.Sprintf(format, args...),
	}
}

// checkLength refuses a blank text, and a text longer than limit.
func checkLength(what, text string, limit int, fix string) error {
	if strings.TrimSpace(text) == "" {
		return invalidMessage("%s is empty: give it at least one character", what)
	}

	if n := utf8.RuneCountInString(text); n > limit {
		return invalidMessage("%s has %d characters, at most %d are allowed: %s", what, n, limit, fix)
	}

	return nil
}

// truncator shortens texts that are only displayed, and counts how many it had to cut.
type truncator struct{ count int }

func (t *truncator) fit(text string, limit int) string {
	if !exceeds(text, limit) {
		return text
	}

	t.count++

	text = trimBlanks(text)
	if exceeds(text, limit) {
		text, _ = cut(text, limit, false)
	}

	return text
}
