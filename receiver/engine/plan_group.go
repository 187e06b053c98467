// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/answer"
)

// forGroup returns the replies in the form that groups take: text, media or template. Choices become a numbered text, and
// reactions are dropped. A reply that would lose all its words stays as it is, and is refused.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/groups
func forGroup(replies []answer.Reply) []answer.Reply {
	fit := make([]answer.Reply, 0, len(replies))
	for _, reply := range replies {
		if reply.Kind != answer.KindReaction {
			fit = append(fit, groupReply(reply))
		}
	}

	return fit
}

func groupReply(reply answer.Reply) answer.Reply {
	var text string

	switch reply.Kind {
	case answer.KindText, answer.KindMedia, answer.KindTemplate:
		return reply
	case answer.KindLocation:
		text = locationText(*reply.Location)
	case answer.KindContacts:
		text = contactsText(reply.Contacts)
	default:
		text = tappableText(reply)
	}

	switch {
	case reply.HeaderMedia != nil:
		media := *reply.HeaderMedia
		media.Caption = text

		return answer.Reply{Kind: answer.KindMedia, Media: &media}
	case text == "":
		return reply
	default:
		return answer.Reply{Kind: answer.KindText, Text: text}
	}
}

// tappableText returns the words of a reply with something to tap.
func tappableText(reply answer.Reply) string {
	blocks := []string{reply.Header, reply.Text}

	switch reply.Kind {
	case answer.KindButtons:
		blocks = append(blocks, numbered(reply.Buttons, 1))
	case answer.KindList:
		first := 1
		for _, section := range reply.List.Sections {
			blocks = append(blocks, paragraph("\n", section.Title, numbered(section.Rows, first)))
			first += len(section.Rows)
		}
	case answer.KindLink:
		blocks = append(blocks, linkText(*reply.Link))
	case answer.KindCarousel:
		first := 1
		for _, card := range reply.Cards {
			blocks = append(blocks, cardText(card, first))
			first += len(card.Buttons)
		}
	}

	return paragraph("\n\n", append(blocks, reply.Footer)...)
}

func linkText(link answer.Link) string { return link.Label + ": " + link.URL }

func cardText(card answer.Card, first int) string {
	link := ""
	if card.Link != nil {
		link = linkText(*card.Link)
	}

	return paragraph("\n", card.Text, link, numbered(card.Buttons, first))
}

// numbered returns one line for each option, with numbers from first on.
func numbered(options []answer.Option, first int) string {
	lines := make([]string, len(options))
	for i, option := range options {
		lines[i] = fmt.Sprintf("%d. %s", first+i, paragraph(": ", option.Title, option.Description))
	}

	return strings.Join(lines, "\n")
}

func locationText(location answer.Location) string {
	place := fmt.Sprintf("https://maps.google.com/?q=%v,%v", location.Latitude, location.Longitude)

	return paragraph("\n", location.Name, location.Address, place)
}

// contactsText returns the names, phone numbers and email addresses of contacts in Meta's form.
func contactsText(contacts []json.RawMessage) string {
	blocks := make([]string, 0, len(contacts))
	for _, raw := range contacts {
		var contact struct {
			Name struct {
				Formatted string `json:"formatted_name"`
				First     string `json:"first_name"`
				Last      string `json:"last_name"`
			} `json:"name"`
			Phones []struct {
				Phone string `json:"phone"`
			} `json:"phones"`
			Emails []struct {
				Email string `json:"email"`
			} `json:"emails"`
		}

		_ = json.Unmarshal(raw, &contact) // what can be read is written

		lines := []string{contact.Name.Formatted}
		if contact.Name.Formatted == "" {
			lines[0] = paragraph(" ", contact.Name.First, contact.Name.Last)
		}

		for _, phone := range contact.Phones {
			lines = append(lines, phone.Phone)
		}

		for _, email := range contact.Emails {
			lines = append(lines, email.Email)
		}

		blocks = append(blocks, paragraph("\n", lines...))
	}

	return paragraph("\n\n", blocks...)
}

// paragraph joins the texts that are not blank.
func paragraph(separator string, texts ...string) string {
	var kept []string

	for _, text := range texts {
		if strings.TrimSpace(text) != "" {
			kept = append(kept, text)
		}
	}

	return strings.Join(kept, separator)
}
