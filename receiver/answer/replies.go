// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package answer

import (
	"encoding/json"
	"errors"
	"math"
	"net/url"
	"slices"
)

var mediaTypes = []string{"image", "video", "audio", "document", "sticker"}

// readers decode the types of messages that an AI may send. Their errors complete the sentence "the message is …".
var readers = map[string]func(*Answer, json.RawMessage) error{
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
	"none":                 func(*Answer, json.RawMessage) error { return nil },

	// Meta's own names.
	"button":                   readButtons,
	"location_request_message": request(KindLocationRequest),
	"call_permission_request":  request(KindCallRequest),
	"address_message":          readAddress,
	"catalog_message":          readCatalog,

	// The parts of a message of OpenAI's Responses and of Anthropic's Messages.
	"output_text": readText,
	"reasoning":   func(*Answer, json.RawMessage) error { return nil },
	"thinking":    func(*Answer, json.RawMessage) error { return nil },
}

func readText(a *Answer, raw json.RawMessage) error {
	var m struct {
		Text       *string `json:"text"`
		PreviewURL bool    `json:"preview_url"`
	}
	if err := Decode(raw, &m); err != nil {
		return err
	}

	if m.Text == nil {
		return errors.New("a text without text")
	}

	a.addText(*m.Text, m.PreviewURL)

	return nil
}

func readButtons(a *Answer, raw json.RawMessage) error {
	var m struct {
		frame
		Buttons []option `json:"buttons"`
	}
	if err := Decode(raw, &m); err != nil {
		return err
	}

	reply, err := m.reply(KindButtons)
	if err != nil {
		return err
	}

	if len(m.Buttons) == 0 {
		a.addText(m.Text, false)
		return nil
	}

	reply.Buttons = decoded(m.Buttons)
	a.Replies = append(a.Replies, reply)

	return nil
}

func readList(a *Answer, raw json.RawMessage) error {
	var m struct {
		frame
		ButtonText string `json:"button_text"`
		Sections   []struct {
			Title string   `json:"title"`
			Rows  []option `json:"rows"`
		} `json:"sections"`
	}
	if err := Decode(raw, &m); err != nil {
		return err
	}

	reply, err := m.reply(KindList)
	if err != nil {
		return err
	}

	reply.List = &List{ButtonText: m.ButtonText}
	for _, s := range m.Sections {
		if len(s.Rows) == 0 {
			continue
		}

		reply.List.Sections = append(reply.List.Sections, Section{Title: s.Title, Rows: decoded(s.Rows)})
	}

	a.Replies = append(a.Replies, reply)

	return nil
}

func readMedia(a *Answer, raw json.RawMessage) error {
	var m struct {
		Type      string `json:"type"`
		MediaType string `json:"media_type"`
		URL       string `json:"url"`
		MediaURL  string `json:"media_url"`
		MediaID   string `json:"media_id"`
		Caption   string `json:"caption"`
		Filename  string `json:"filename"`
		Voice     bool   `json:"voice"`
	}
	if err := Decode(raw, &m); err != nil {
		return err
	}

	media := ReplyMedia{
		Type:     m.Type,
		URL:      m.URL,
		MediaID:  m.MediaID,
		Caption:  m.Caption,
		Filename: m.Filename,
		Voice:    m.Voice,
	}
	if media.Type == "media" {
		media.Type = m.MediaType
	}

	if media.URL == "" {
		media.URL = m.MediaURL
	}

	if err := media.check(); err != nil {
		return err
	}

	a.addMedia(media)

	return nil
}

// check reports why the media cannot be sent. A media id has precedence over a URL.
func (m *ReplyMedia) check() error {
	if !slices.Contains(mediaTypes, m.Type) {
		return errors.New("media of a media_type that is not known")
	}

	switch {
	case m.MediaID != "":
		m.URL = ""
	case m.URL == "":
		return errors.New("media without url and media_id")
	case !isWebAddress(m.URL):
		return errors.New("media whose url is no absolute https URL")
	}

	return nil
}

func isWebAddress(link string) bool {
	u, err := url.Parse(link)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

func readTemplate(a *Answer, raw json.RawMessage) error {
	var m struct {
		Name       string          `json:"name"`
		Language   json.RawMessage `json:"language"`
		Components json.RawMessage `json:"components"`
	}
	if err := Decode(raw, &m); err != nil {
		return err
	}

	template := Template{Name: m.Name}

	var meta struct {
		Code string `json:"code"`
	}
	if json.Unmarshal(m.Language, &template.Language) != nil && json.Unmarshal(m.Language, &meta) == nil {
		template.Language = meta.Code // the form of the Cloud API
	}

	if template.Name == "" || template.Language == "" {
		return errors.New("a template without name or language")
	}

	if present(m.Components) {
		if m.Components[0] != '[' {
			return errors.New("a template whose components are no list")
		}

		template.Components = m.Components
	}

	a.Replies = append(a.Replies, Reply{Kind: KindTemplate, Template: &template})

	return nil
}

func readLocation(a *Answer, raw json.RawMessage) error {
	var m struct {
		Latitude  *float64 `json:"latitude"`
		Longitude *float64 `json:"longitude"`
		Name      string   `json:"name"`
		Address   string   `json:"address"`
	}
	if err := Decode(raw, &m); err != nil {
		return err
	}

	if m.Latitude == nil || m.Longitude == nil || math.Abs(*m.Latitude) > 90 || math.Abs(*m.Longitude) > 180 {
		return errors.New("a location without latitude and longitude in degrees")
	}

	location := &Location{
		Latitude:  *m.Latitude,
		Longitude: *m.Longitude,
		Name:      m.Name,
		Address:   m.Address,
	}
	a.Replies = append(a.Replies, Reply{Kind: KindLocation, Location: location})

	return nil
}

func readReaction(a *Answer, raw json.RawMessage) error {
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

func readHandoff(a *Answer, raw json.RawMessage) error {
	a.Handoff = &Handoff{}
	return Decode(raw, a.Handoff)
}
