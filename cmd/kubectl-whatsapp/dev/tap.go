// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"encoding/json"
	"fmt"
	"maps"

	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// tap sends the reply of an option that a person taps.
func (s *Server) tap(t Tap) (Message, error) {
	person, err := s.chat.person(t.Person)
	if err != nil {
		return Message{}, err
	}

	m, err := s.chat.message(person.ID, t.Message)
	if err != nil {
		return Message{}, err
	}

	option, ok := m.option(t.Option)
	if !ok {
		return Message{}, fmt.Errorf("the message has no option %q that can be tapped", t.Option)
	}

	reply := Message{
		Type:    TypeTap,
		Text:    option.Title,
		ReplyTo: m.ID,
	}

	inbound, err := tapped(option, t.Form)
	if err != nil {
		return Message{}, err
	}

	sent, err := s.write(person, reply, inbound, taps[option.Kind])
	if err == nil {
		s.chat.change(m.ID, func(m *Message) { m.Tapped = true })
	}

	return sent, err
}

// tapped returns Meta's message of a tap on an option.
func tapped(option Option, form map[string]any) (standin.PersonMessage, error) {
	inbound := standin.PersonMessage{Type: TypeInteractive}

	switch option.Kind {
	case OptionReply:
		inbound.Object = map[string]any{
			"type":         "button_reply",
			"button_reply": map[string]string{"id": option.ID, "title": option.Title},
		}
	case OptionRow:
		row := map[string]string{"id": option.ID, "title": option.Title}
		if option.Description != "" {
			row["description"] = option.Description
		}

		inbound.Object = map[string]any{"type": "list_reply", "list_reply": row}
	case OptionQuickReply:
		inbound.Type = "button"
		inbound.Object = map[string]string{"payload": option.ID, "text": option.Title}
	case OptionForm:
		values, err := formValues(option, form)
		if err != nil {
			return inbound, err
		}

		inbound.Object = map[string]any{
			"type": "nfm_reply",
			"nfm_reply": map[string]string{
				"name":          "flow",
				"body":          "Sent",
				"response_json": values,
			},
		}
	default:
		return inbound, fmt.Errorf("an option of kind %s cannot be tapped here", option.Kind)
	}

	return inbound, nil
}

// taps describes the replies.
var taps = map[string]string{
	OptionReply:      "a button tapped",
	OptionRow:        "a row of a list chosen",
	OptionQuickReply: "a button of a template tapped",
	OptionForm:       "a form filled in",
}

func formValues(option Option, form map[string]any) (string, error) {
	values := map[string]any{"flow_token": option.Value}
	maps.Copy(values, form)

	encoded, err := json.Marshal(values)
	if err != nil {
		return "", fmt.Errorf("encode the form: %w", err)
	}

	return string(encoded), nil
}

// option returns an option that can be tapped, of the message or of its cards.
func (m *Message) option(id string) (Option, bool) {
	lists := [][]Option{m.Options}
	for _, card := range m.Cards {
		lists = append(lists, card.Options)
	}

	for _, list := range lists {
		for _, option := range list {
			if option.ID == id {
				return option, true
			}
		}
	}

	return Option{}, false
}
