// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package markdown

import (
	"strconv"
	"strings"
)

const (
	// maxDigits bounds the number of a list item, as in CommonMark.
	maxDigits = 9
	// maxMarkers bounds the items that begin on one line, one within the other.
	maxMarkers = 8
)

// listStack are the last items of the list at the current line and of the lists around it.
type listStack []listItem

type listItem struct {
	column int
	number string // in the source; empty for bullets
	place  int    // among items with the number 1
}

// add adds an item and returns the number to show. Markdown lets all items have the number 1 and shows their place.
func (s *listStack) add(column int, number string) string {
	items := *s
	for len(items) > 0 && items[len(items)-1].column > column {
		items = items[:len(items)-1]
	}

	item := listItem{
		column: column,
		number: number,
		place:  1,
	}

	if last := len(items) - 1; last >= 0 && items[last].column == column {
		if number == "1" && items[last].number == number {
			item.place = items[last].place + 1
			number = strconv.Itoa(item.place)
		}

		items = items[:last]
	}

	items = append(items, item)
	*s = items

	return number
}

// marker is the beginning of a list item.
type marker struct {
	bullet string // -, * or +; empty for numbers
	number string
	space  string
	rest   string
}

func cutMarker(body string) (marker, bool) {
	var m marker

	if body != "" && strings.IndexByte("-*+", body[0]) >= 0 {
		m.bullet = body[:1]
		m.rest = body[1:]
	} else {
		m.rest = strings.TrimLeft(body, "0123456789")
		m.number = body[:len(body)-len(m.rest)]

		if m.number == "" || len(m.number) > maxDigits || !strings.HasPrefix(m.rest, ".") {
			return marker{}, false
		}

		m.rest = m.rest[1:]
	}

	text := strings.TrimLeft(m.rest, " \t")
	m.space = m.rest[:len(m.rest)-len(text)]
	m.rest = text

	isPhone := m.bullet == "+" && strings.IndexAny(text, "0123456789") == 0

	return m, m.space != "" && m.rest != "" && !isPhone
}

func isItem(body string) bool {
	_, ok := cutMarker(body)
	return ok
}

// convertMarkers returns the converted prefix of a line, and what follows it. An item begins a new paragraph.
func (c *converter) convertMarkers(indent, body string) (prefix, rest string) {
	prefix = indent
	column := width(indent)

	for range maxMarkers {
		m, ok := cutMarker(body)
		if !ok || m.bullet == "*" && c.isFootnote(body) {
			return prefix, body
		}

		c.endParagraph()

		number := c.lists.add(column, m.number)
		column += len(body) - len(m.rest)
		body = m.rest

		switch {
		case m.bullet == "-":
			prefix += "-" + m.space
		case m.bullet != "":
			prefix += "- "
		default:
			prefix += number + "." + m.space
		}

		if box, text, isTask := cutTask(body); isTask {
			return prefix + box, text
		}
	}

	return prefix, body
}

// isFootnote reports whether the next line is the only one that begins with an asterisk and a space: "* without VAT".
func (c *converter) isFootnote(body string) bool {
	if len(c.lists) > 0 || !strings.HasSuffix(c.lines[c.next].text, body) {
		return false
	}

	for _, l := range c.lines[c.next+1:] {
		text := strings.TrimLeft(l.text, " \t>")
		if text != "" {
			return !isItem(text)
		}
	}

	return true
}

// cutTask cuts the box off an item of a task list.
func cutTask(body string) (box, rest string, ok bool) {
	switch {
	case strings.HasPrefix(body, "[ ] "):
		return "☐ ", body[4:], true
	case strings.HasPrefix(body, "[x] "), strings.HasPrefix(body, "[X] "):
		return "☑ ", body[4:], true
	}

	return "", body, false
}
