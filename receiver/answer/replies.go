// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package answer

import (
	"encoding/json"
	"errors"
	"math"
)

// readers decode the types of messages that an AI may send. Their errors complete the sentence "the message is …".
var readers = map[string]func(*parser, json.RawMessage) error{
	"text":                 readText,
	"buttons":              readButtons,
	"list":                 readList,
	"cta_url":              readLink,
	"flow":                 readFlow,
	"location_request":     request(KindLocationRequest),
	"request_contact_info": request(KindContactRequest),
	"call_permission":      request(KindCallRequest),
	"address":              readAddress,
	"contacts":             readContacts,
	"product":              readProduct,
	"product_list":         readProducts,
	"catalog":              readCatalog,
	"carousel":             readCarousel,
	"media":                readMedia,
	"image":                readMedia,
	"video":                readMedia,
	"audio":                readMedia,
	"document":             readMedia,
	"sticker":              readMedia,
	"template":             readTemplate,
	"location":             readLocation,
	"reaction":             readReaction,
	"handoff":              readHandoff,
	"none":                 readNone,

	// Meta's own names.
	"button":                   readButtons,
	"location_request_message": request(KindLocationRequest),
	"call_permission_request":  request(KindCallRequest),
	"address_message":          readAddress,
	"catalog_message":          readCatalog,

	// The parts of a message of OpenAI's Responses and of Anthropic's Messages.
	"output_text": readText,
	"reasoning":   func(*parser, json.RawMessage) error { return nil },
	"thinking":    func(*parser, json.RawMessage) error { return nil },
}

func readNone(a *parser, _ json.RawMessage) error {
	a.isSilent = true
	return nil
}

func readText(a *parser, raw json.RawMessage) error {
	var m struct {
		Text       json.RawMessage `json:"text"`
		PreviewURL boolean         `json:"preview_url"`
	}
	if err := Decode(raw, &m); err != nil {
		return err
	}

	if m.Text == nil {
		return errors.New("a text without text")
	}

	var given struct {
		Text text `json:"text"`
	}
	if err := Decode(raw, &given); err != nil {
		return err
	}

	a.addText(string(given.Text), bool(m.PreviewURL))

	return nil
}

func readButtons(a *parser, raw json.RawMessage) error {
	var m struct {
		frame
		Buttons options `json:"buttons"`
	}
	if err := Decode(raw, &m); err != nil {
		return err
	}

	reply, err := m.reply(KindButtons)
	if err != nil {
		return err
	}

	if len(m.Buttons) == 0 {
		a.addText(reply.Text, false)
		return nil
	}

	reply.Buttons = m.Buttons
	a.Replies = append(a.Replies, reply)

	return nil
}

func readList(a *parser, raw json.RawMessage) error {
	var m struct {
		frame
		ButtonText text `json:"button_text"`
		Sections   list[struct {
			Title text    `json:"title"`
			Rows  options `json:"rows"`
		}] `json:"sections"`
	}
	if err := Decode(raw, &m); err != nil {
		return err
	}

	reply, err := m.reply(KindList)
	if err != nil {
		return err
	}

	reply.List = &List{ButtonText: string(m.ButtonText)}
	for _, s := range m.Sections {
		if len(s.Rows) == 0 {
			continue
		}

		reply.List.Sections = append(reply.List.Sections, Section{Title: string(s.Title), Rows: s.Rows})
	}

	if len(reply.List.Sections) == 0 {
		a.addText(reply.Text, false)
		return nil
	}

	a.Replies = append(a.Replies, reply)

	return nil
}

func readTemplate(a *parser, raw json.RawMessage) error {
	var m struct {
		Name       text            `json:"name"`
		Language   json.RawMessage `json:"language"`
		Components json.RawMessage `json:"components"`
	}
	if err := Decode(raw, &m); err != nil {
		return err
	}

	template := Template{Name: string(m.Name)}

	var meta struct {
		Code string `json:"code"`
	}
	if json.Unmarshal(m.Language, &template.Language) != nil && json.Unmarshal(m.Language, &meta) == nil {
		template.Language = meta.Code // the form of the Cloud API
	}

	if template.Name == "" || template.Language == "" {
		return errors.New("a template without name or language")
	}

	if filled(m.Components) {
		if m.Components[0] != '[' {
			return errors.New("a template whose components are not a list")
		}

		template.Components = m.Components
	}

	a.Replies = append(a.Replies, Reply{Kind: KindTemplate, Template: &template})

	return nil
}

func readLocation(a *parser, raw json.RawMessage) error {
	var m struct {
		Latitude  json.Number `json:"latitude"` // it may be quoted
		Longitude json.Number `json:"longitude"`
		Name      text        `json:"name"`
		Address   text        `json:"address"`
	}
	if err := Decode(raw, &m); err != nil {
		return err
	}

	latitude, errLatitude := m.Latitude.Float64()
	longitude, errLongitude := m.Longitude.Float64()

	if errors.Join(errLatitude, errLongitude) != nil || math.Abs(latitude) > 90 || math.Abs(longitude) > 180 {
		return errors.New("a location without latitude and longitude in degrees")
	}

	location := &Location{
		Latitude:  latitude,
		Longitude: longitude,
		Name:      string(m.Name),
		Address:   string(m.Address),
	}
	a.Replies = append(a.Replies, Reply{Kind: KindLocation, Location: location})

	return nil
}

func readReaction(a *parser, raw json.RawMessage) error {
	var m struct {
		Emoji *string `json:"emoji"`
	}
	if err := Decode(raw, &m); err != nil {
		return err
	}

	if m.Emoji == nil {
		return errors.New("a reaction without emoji")
	}

	a.Replies = append(a.Replies, Reply{Kind: KindReaction, Emoji: *m.Emoji})

	return nil
}

func readHandoff(a *parser, raw json.RawMessage) error {
	var h handoff
	if err := Decode(raw, &h); err != nil {
		return err
	}

	a.Handoff = h.given

	return nil
}
