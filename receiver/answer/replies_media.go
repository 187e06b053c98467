// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package answer

import (
	"encoding/json"
	"errors"
	"net/url"
	"slices"
)

var mediaTypes = []string{"image", "video", "audio", "document", "sticker"}

func readMedia(a *parser, raw json.RawMessage) error {
	var m struct {
		Type      string          `json:"type"`
		MediaType text            `json:"media_type"`
		URL       json.RawMessage `json:"url"`
		MediaURL  json.RawMessage `json:"media_url"`
		MediaID   identifier      `json:"media_id"`
		Caption   text            `json:"caption"`
		Filename  text            `json:"filename"`
		Voice     boolean         `json:"voice"`
	}
	if err := Decode(raw, &m); err != nil {
		return err
	}

	media := ReplyMedia{
		Type:     m.Type,
		MediaID:  string(m.MediaID),
		Caption:  string(m.Caption),
		Filename: string(m.Filename),
		Voice:    bool(m.Voice),
	}
	if media.Type == "media" {
		media.Type = string(m.MediaType)
	}

	isGiven := m.URL != nil || m.MediaURL != nil

	address := m.URL
	if !filled(address) {
		address = m.MediaURL
	}

	switch {
	case filled(address):
		if json.Unmarshal(address, &media.URL) != nil {
			return errors.New("media whose url is not a string")
		}
	case isGiven && media.MediaID == "":
		a.addText(media.Caption, false) // the flow has no file this time
		return nil
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
		return errors.New("media whose url is not an absolute https URL")
	}

	return nil
}

func isWebAddress(link string) bool {
	u, err := url.Parse(link)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}
