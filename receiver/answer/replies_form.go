// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package answer

import (
	"encoding/json"
	"errors"
)

// request returns the reader of a message by which Meta asks the person for something.
func request(kind Kind) func(*Answer, json.RawMessage) error {
	return func(a *Answer, raw json.RawMessage) error {
		var m struct {
			Text string `json:"text"`
		}
		if err := Decode(raw, &m); err != nil {
			return err
		}

		a.Replies = append(a.Replies, Reply{Kind: kind, Text: m.Text})

		return nil
	}
}

func readFlow(a *Answer, raw json.RawMessage) error {
	var m struct {
		frame
		ButtonText string          `json:"button_text"`
		ID         identifier      `json:"flow_id"`
		Name       string          `json:"flow_name"`
		Token      identifier      `json:"flow_token"`
		Mode       string          `json:"mode"`
		Action     string          `json:"flow_action"`
		Screen     string          `json:"screen"`
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
		Label:  m.ButtonText,
		ID:     string(m.ID),
		Name:   m.Name,
		Token:  string(m.Token),
		Mode:   m.Mode,
		Action: m.Action,
		Screen: m.Screen,
	}
	if present(m.Data) {
		reply.Flow.Data = m.Data
	}

	a.Replies = append(a.Replies, reply)

	return nil
}

func readAddress(a *Answer, raw json.RawMessage) error {
	var m struct {
		frame
		Country string            `json:"country"`
		Values  map[string]string `json:"values"`
		Saved   []SavedAddress    `json:"saved_addresses"`
		Errors  map[string]string `json:"validation_errors"`
	}
	if err := Decode(raw, &m); err != nil {
		return err
	}

	reply, err := m.reply(KindAddress)
	if err != nil {
		return err
	}

	reply.Address = &Address{
		Country: m.Country,
		Values:  m.Values,
		Saved:   m.Saved,
		Errors:  m.Errors,
	}
	a.Replies = append(a.Replies, reply)

	return nil
}

func readContacts(a *Answer, raw json.RawMessage) error {
	var m struct {
		Contacts []json.RawMessage `json:"contacts"`
	}
	if err := Decode(raw, &m); err != nil {
		return err
	}

	if len(m.Contacts) == 0 {
		return errors.New("contacts without a contact")
	}

	a.Replies = append(a.Replies, Reply{Kind: KindContacts, Contacts: m.Contacts})

	return nil
}
