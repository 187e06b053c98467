// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// sentBody are the parts of a send that a phone shows.
type sentBody struct {
	Text struct {
		Body string `json:"body"`
	} `json:"text"`
	Image       *sentMedia       `json:"image"`
	Video       *sentMedia       `json:"video"`
	Audio       *sentMedia       `json:"audio"`
	Document    *sentMedia       `json:"document"`
	Sticker     *sentMedia       `json:"sticker"`
	Location    *Location        `json:"location"`
	Contacts    []sentContact    `json:"contacts"`
	Interactive *sentInteractive `json:"interactive"`
	Template    *sentTemplate    `json:"template"`
	Reaction    *struct {
		MessageID string `json:"message_id"`
		Emoji     string `json:"emoji"`
	} `json:"reaction"`
}

type sentMedia struct {
	ID       string `json:"id"`
	Link     string `json:"link"`
	Caption  string `json:"caption"`
	Filename string `json:"filename"`
	Voice    bool   `json:"voice"`
}

type sentContact struct {
	Name struct {
		Formatted string `json:"formatted_name"`
	} `json:"name"`
	Phones []struct {
		Phone string `json:"phone"`
	} `json:"phones"`
	Emails []struct {
		Email string `json:"email"`
	} `json:"emails"`
	Org struct {
		Company string `json:"company"`
	} `json:"org"`
}

// sentReaction is a reaction of the business.
type sentReaction struct{ message, emoji string }

func decodeSent(message standin.SentMessage) (body sentBody) {
	_ = json.Unmarshal(message.Raw, &body) // the stand-in accepted it; what has another form is not shown

	return body
}

// parseReaction returns the reaction that a message of the business is.
func parseReaction(message standin.SentMessage) (sentReaction, bool) {
	body := decodeSent(message)
	if body.Reaction == nil {
		return sentReaction{}, false
	}

	return sentReaction{body.Reaction.MessageID, body.Reaction.Emoji}, true
}

// parseMessage returns a message of the business as a phone shows it.
func parseMessage(message standin.SentMessage) Message {
	body := decodeSent(message)
	m := Message{
		ID:      message.ID,
		From:    FromBusiness,
		Type:    message.Type,
		Text:    body.Text.Body,
		ReplyTo: message.ContextID,
		Status:  StatusSending,
	}

	for _, medium := range []*sentMedia{body.Image, body.Video, body.Audio, body.Document, body.Sticker} {
		if medium != nil {
			m.Media = medium.show()
			m.Text = medium.Caption
		}
	}

	m.Location = body.Location

	for _, c := range body.Contacts {
		m.Contacts = append(m.Contacts, c.show())
	}

	if body.Interactive != nil {
		body.Interactive.show(&m)
	}

	if body.Template != nil {
		body.Template.show(&m)
	}

	return m
}

func (s *sentMedia) show() *Media {
	media := &Media{
		ID:       s.ID,
		URL:      s.Link,
		Filename: s.Filename,
		Voice:    s.Voice,
	}
	if s.ID != "" {
		media.URL = mediaURL(s.ID)
	}

	return media
}

func (c *sentContact) show() Contact {
	shown := Contact{Name: c.Name.Formatted, Company: c.Org.Company}
	if len(c.Phones) > 0 {
		shown.Phone = c.Phones[0].Phone
	}

	if len(c.Emails) > 0 {
		shown.Email = c.Emails[0].Email
	}

	return shown
}

type sentTemplate struct {
	Name     string `json:"name"`
	Language struct {
		Code string `json:"code"`
	} `json:"language"`
	Components []struct {
		Type       string `json:"type"`
		SubType    string `json:"sub_type"`
		Index      any    `json:"index"`
		Parameters []struct {
			Type    string     `json:"type"`
			Text    string     `json:"text"`
			Payload string     `json:"payload"`
			Image   *sentMedia `json:"image"`
			Video   *sentMedia `json:"video"`
			Doc     *sentMedia `json:"document"`
		} `json:"parameters"`
	} `json:"components"`
}

// show shows a template. Its text and its buttons' titles are with Meta, so their parameters stand for them.
func (t *sentTemplate) show(m *Message) {
	m.Template = &Template{Name: t.Name, Language: t.Language.Code}

	for _, component := range t.Components {
		for _, p := range component.Parameters {
			for _, medium := range []*sentMedia{p.Image, p.Video, p.Doc} {
				if medium != nil {
					m.Media = medium.show()
				}
			}

			value := cmp.Or(p.Text, p.Payload)

			switch {
			case value == "":
			case !strings.EqualFold(component.Type, "button"):
				m.Template.Parameters = append(m.Template.Parameters, value)
			case strings.EqualFold(component.SubType, "quick_reply"):
				m.Options = append(m.Options, Option{
					Kind:  OptionQuickReply,
					ID:    value,
					Title: value,
				})
			case strings.EqualFold(component.SubType, "copy_code"):
				m.Options = append(m.Options, Option{
					Kind:  OptionCopy,
					Title: "Copy code",
					Value: value,
				})
			default:
				m.Options = append(m.Options, Option{
					Kind:  OptionNone,
					Title: fmt.Sprintf("%s %v: %s", component.SubType, component.Index, value),
				})
			}
		}
	}

	m.Text = strings.Join(m.Template.Parameters, "\n")
}
