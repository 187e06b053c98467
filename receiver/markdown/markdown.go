// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package markdown converts the Markdown that AIs write into WhatsApp's format, and back for their memory.
//
// It edits the source instead of rendering a document, so that a text without Markdown is returned byte for byte, and it
// takes linear time for any input. Parsers of CommonMark do neither: they drop indentation, reference definitions and
// backslashes, and take quadratic time for nested quotes, brackets and delimiters.
//
// It follows CommonMark and GitHub's extensions, but for what people write without meaning Markdown: 2*3*4, 2**3, *.txt,
// __init__, (*), >18, C:\_new, a line that begins with the only "* " of a text.
package markdown

import "strings"

// ToWhatsApp returns text with its Markdown in WhatsApp's format. Code and URLs keep their characters. *text* is Markdown's
// italic, which WhatsApp would show as bold, and becomes _text_.
//
// Source: https://faq.whatsapp.com/539178204879377 (how WhatsApp formats messages)
func ToWhatsApp(text string) string {
	lines := splitLines(text)
	c := &converter{
		lines:       lines,
		definitions: collectDefinitions(lines),
		afterBlank:  true,
	}

	for c.next < len(c.lines) {
		c.convertBlock()
	}

	c.endParagraph()

	return c.withoutUsedDefinitions()
}

// line is a line of the source.
type line struct {
	text string
	end  string // "\n", "\r\n", or empty at the end of the source
}

func splitLines(text string) []line {
	var lines []line

	for source := range strings.Lines(text) {
		content, isEnded := strings.CutSuffix(source, "\n")
		if !isEnded {
			lines = append(lines, line{text: content})
			continue
		}

		content, hasReturn := strings.CutSuffix(content, "\r")
		if hasReturn {
			lines = append(lines, line{text: content, end: "\r\n"})
		} else {
			lines = append(lines, line{text: content, end: "\n"})
		}
	}

	return lines
}

// converter converts the lines of a text from the first to the last.
type converter struct {
	lines []line
	next  int // index of the line to convert
	out   []byte

	paragraph  []paragraphLine // lines that are not converted yet, since formats can span them
	quoteDepth int             // of the previous line
	afterBlank bool            // the previous line is blank, or there is none
	lists      listStack       // the list items that the next line may continue

	definitions map[string]*definition
	// written are the definitions in out, in order.
	written []writtenDefinition
}

// paragraphLine is a line of a paragraph. The prefix is already converted.
type paragraphLine struct {
	prefix string // quote marks, indentation and list markers
	text   string
	end    string
}

func (c *converter) write(parts ...string) {
	for _, part := range parts {
		c.out = append(c.out, part...)
	}
}

// endParagraph converts the lines that were collected.
func (c *converter) endParagraph() {
	if len(c.paragraph) == 0 {
		return
	}

	c.write(c.paragraph[0].prefix)
	c.out = c.inline(c.paragraph).render(c.out)
	c.write(c.paragraph[len(c.paragraph)-1].end)

	c.paragraph = nil
}

// inline returns the parsed inline formats of a paragraph.
func (c *converter) inline(lines []paragraphLine) *inline {
	texts := make([]string, len(lines))
	for i, l := range lines {
		texts[i] = l.text
	}

	p := &inline{
		source:      strings.Join(texts, "\n"),
		lines:       lines,
		definitions: c.definitions,
	}
	p.parse()

	return p
}

// convertLine converts a text without line ends, such as a cell of a table. In bold text, bold has no marks of its own.
func (c *converter) convertLine(text string, isBold bool, lineBreak string) string {
	p := c.inline([]paragraphLine{{text: text}})
	p.lineBreak = lineBreak

	if isBold {
		p.depth[bold] = 1
	}

	return string(p.render(nil))
}
