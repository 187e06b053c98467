// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"net/url"
	"slices"
	"strings"
)

// The limits that all interactive messages share, but for lists, whose text may be as long as a text message.
//
// Source: Meta's messages API, interactive object.
const (
	MaxBodyRunes = 1024
	maxHeader    = 60
	maxFooter    = 60
	maxLabel     = 20 // of a button
)

// headerMediaTypes are the files that Meta shows above the text of buttons, links and flows.
var headerMediaTypes = []string{"image", "video", "document"}

// Frame is what an interactive message shows around its action. Which fields a message may have depends on its kind.
type Frame struct {
	Header      string        // optional
	HeaderMedia *MediaContent // takes the place of Header: an image, video or document without a caption
	Text        string
	Footer      string // optional
}

type interactiveObject struct {
	Type   string            `json:"type"`
	Header *headerObject     `json:"header,omitempty"`
	Body   *interactiveText  `json:"body,omitempty"`
	Footer *interactiveText  `json:"footer,omitempty"`
	Action interactiveAction `json:"action"`
}

type headerObject struct {
	Type     string       `json:"type"`
	Text     string       `json:"text,omitempty"`
	Image    *mediaObject `json:"image,omitempty"`
	Video    *mediaObject `json:"video,omitempty"`
	Document *mediaObject `json:"document,omitempty"`
}

type interactiveText struct {
	Text string `json:"text"`
}

// interactiveAction is the action of all kinds. Parameters belong to the action that Name names.
type interactiveAction struct {
	Name       string          `json:"name,omitempty"`
	Parameters any             `json:"parameters,omitempty"`
	Buttons    []buttonObject  `json:"buttons,omitempty"`
	Button     string          `json:"button,omitempty"`
	Sections   []sectionObject `json:"sections,omitempty"`
	CatalogID  string          `json:"catalog_id,omitempty"`
	RetailerID string          `json:"product_retailer_id,omitempty"`
	Cards      []cardObject    `json:"cards,omitempty"`
}

// object returns an interactive object without its action. The text is not checked: its limit depends on the kind.
func (f Frame) object(cut *truncator, kind string) (*interactiveObject, error) {
	object := &interactiveObject{Type: kind}
	if f.Text != "" {
		object.Body = &interactiveText{Text: f.Text}
	}

	if !isBlank(f.Footer) {
		object.Footer = &interactiveText{Text: cut.fit(f.Footer, maxFooter)}
	}

	if f.HeaderMedia != nil {
		var err error

		object.Header, err = f.HeaderMedia.header()

		return object, err
	}

	if !isBlank(f.Header) {
		object.Header = &headerObject{Type: "text", Text: cut.fit(f.Header, maxHeader)}
	}

	return object, nil
}

func (o *outbound) setInteractive(object *interactiveObject) {
	o.Type = "interactive"
	o.Interactive = object
}

func (c MediaContent) header() (*headerObject, error) {
	if !slices.Contains(headerMediaTypes, c.Type) {
		return nil, invalidMessage("the header has no known type: give a text, an image, a video or a document")
	}

	c.Caption = "" // the text of the message takes its place

	file, err := c.object()
	if err != nil {
		return nil, err
	}

	object := &headerObject{Type: c.Type}

	switch c.Type {
	case "image":
		object.Image = file
	case "video":
		object.Video = file
	case "document":
		object.Document = file
	}

	return object, nil
}

// isWebAddress reports whether link is an absolute http or https URL.
func isWebAddress(link string) bool {
	address, err := url.Parse(link)
	return err == nil && (address.Scheme == "https" || address.Scheme == "http") && address.Host != ""
}

// SplitBody cuts a text that is too long for an interactive message: the end fits in one, and the beginning in as few text
// messages as possible. It cuts where SplitText does.
func SplitBody(text string) (beginning []string, end string) {
	if !exceeds(text, MaxBodyRunes) {
		return nil, text
	}

	beginning = SplitText(text)
	last := beginning[len(beginning)-1]
	beginning = beginning[:len(beginning)-1]

	end = last
	for exceeds(end, MaxBodyRunes) {
		_, end = cut(end, MaxBodyRunes, true)
		end = trimBlanks(end)
	}

	if before := trimBlanks(strings.TrimSuffix(last, end)); before != "" {
		beginning = append(beginning, before)
	}

	return beginning, end
}
