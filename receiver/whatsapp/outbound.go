// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MaxTextRunes is the longest text message. Source: Meta's messages API, text object.
const MaxTextRunes = 4096

// Recipient is where an answer goes: a group, a phone number, or a person known only by a business-scoped user id.
type Recipient struct {
	GroupID string
	WaID    string // digits, without "+"
	UserID  string
}

// RecipientOf is the conversation that m came from.
func RecipientOf(m Message) Recipient {
	return Recipient{GroupID: string(m.GroupID), WaID: string(m.From), UserID: string(m.FromUserID)}
}

// Reply is what a send has besides its content.
type Reply struct {
	To        Recipient
	ContextID string // the message that is answered
	Callback  string // biz_opaque_callback_data: comes back with each status
}

// outbound is the body of POST /{phone-number-id}/messages.
type outbound struct {
	Product       string       `json:"messaging_product"`
	RecipientType string       `json:"recipient_type"`
	To            string       `json:"to,omitempty"`
	Recipient     string       `json:"recipient,omitempty"`
	Type          string       `json:"type"`
	Text          *textObject  `json:"text,omitempty"`
	Context       *contextLink `json:"context,omitempty"`
	Callback      string       `json:"biz_opaque_callback_data,omitempty"`
}

type textObject struct {
	PreviewURL bool   `json:"preview_url"`
	Body       string `json:"body"`
}

type contextLink struct {
	MessageID string `json:"message_id"`
}

// TextMessage is the body of a text send. Text past MaxTextRunes must have been split before.
func TextMessage(reply Reply, text string, previewURL bool) ([]byte, error) {
	message := outbound{
		Product: "whatsapp", RecipientType: "individual", Type: "text",
		Text: &textObject{PreviewURL: previewURL, Body: text}, Callback: reply.Callback,
	}
	switch {
	case reply.To.GroupID != "":
		message.RecipientType, message.To = "group", reply.To.GroupID
	case reply.To.WaID != "":
		message.To = "+" + strings.TrimPrefix(reply.To.WaID, "+") // without it Meta may prepend our own country code
	default:
		message.Recipient = reply.To.UserID
	}
	if reply.ContextID != "" {
		message.Context = &contextLink{MessageID: reply.ContextID}
	}
	body, err := json.Marshal(message)
	if err != nil {
		return nil, fmt.Errorf("encode text message: %w", err)
	}
	return body, nil
}

// SplitText cuts text into pieces of at most MaxTextRunes, at the last blank of a piece where there is one.
func SplitText(text string) []string {
	var pieces []string
	for utf8.RuneCountInString(text) > MaxTextRunes {
		end := 0 // byte offset of the rune past the piece
		for range MaxTextRunes {
			_, size := utf8.DecodeRuneInString(text[end:])
			end += size
		}
		if blank := strings.LastIndexAny(text[:end], " \n\t"); blank > 0 {
			end = blank
		}
		pieces = append(pieces, strings.TrimRight(text[:end], " \n\t"))
		text = strings.TrimLeft(text[end:], " \n\t")
	}
	if text != "" || len(pieces) == 0 {
		pieces = append(pieces, text)
	}
	return pieces
}

// Callback is the biz_opaque_callback_data of one part of an answer to an event.
func Callback(eventID string, part int) string {
	return eventID + ":" + strconv.Itoa(part)
}

// ParseCallback reads what Callback wrote; ok is false for anything else, such as another application's data.
func ParseCallback(data string) (eventID string, part int, ok bool) {
	eventID, number, found := strings.Cut(data, ":")
	part, err := strconv.Atoi(number)
	return eventID, part, found && err == nil && part >= 0 && part < 1000
}
