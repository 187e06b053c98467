// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bird

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

const (
	maxButtons = 3
	maxRows    = 10
	// maxTitleID is how much of a title stands for the id that Bird left out, in characters. WhatsApp takes ids of 200.
	maxTitleID = 200
	// menu opens a list where Bird has no word for it; it is the same in English and Spanish.
	menu = "Menu"
)

// addChoice adds buttons, or a list where they are too many, or the text alone where there are none.
func (a *Answer) addChoice(text, header, footer string, options []option) error {
	if len(options) == 0 {
		a.addText(text, false)
		return nil
	}

	reply, err := choice(text, header, footer, options)
	if err != nil {
		return err
	}

	a.Replies = append(a.Replies, reply)

	return nil
}

// offer makes the last text a choice between quick replies.
func (a *Answer) offer(quickReplies []option) error {
	if len(quickReplies) == 0 {
		return nil
	}

	last := len(a.Replies) - 1
	if last < 0 || a.Replies[last].Kind != KindText {
		return errors.New("quick_replies are not beside a text")
	}

	reply, err := choice(a.Replies[last].Text, "", "", quickReplies)
	if err != nil {
		return fmt.Errorf("the answer is %w", err)
	}

	a.Replies[last] = reply

	return nil
}

func choice(text, header, footer string, options []option) (Reply, error) {
	if err := offerable(text, options); err != nil {
		return Reply{}, err
	}

	taken := make([]Option, len(options))
	for i, o := range options {
		taken[i] = Option(o)
	}

	reply := Reply{
		Kind:    KindButtons,
		Text:    text,
		Header:  header,
		Footer:  footer,
		Buttons: taken,
	}
	if len(taken) > maxButtons {
		reply.Kind = KindList
		reply.Buttons = nil
		reply.List = &List{ButtonText: menu, Sections: []Section{{Rows: taken}}}
	}

	return reply, nil
}

// offerable says what WhatsApp would refuse about a choice.
func offerable(text string, options []option) error {
	switch {
	case strings.TrimSpace(text) == "":
		return errors.New("a choice without text")
	case len(options) == 0:
		return errors.New("a choice without rows")
	case len(options) > maxRows:
		return fmt.Errorf("a choice of more than %d rows", maxRows)
	}

	ids := map[string]bool{}
	for _, o := range options {
		if o.Title == "" {
			return errors.New("a choice with a button or row without title")
		}

		if ids[o.ID] {
			return errors.New("a choice with the same id twice")
		}

		ids[o.ID] = true
	}

	return nil
}

// option is an Option as Bird writes it: a string that is title and id at once, or an object, whose id may be a number
// or left out.
type option Option

func (o *option) UnmarshalJSON(raw []byte) error {
	if raw[0] == '"' {
		if err := json.Unmarshal(raw, &o.Title); err != nil {
			return err
		}
	} else {
		var object struct {
			ID          json.RawMessage `json:"id"`
			Title       string          `json:"title"`
			Description string          `json:"description"`
		}
		if err := json.Unmarshal(raw, &object); err != nil {
			return err
		}

		o.Title = object.Title

		o.Description = object.Description
		if present(object.ID) && json.Unmarshal(object.ID, &o.ID) != nil {
			var number json.Number
			if err := json.Unmarshal(object.ID, &number); err != nil {
				return err
			}

			o.ID = number.String()
		}
	}

	o.ID = strings.TrimSpace(o.ID)

	o.Title = strings.TrimSpace(o.Title)
	if o.ID == "" {
		title := []rune(o.Title)
		o.ID = strings.TrimSpace(string(title[:min(len(title), maxTitleID)]))
	}

	return nil
}
