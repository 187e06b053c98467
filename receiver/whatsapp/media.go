// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import "slices"

// MediaTypes are the message types whose property is a file.
var MediaTypes = []Text{"image", "video", "audio", "document", "sticker"}

// Media is a file that a person sent. Its id is valid for 7 days.
type Media struct {
	ID       Text `json:"id"`
	MimeType Text `json:"mime_type"`
	SHA256   Text `json:"sha256"`   // base64, in some of Meta's samples hexadecimal
	Caption  Text `json:"caption"`  // of images, videos and documents
	Filename Text `json:"filename"` // of documents
	Voice    Flag `json:"voice"`    // of audio: recorded in WhatsApp
}

// Media reads a message of type image, video, audio, document or sticker.
func (m Message) Media() (media Media, ok bool) {
	ok = slices.Contains(MediaTypes, m.Type) && m.read(m.Type, &media)
	return media, ok
}
