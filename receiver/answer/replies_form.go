// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package answer

import (
	"encoding/json"
	"errors"
	"slices"
)

// request returns the reader of a message by which Meta asks the person for something.
func request(kind Kind) func(*parser, json.RawMessage) error {
	return func(a *parser, raw json.RawMessage) error {
		var m struct {
			Text text `json:"text"`
		}
		if err := Decode(raw, &m); err != nil {
			return err
		}

		a.Replies = append(a.Replies, Reply{Kind: kind, Text: string(m.Text)})

		return nil
	}
}

func readFlow(a *parser, raw json.RawMessage) error {
	var m struct {
		frame
		ButtonText text            `json:"button_text"`
		ID         identifier      `json:"flow_id"`
		Name       text            `json:"flow_name"`
		Token      identifier      `json:"flow_token"`
		Mode       text            `json:"mode"`
		Action     text            `json:"flow_action"`
		Screen     text            `json:"screen"`
		Data       json.RawMessage `json:"data"`
	}
	if err := Decode(raw, &m); err != nil {
		return err
	}

	if (m.ID == "") == (m.Name == "") {
		return errors.New("a flow without flow_id or flow_name, or with both")
	}

	reply, err := m.reply(KindFlow)
	if err != nil {
		return err
	}

	reply.Flow = &Flow{
		Label:  string(m.ButtonText),
		ID:     string(m.ID),
		Name:   string(m.Name),
		Token:  string(m.Token),
		Mode:   string(m.Mode),
		Action: string(m.Action),
		Screen: string(m.Screen),
	}
	if filled(m.Data) {
		reply.Flow.Data = m.Data
	}

	a.Replies = append(a.Replies, reply)

	return nil
}

func readAddress(a *parser, raw json.RawMessage) error {
	var m struct {
		frame
		Country text    `json:"country"`
		Values  textMap `json:"values"`
		Saved   list[struct {
			ID     identifier `json:"id"`
			Values textMap    `json:"value"`
		}] `json:"saved_addresses"`
		Errors textMap `json:"validation_errors"`
	}
	if err := Decode(raw, &m); err != nil {
		return err
	}

	reply, err := m.reply(KindAddress)
	if err != nil {
		return err
	}

	reply.Address = &Address{
		Country: string(m.Country),
		Values:  m.Values,
		Errors:  m.Errors,
	}
	for _, s := range m.Saved {
		reply.Address.Saved = append(reply.Address.Saved, SavedAddress{ID: string(s.ID), Values: s.Values})
	}

	a.Replies = append(a.Replies, reply)

	return nil
}

func readContacts(a *parser, raw json.RawMessage) error {
	var m struct {
		Contacts list[json.RawMessage] `json:"contacts"`
	}
	if err := Decode(raw, &m); err != nil {
		return err
	}

	contacts := slices.DeleteFunc(m.Contacts, func(raw json.RawMessage) bool { return !filled(raw) })
	if len(contacts) == 0 {
		return errors.New("contacts without a contact")
	}

	a.Replies = append(a.Replies, Reply{Kind: KindContacts, Contacts: contacts})

	return nil
}
