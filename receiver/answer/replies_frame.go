// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package answer

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/url"
)

// frame decodes the properties around the action of a message.
type frame struct {
	Text   text            `json:"text"`
	Header json.RawMessage `json:"header"` // a text, or an object with a type
	Footer text            `json:"footer"`
}

// reply returns a reply with the properties of the frame.
func (f frame) reply(kind Kind) (Reply, error) {
	reply := Reply{
		Kind:   kind,
		Text:   string(f.Text),
		Footer: string(f.Footer),
	}
	if !filled(f.Header) {
		return reply, nil
	}

	if f.Header[0] != '{' && json.Unmarshal(f.Header, (*text)(&reply.Header)) == nil {
		return reply, nil
	}

	var err error

	reply.Header, reply.HeaderMedia, err = readHeader(f.Header)

	return reply, err
}

// readHeader decodes a header that is an object. It takes Meta's form too, in which the file is under the name of its type.
func readHeader(raw json.RawMessage) (string, *ReplyMedia, error) {
	type file struct {
		URL      text       `json:"url"`
		Link     text       `json:"link"`
		MediaID  identifier `json:"media_id"`
		ID       identifier `json:"id"`
		Filename text       `json:"filename"`
	}

	var header struct {
		file
		Type     string `json:"type"`
		Text     text   `json:"text"`
		Image    *file  `json:"image"`
		Video    *file  `json:"video"`
		Document *file  `json:"document"`
	}
	if err := Decode(raw, &header); err != nil {
		return "", nil, errors.New("one whose header has an unexpected JSON type")
	}

	source := &header.file

	switch header.Type {
	case "text":
		return string(header.Text), nil, nil
	case "image":
		source = cmp.Or(header.Image, source)
	case "video":
		source = cmp.Or(header.Video, source)
	case "document":
		source = cmp.Or(header.Document, source)
	default:
		return "", nil, errors.New("one whose header has a type other than text, image, video and document")
	}

	media := &ReplyMedia{
		Type:     header.Type,
		URL:      string(cmp.Or(source.URL, source.Link)),
		MediaID:  string(cmp.Or(source.MediaID, source.ID)),
		Filename: string(source.Filename),
	}

	if isUnfilled(raw) {
		return "", nil, nil
	}

	err := media.check()

	return "", media, err
}

func readLink(a *parser, raw json.RawMessage) error {
	var m struct {
		frame
		ButtonText text            `json:"button_text"`
		URL        json.RawMessage `json:"url"`
	}
	if err := Decode(raw, &m); err != nil {
		return err
	}

	reply, err := m.reply(KindLink)
	if err != nil {
		return err
	}

	if m.URL != nil && !filled(m.URL) {
		a.addText(reply.Text, false) // the flow has no page this time
		return nil
	}

	var address string

	_ = json.Unmarshal(m.URL, &address) // another value is not an address

	if reply.Link, err = linkOf(string(m.ButtonText), address); err != nil {
		return err
	}

	a.Replies = append(a.Replies, reply)

	return nil
}

// linkOf returns a link. Without a label, the button shows the host of the URL.
func linkOf(label, address string) (*Link, error) {
	if !isWebAddress(address) {
		return nil, errors.New("a link whose url is not an absolute https URL")
	}

	if label == "" {
		u, err := url.Parse(address)
		if err != nil {
			return nil, errors.New("a link whose url is not an absolute https URL")
		}

		label = u.Hostname()
	}

	return &Link{Label: label, URL: address}, nil
}
