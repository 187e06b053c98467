// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package answer

import (
	"cmp"
	"encoding/json"
	"errors"
)

// readFiles decodes the files of an object without a type under the names of their types, each a URL or an object with one,
// as Rasa sends them. A text beside them is the caption of the first, unless there is something to tap below it. captioned
// reports whether words are in the caption.
func (a *Answer) readFiles(o object, raw, words json.RawMessage) (captioned, found bool, _ error) {
	var message struct {
		Image      json.RawMessage `json:"image"`
		Video      json.RawMessage `json:"video"`
		Audio      json.RawMessage `json:"audio"`
		Document   json.RawMessage `json:"document"`
		Attachment json.RawMessage `json:"attachment"`
	}
	if err := Decode(raw, &message); err != nil {
		return false, false, err
	}

	choices, err := o.choices()
	if err != nil {
		return false, false, nil // readObject says why
	}

	var caption string
	if len(choices) == 0 {
		_ = json.Unmarshal(words, &caption) // only a string is a caption
	}

	for _, file := range []struct {
		kind  string
		value json.RawMessage
	}{
		{"image", message.Image},
		{"video", message.Video},
		{"audio", message.Audio},
		{"document", message.Document},
		{"document", message.Attachment},
	} {
		if !present(file.value) {
			continue
		}

		media, err := fileOf(file.kind, file.value)
		if err != nil {
			return false, false, err
		}

		if media.Caption == "" && caption != "" {
			media.Caption = caption
			caption = ""
			captioned = true
		}

		found = true

		a.addMedia(media)
	}

	return captioned, found, nil
}

// fileOf returns the file that a value names: a URL, an object with one, or Messenger's attachment with a type and a payload.
func fileOf(kind string, value json.RawMessage) (ReplyMedia, error) {
	media := ReplyMedia{Type: kind}

	if json.Unmarshal(value, &media.URL) == nil {
		err := media.check()

		return media, err
	}

	type source struct {
		URL      string `json:"url"`
		Link     string `json:"link"`
		Src      string `json:"src"`
		MediaID  string `json:"media_id"`
		Caption  string `json:"caption"`
		Filename string `json:"filename"`
	}

	var file struct {
		source
		Type    string `json:"type"`
		Payload source `json:"payload"`
	}
	if json.Unmarshal(value, &file) != nil {
		return ReplyMedia{}, errors.New("media whose " + kind + " is neither a URL nor an object")
	}

	switch file.Type {
	case "image", "video", "audio":
		media.Type = file.Type
	}

	media.URL = cmp.Or(file.URL, file.Link, file.Src, file.Payload.URL, file.Payload.Link, file.Payload.Src)
	media.MediaID = cmp.Or(file.MediaID, file.Payload.MediaID)
	media.Caption = cmp.Or(file.Caption, file.Payload.Caption)
	media.Filename = cmp.Or(file.Filename, file.Payload.Filename)

	err := media.check()

	return media, err
}

// addMedia adds a file. A caption that WhatsApp does not show follows as a text.
func (a *Answer) addMedia(media ReplyMedia) {
	caption := media.Caption
	if media.Type == "audio" || media.Type == "sticker" {
		media.Caption = ""
	}

	a.Replies = append(a.Replies, Reply{Kind: KindMedia, Media: &media})
	if media.Caption == "" {
		a.addText(caption, false)
	}
}
