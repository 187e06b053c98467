// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package answer

import (
	"cmp"
	"encoding/json"
	"errors"
	"strings"
)

// namedFile is a file under the name of its type. The value is null or blank if there is none this time, and nil without the name.
type namedFile struct {
	kind  string
	value json.RawMessage
}

// files returns the files that an object may have, in the order in which they are sent.
func (o *object) files() []namedFile {
	return []namedFile{
		{"image", o.Image},
		{"video", o.Video},
		{"audio", o.Audio},
		{"document", o.Document},
		{"document", o.Attachment},
	}
}

// readFiles decodes the files that are beside a text, each a URL or an object with one, as Rasa sends them. The text is the
// caption of the first, unless there is something to tap below it. isCaptioned reports whether it is.
func (p *parser) readFiles(o object, text json.RawMessage) (isCaptioned bool, _ error) {
	choices, err := o.choices()
	if err != nil {
		return false, nil // readObject says why
	}

	var caption string
	if len(choices) == 0 && filled(text) {
		_ = json.Unmarshal(text, &caption) // only a string is a caption
	}

	if beginsObject(withoutFence([]byte(strings.TrimSpace(caption)))) {
		caption = "" // it can be an answer in JSON
	}

	for _, file := range o.files() {
		if isBlank(file.value) {
			continue
		}

		media, err := fileOf(file.kind, file.value)
		if err != nil && (Present(o.Response) || o.isText()) {
			continue // beside an answer by the contract the name can mean anything
		}

		if err != nil {
			return false, err
		}

		if media.Caption == "" && caption != "" {
			media.Caption = caption
			caption = ""
			isCaptioned = true
		}

		p.addMedia(media)
	}

	return isCaptioned, nil
}

// fileOf returns the file that a value names: a URL, an object with one, or Messenger's attachment with a type and a payload.
func fileOf(kind string, value json.RawMessage) (ReplyMedia, error) {
	media := ReplyMedia{Type: kind}

	if json.Unmarshal(value, &media.URL) == nil {
		err := media.check()

		return media, err
	}

	type source struct {
		URL      text       `json:"url"`
		Link     text       `json:"link"`
		Src      text       `json:"src"`
		MediaID  identifier `json:"media_id"`
		Caption  text       `json:"caption"`
		Filename text       `json:"filename"`
	}

	var file struct {
		source
		Type    text   `json:"type"`
		Payload source `json:"payload"`
	}
	if json.Unmarshal(value, &file) != nil {
		return ReplyMedia{}, errors.New("media whose " + kind + " is neither a URL nor an object")
	}

	switch file.Type {
	case "image", "video", "audio":
		media.Type = string(file.Type)
	}

	media.URL = string(cmp.Or(file.URL, file.Link, file.Src, file.Payload.URL, file.Payload.Link, file.Payload.Src))
	media.MediaID = string(cmp.Or(file.MediaID, file.Payload.MediaID))
	media.Caption = string(cmp.Or(file.Caption, file.Payload.Caption))
	media.Filename = string(cmp.Or(file.Filename, file.Payload.Filename))

	err := media.check()

	return media, err
}

// addMedia adds a file. A caption that WhatsApp does not show follows as a text.
func (p *parser) addMedia(media ReplyMedia) {
	caption := media.Caption
	if media.Type == "audio" || media.Type == "sticker" {
		media.Caption = ""
	}

	p.Replies = append(p.Replies, Reply{Kind: KindMedia, Media: &media})
	if media.Caption == "" {
		p.addText(caption, false)
	}
}
