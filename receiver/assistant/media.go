// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package assistant

import (
	"encoding/json"
	"fmt"
	"io"
)

// Media is the file of a request. Content is read each time it is sent, in pieces.
type Media struct {
	ID       string  `json:"id"`
	MimeType string  `json:"mime_type"`
	SHA256   string  `json:"sha256"` // hexadecimal
	Size     int64   `json:"size"`   // bytes
	Filename string  `json:"filename"`
	Content  Content `json:"-"`
	// Link is a URL of the file that is valid for a short time, or empty if there is none.
	Link string `json:"-"`
}

// Content can be read more than once.
type Content interface {
	// Open returns a reader from the beginning of the content.
	Open() (io.ReadCloser, error)
}

// Transport is how a request carries its media.
type Transport string

// The transports.
const (
	InBase64    Transport = "base64"    // in the JSON, under the method's MediaKey
	InMultipart Transport = "multipart" // as a part of a form
	AsLink      Transport = "url"       // as the URL of Media.Link
	Omitted     Transport = "omitted"   // not at all
)

// Describe returns the JSON object that describes the media of a request with a transport.
func (m *Media) Describe(how Transport) (json.RawMessage, error) {
	description := struct {
		*Media

		Transport Transport `json:"transport"`
		URL       string    `json:"url,omitempty"`
	}{Media: m, Transport: how}
	if how == AsLink {
		description.URL = m.Link
	}

	raw, err := json.Marshal(description)
	if err != nil {
		return nil, fmt.Errorf("encode the description of the media: %w", err)
	}

	return raw, nil
}
