// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

// The limits of Meta's messages API, interactive object of type button.
const (
	maxButtons  = 3
	maxButtonID = 256
)

// ButtonsContent is a text with choices below it. They become a list if they do not fit on buttons: if there are more than
// 3, if two titles are equal once cut to 20 characters, or if the text is longer than 1024 characters. A list has no
// HeaderMedia: see IsList.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/interactive-reply-buttons-messages
type ButtonsContent struct {
	Frame
	Buttons   []ReplyButton
	ListLabel string // of the list that they may become; optional
}

// ReplyButton is one choice. WhatsApp returns its id when the person selects it.
type ReplyButton struct {
	ID          string
	Title       string
	Description string // shown only in a list; optional
}

type buttonObject struct {
	Type       string       `json:"type"`
	Reply      *replyObject `json:"reply,omitempty"`
	QuickReply *replyObject `json:"quick_reply,omitempty"` // in place of Reply on the cards of a carousel
}

type replyObject struct {
	ID    string `json:"id"`
	Title string `json:"title"`
}

func (c ButtonsContent) put(message *outbound) (int, error) {
	if len(c.Buttons) == 0 {
		return 0, invalidMessage("there are no buttons: give at least one, or send a text")
	}

	var cut truncator

	buttons := make([]buttonObject, len(c.Buttons))

	ids := idSet{}
	for i, button := range c.Buttons {
		if err := ids.add("button", i, button.ID, button.Title, maxButtonID); err != nil {
			return 0, err
		}

		title := cut.fit(button.Title, maxLabel)
		buttons[i] = buttonObject{Type: "reply", Reply: &replyObject{ID: button.ID, Title: title}}
	}

	if c.IsList() {
		return c.list().put(message)
	}

	if err := checkLength("the text above the buttons", c.Text, MaxBodyRunes, "send part of it before"); err != nil {
		return 0, err
	}

	object, err := c.object(&cut, "button")
	if err != nil {
		return 0, err
	}

	object.Action.Buttons = buttons
	message.setInteractive(object)

	return cut.count, nil
}

// IsList reports whether the choices become a list.
func (c ButtonsContent) IsList() bool {
	if len(c.Buttons) > maxButtons || exceeds(c.Text, MaxBodyRunes) {
		return true
	}

	var cut truncator

	titles := map[string]bool{}
	for _, button := range c.Buttons {
		titles[cut.fit(button.Title, maxLabel)] = true
	}

	return len(titles) < len(c.Buttons)
}

func (c ButtonsContent) list() ListContent {
	rows := make([]ListRow, len(c.Buttons))
	for i, button := range c.Buttons {
		rows[i] = ListRow(button)
	}

	return ListContent{
		Frame:    c.Frame,
		Label:    c.ListLabel,
		Sections: []ListSection{{Rows: rows}},
	}
}
