// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"strings"
	"unicode/utf8"
)

// The limits of Meta's messages API, interactive object of type list.
const (
	maxRows           = 10
	maxSectionTitle   = 24
	maxRowTitle       = 24
	maxRowDescription = 72
	maxRowID          = 200
)

// defaultLabel is the same word in many languages.
const defaultLabel = "Menu"

// ListContent is a text of at most 4096 characters with a menu of 1 to 10 rows. A list has no HeaderMedia.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/interactive-list-messages
type ListContent struct {
	Frame
	Label    string // of the button that opens the menu. Defaults to "Menu".
	Sections []ListSection
}

// ListSection is a part of the menu. If there are several, each needs a title. A section without rows is omitted.
type ListSection struct {
	Title string
	Rows  []ListRow
}

// ListRow is one choice. WhatsApp returns its id when the person selects it. If a title is too long to be shown
// completely and there is no description, the title is the description as well.
type ListRow struct {
	ID          string
	Title       string
	Description string
}

type sectionObject struct {
	Title    string        `json:"title,omitempty"`
	Rows     []rowObject   `json:"rows,omitempty"`
	Products []productItem `json:"product_items,omitempty"`
}

type rowObject struct {
	ID          string `json:"id"`
	Title       string `json:"title"`
	Description string `json:"description,omitempty"`
}

func (c ListContent) put(message *outbound) (int, error) {
	if err := checkLength("the text above the list", c.Text, MaxTextRunes, "send part of it before"); err != nil {
		return 0, err
	}

	label := c.Label
	if strings.TrimSpace(label) == "" {
		label = defaultLabel
	}

	if c.HeaderMedia != nil {
		return 0, invalidMessage("the list has a file in its header: send the file before")
	}

	var cut truncator

	object, err := c.object(&cut, "list")
	if err != nil {
		return 0, err
	}

	object.Action.Button = cut.fit(label, maxLabel)
	rows := 0

	ids := idSet{}
	for _, section := range c.Sections {
		if len(section.Rows) == 0 {
			continue
		}

		encoded := sectionObject{Title: cut.fit(section.Title, maxSectionTitle)}
		for _, row := range section.Rows {
			if err := ids.add("row", rows, row.ID, row.Title, maxRowID); err != nil {
				return 0, err
			}

			rows++

			encoded.Rows = append(encoded.Rows, row.encode(&cut))
		}

		object.Action.Sections = append(object.Action.Sections, encoded)
	}

	if rows == 0 || rows > maxRows {
		return 0, invalidMessage("the list has %d rows: give it 1 to %d", rows, maxRows)
	}

	if err := checkTitles("the list", object.Action.Sections); err != nil {
		return 0, err
	}

	message.setInteractive(object)

	return cut.count, nil
}

// checkTitles returns an error if one of several sections has no title.
func checkTitles(list string, sections []sectionObject) error {
	for i, section := range sections {
		if len(sections) > 1 && isBlank(section.Title) {
			return invalidMessage("section %d of %s has no title: of several sections each needs one", i+1, list)
		}
	}

	return nil
}

func (r ListRow) encode(cut *truncator) rowObject {
	description := r.Description
	if description == "" && exceeds(r.Title, maxRowTitle) {
		description = r.Title
	}

	return rowObject{
		ID:          r.ID,
		Title:       cut.fit(r.Title, maxRowTitle),
		Description: cut.fit(description, maxRowDescription),
	}
}

// idSet contains the ids of the choices of one message, which must differ.
type idSet map[string]int

// add checks the choice at index, a button or a row. An id is never cut, since WhatsApp returns it.
func (s idSet) add(what string, index int, id, title string, limit int) error {
	if strings.TrimSpace(title) == "" {
		return invalidMessage("%s %d has no title: give it one", what, index+1)
	}

	if id == "" || strings.TrimSpace(id) != id {
		return invalidMessage("%s %d has an id that is empty or begins or ends with a blank: give it another", what, index+1)
	}

	if n := utf8.RuneCountInString(id); n > limit {
		return invalidMessage("%s %d has an id of %d characters, at most %d are allowed: shorten it", what, index+1, n, limit)
	}

	if other, taken := s[id]; taken {
		return invalidMessage("%ss %d and %d have the same id: give each its own", what, other+1, index+1)
	}

	s[id] = index

	return nil
}
