// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package answer

import (
	"cmp"
	"encoding/json"
	"errors"
	"strings"
)

// maxTitleID is the number of characters of a title that replace an id that the AI left out. WhatsApp allows 200 for the id
// of a row.
const maxTitleID = 200

// addQuickReplies turns the last text into a choice between quick replies. The first replies do not belong to them.
func (p *parser) addQuickReplies(quickReplies options, first int) error {
	last := len(p.Replies) - 1
	if last < first || p.Replies[last].Kind != KindText {
		return errors.New("the answer has quick_replies that are not beside a text")
	}

	p.Replies[last] = Reply{
		Kind:    KindButtons,
		Text:    p.Replies[last].Text,
		Buttons: quickReplies,
	}

	return nil
}

// options decodes a list of Options. Elements without a title and an id are left out: a flow has an element for each option
// that it may have, filled in or not.
type options []Option

// UnmarshalJSON decodes options.
func (o *options) UnmarshalJSON(raw []byte) error {
	var all list[option]
	if err := json.Unmarshal(raw, &all); err != nil {
		return err
	}

	*o = nil

	for _, each := range all {
		if each.ID != "" || each.Title != "" {
			*o = append(*o, Option(each))
		}
	}

	return nil
}

// option decodes an Option: a string or a number, which is both title and id, or an object whose id may be a number or absent.
type option Option

// UnmarshalJSON decodes an option.
func (o *option) UnmarshalJSON(raw []byte) error {
	read := o.readObject
	if raw[0] == '"' || isNumber(raw) || !filled(raw) {
		read = o.readTitle
	}

	if err := read(raw); err != nil {
		return err
	}

	o.ID = strings.TrimSpace(o.ID)
	o.Title = strings.TrimSpace(o.Title)

	if o.ID == "" {
		title := []rune(o.Title)
		o.ID = strings.TrimSpace(string(title[:min(len(title), maxTitleID)]))
	}

	return nil
}

func (o *option) readTitle(raw []byte) error { return json.Unmarshal(raw, (*text)(&o.Title)) }

func (o *option) readObject(raw []byte) error {
	var object struct {
		ID          identifier `json:"id"`
		Payload     identifier `json:"payload"` // of Rasa, in place of id
		Value       identifier `json:"value"`   // of Botpress, in place of id
		Title       text       `json:"title"`
		Description text       `json:"description"`
		Reply       *struct {
			ID    identifier `json:"id"`
			Title text       `json:"title"`
		} `json:"reply"` // of Meta
	}
	if err := json.Unmarshal(raw, &object); err != nil {
		return err
	}

	o.ID = string(cmp.Or(object.ID, object.Payload, object.Value))
	o.Title = string(object.Title)

	if object.Reply != nil {
		o.ID = cmp.Or(o.ID, string(object.Reply.ID))
		o.Title = cmp.Or(o.Title, string(object.Reply.Title))
	}

	o.Description = string(object.Description)

	return nil
}

// ID decodes an id that may be a number.
type ID string

// UnmarshalJSON decodes an id.
func (id *ID) UnmarshalJSON(raw []byte) error {
	var text string
	if err := json.Unmarshal(raw, &text); err == nil {
		*id = ID(text)
		return nil
	}

	var number json.Number
	if err := json.Unmarshal(raw, &number); err != nil {
		return err
	}

	*id = ID(number.String())

	return nil
}

// identifier decodes an [ID] that may be absent.
type identifier string

// UnmarshalJSON decodes an id, without blanks around it.
func (id *identifier) UnmarshalJSON(raw []byte) error {
	var given ID

	if filled(raw) {
		if err := given.UnmarshalJSON(raw); err != nil {
			return err
		}
	}

	*id = identifier(strings.TrimSpace(string(given)))

	return nil
}
