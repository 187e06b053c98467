// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// requestWords are the interactive messages that ask for something, by type.
var requestWords = map[string]string{
	string(RequestLocation): "[asked for the location]",
	string(RequestContact):  "[asked for the phone number]",
	string(RequestCall):     "[asked for permission to call]",
	"address_message":       "[asked for the address]",
	"product":               "[showed a product]",
	"product_list":          "[showed products]",
	"catalog_message":       "[showed the catalog]",
}

// PlainText returns the body of a send, as Encode returned it, as text: its texts and choices, and descriptions in brackets for
// content without text, such as "[photo]". It returns "" for an unreadable body.
func PlainText(body []byte) string {
	var message outbound
	if json.Unmarshal(body, &message) != nil {
		return ""
	}

	switch {
	case message.Text != nil:
		return message.Text.Body
	case message.Interactive != nil:
		return message.Interactive.plainText()
	case message.Image != nil:
		return message.Image.plainText("[photo]")
	case message.Video != nil:
		return message.Video.plainText("[video]")
	case message.Audio != nil:
		return message.Audio.plainText("[audio]")
	case message.Document != nil:
		return message.Document.plainText("[document]")
	case message.Sticker != nil:
		return "[sticker]"
	case message.Template != nil:
		return fmt.Sprintf("[template %s]", message.Template.Name)
	case message.Location != nil:
		place := message.Location

		return whatsapp.PlainLocation(place.Latitude, place.Longitude, place.Name, place.Address)
	case len(message.Contacts) > 0:
		cards, _ := json.Marshal(message.Contacts) // texts always encode

		return whatsapp.PlainContacts(cards)
	case message.Reaction != nil:
		return message.Reaction.Emoji
	default:
		return ""
	}
}

func (o *mediaObject) plainText(word string) string {
	return strings.TrimSpace(word + " " + o.Caption)
}

func (o *interactiveObject) plainText() string {
	var lines []string

	if o.Header != nil && o.Header.Text != "" {
		lines = append(lines, o.Header.Text)
	}

	if o.Body != nil {
		lines = append(lines, o.Body.Text)
	}

	for _, card := range o.Action.Cards {
		if card.Body != nil {
			lines = append(lines, "- "+card.Body.Text)
		}
	}

	if o.Footer != nil {
		lines = append(lines, o.Footer.Text)
	}

	if request := requestWords[o.Type]; request != "" {
		lines = append(lines, request)
	}

	if link := o.Action.link(); link != "" {
		lines = append(lines, link)
	}

	if options := o.Action.options(); len(options) > 0 {
		lines = append(lines, "[options: "+strings.Join(options, " | ")+"]")
	}

	return strings.Join(lines, "\n")
}

// link returns the address that a button opens, or "".
func (a interactiveAction) link() string {
	parameters, _ := a.Parameters.(map[string]any)
	address, _ := parameters["url"].(string)

	return address
}

// options returns the titles of the buttons and rows.
func (a interactiveAction) options() []string {
	var options []string

	for _, button := range a.Buttons {
		if button.Reply != nil {
			options = append(options, button.Reply.Title)
		}
	}

	for _, section := range a.Sections {
		for _, row := range section.Rows {
			options = append(options, row.Title)
		}
	}

	return options
}
