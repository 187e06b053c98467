// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"slices"
	"unicode/utf8"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// MaxCaptionRunes is the longest caption. Source: Meta's messages API, media object.
const MaxCaptionRunes = 1024

// MediaContent is a file that was uploaded to Meta, or that Meta fetches from a public address: ID or Link is set.
type MediaContent struct {
	Type     string // image, video, audio, document or sticker
	ID       string // of the uploaded file
	Link     string // the public address, http or https
	Caption  string // of an image, video or document; at most MaxCaptionRunes characters
	Filename string // of documents; ignored for other types
	Voice    bool   // shows audio as a voice message
}

type mediaObject struct {
	ID       string `json:"id,omitempty"`
	Link     string `json:"link,omitempty"`
	Caption  string `json:"caption,omitempty"`
	Filename string `json:"filename,omitempty"`
	Voice    bool   `json:"voice,omitempty"`
}

func (c MediaContent) put(message *outbound) (int, error) {
	object, err := c.object()
	if err != nil {
		return 0, err
	}

	message.Type = c.Type
	switch c.Type {
	case "image":
		message.Image = object
	case "video":
		message.Video = object
	case "audio":
		object.Voice = c.Voice
		message.Audio = object
	case "document":
		message.Document = object
	case "sticker":
		message.Sticker = object
	}

	return 0, nil
}

func (c MediaContent) object() (*mediaObject, error) {
	if !slices.Contains(whatsapp.MediaTypes, whatsapp.Text(c.Type)) {
		return nil, invalidMessage("the media has no known type: give image, video, audio, document or sticker")
	}

	if (c.ID == "") == (c.Link == "") {
		return nil, invalidMessage("the %s needs either a media id or a link, and not both", c.Type)
	}

	if c.Link != "" && !isWebAddress(c.Link) {
		return nil, invalidMessage("the %s's link is not an absolute http or https URL: Meta fetches it from there", c.Type)
	}

	if n := utf8.RuneCountInString(c.Caption); n > MaxCaptionRunes {
		return nil, invalidMessage("the %s's caption has %d characters, at most %d are allowed: send the rest as a text", c.Type, n, MaxCaptionRunes)
	}

	if c.Caption != "" && (c.Type == "audio" || c.Type == "sticker") {
		return nil, invalidMessage("the %s cannot have a caption: send it as a text", c.Type)
	}

	object := &mediaObject{
		ID:      c.ID,
		Link:    c.Link,
		Caption: c.Caption,
	}
	if c.Type == "document" {
		object.Filename = c.Filename
	}

	return object, nil
}

// SplitCaption cuts a caption that is too long at its last blank if it has one, and never within a character as people see
// it. The rest is empty if nothing was cut.
func SplitCaption(caption string) (fit, rest string) {
	caption = trimBlanks(caption)
	if !exceeds(caption, MaxCaptionRunes) {
		return caption, ""
	}

	fit, rest = cut(caption, MaxCaptionRunes, true)

	return fit, trimBlanks(rest)
}
