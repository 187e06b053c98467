// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package markdown

import (
	"strings"
	"unicode/utf8"
)

// maxHeader bounds the title of a column in characters, since it is written once a row.
const maxHeader = 100

// convertTable converts the table that begins at the next line, if one does. WhatsApp shows no tables, and phones are too
// narrow for columns: each cell becomes a line "title: value", with a blank line between the rows.
func (c *converter) convertTable(prefix string, depth int) bool {
	if c.next+1 >= len(c.lines) || !strings.Contains(c.lines[c.next].text, "|") {
		return false
	}

	_, header, _ := cutQuote(c.lines[c.next].text, depth)
	_, delimiter, delimiterDepth := cutQuote(c.lines[c.next+1].text, depth)
	titles := splitRow(header)

	if delimiterDepth != depth || countColumns(delimiter) != len(titles) {
		return false
	}

	for i, title := range titles {
		title = c.convertLine(title, false, ", ")
		if utf8.RuneCountInString(title) > maxHeader {
			return false
		}

		titles[i] = title
	}

	c.endParagraph()

	end := c.lines[c.next].end
	c.next += 2

	var rows []string

	for ; c.next < len(c.lines); c.next++ {
		_, row, rowDepth := cutQuote(c.lines[c.next].text, depth)
		if rowDepth != depth || !strings.Contains(row, "|") {
			break
		}

		if described := c.describe(titles, splitRow(row)); len(described) > 0 {
			rows = append(rows, prefix+strings.Join(described, end+prefix))
		}
	}

	if len(rows) == 0 {
		rows = []string{prefix + strings.Join(titles, ", ")}
	}

	separator := end
	if len(titles) > 1 {
		separator += strings.TrimRight(prefix, " \t") + end
	}

	c.write(strings.Join(rows, separator), c.lines[c.next-1].end)

	c.afterBlank = false

	return true
}

// describe returns the lines for a row. It omits empty cells, and cells without a column.
func (c *converter) describe(titles, row []string) []string {
	var lines []string

	for i, cell := range row[:min(len(row), len(titles))] {
		cell = c.convertLine(cell, false, ", ")

		switch {
		case cell == "":
		case titles[i] == "":
			lines = append(lines, cell)
		default:
			lines = append(lines, strings.TrimSuffix(titles[i], ":")+": "+cell)
		}
	}

	return lines
}

// splitRow returns the cells of a row. A backslash keeps a mark in its cell, in code too.
func splitRow(row string) []string {
	row = strings.TrimSpace(row)
	row = strings.TrimPrefix(row, "|")

	var cells []string

	add := func(cell string) {
		cells = append(cells, strings.ReplaceAll(strings.TrimSpace(cell), `\|`, "|"))
	}
	start := 0

	for i := 0; i < len(row); i++ {
		switch row[i] {
		case '\\':
			i++
		case '|':
			add(row[start:i])
			start = i + 1
		}
	}

	if start < len(row) {
		add(row[start:])
	}

	return cells
}

// countColumns returns the columns of the line below the titles of a table, such as |---|:-:|. It returns 0 for another
// line.
func countColumns(delimiter string) int {
	if !strings.Contains(delimiter, "|") {
		return 0
	}

	cells := splitRow(delimiter)
	for _, cell := range cells {
		dashes := strings.TrimSuffix(strings.TrimPrefix(cell, ":"), ":")
		if dashes == "" || strings.Trim(dashes, "-") != "" {
			return 0
		}
	}

	return len(cells)
}
