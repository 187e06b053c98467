// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"unicode/utf8"
)

// The limits of Meta's messages API, interactive object.
const (
	maxButtons     = 3
	maxButtonTitle = 20
	maxButtonID    = 256
	maxButtonsText = 1024
	maxHeader      = 60
	maxFooter      = 60
)

// ButtonsContent is a text with choices below it. They become a list if they do not fit on buttons: if there are more than
// 3, if two titles are equal once cut to 20 characters, or if the text is longer than 1024 characters.
type ButtonsContent struct {
	Text      string
	Header    string // optional
	Footer    string // optional
	Buttons   []ReplyButton
	ListLabel string // of the list that they may become; optional
}

// ReplyButton is one choice. WhatsApp returns its id when the person selects it.
type ReplyButton struct {
	ID          string
	Title       string
	Description string // shown only in a list; optional
}

type interactiveObject struct {
	Type   string             `json:"type"`
	Header *interactiveHeader `json:"header,omitempty"`
	Body   interactiveText    `json:"body"`
	Footer *interactiveText   `json:"footer,omitempty"`
	Action interactiveAction  `json:"action"`
}

type interactiveHeader struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

type interactiveText struct {
	Text string `json:"text"`
}

type interactiveAction struct {
	Buttons  []buttonObject  `json:"buttons,omitempty"`
	Button   string          `json:"button,omitempty"`
	Sections []sectionObject `json:"sections,omitempty"`
}

type buttonObject struct {
	Type  string      `json:"type"`
	Reply replyObject `json:"reply"`
}

type replyObject struct {
	ID    string `json:"id"`
	Title string `json:"title"`
}

func (c ButtonsContent) put(message *outbound) (int, error) {
	if len(c.Buttons) == 0 {
		return 0, unfit("there are no buttons: give at least one, or send a text")
	}

	var cut cutter

	buttons := make([]buttonObject, len(c.Buttons))
	ids := idSet{}

	titles := map[string]bool{}
	for i, button := range c.Buttons {
		if err := ids.add("button", i, button.ID, button.Title, maxButtonID); err != nil {
			return 0, err
		}

		title := cut.fit(button.Title, maxButtonTitle)
		titles[title] = true
		buttons[i] = buttonObject{Type: "reply", Reply: replyObject{ID: button.ID, Title: title}}
	}

	if len(buttons) > maxButtons || len(titles) < len(buttons) || utf8.RuneCountInString(c.Text) > maxButtonsText {
		return c.list().put(message)
	}

	if err := within("the text above the buttons", c.Text, maxButtonsText, "send part of it before"); err != nil {
		return 0, err
	}

	message.Type = "interactive"
	message.Interactive = framed(&cut, "button", c.Header, c.Text, c.Footer)
	message.Interactive.Action.Buttons = buttons

	return cut.count, nil
}

func (c ButtonsContent) list() ListContent {
	rows := make([]ListRow, len(c.Buttons))
	for i, button := range c.Buttons {
		rows[i] = ListRow(button)
	}

	return ListContent{
		Text:     c.Text,
		Header:   c.Header,
		Footer:   c.Footer,
		Label:    c.ListLabel,
		Sections: []ListSection{{Rows: rows}},
	}
}

// framed returns an interactive object without its action.
func framed(cut *cutter, kind, header, text, footer string) *interactiveObject {
	object := &interactiveObject{Type: kind, Body: interactiveText{Text: text}}
	if header != "" {
		object.Header = &interactiveHeader{Type: "text", Text: cut.fit(header, maxHeader)}
	}

	if footer != "" {
		object.Footer = &interactiveText{Text: cut.fit(footer, maxFooter)}
	}

	return object
}
