// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package markdown

import (
	"math"
	"strings"
	"unicode"
	"unicode/utf8"
)

// rule takes the place of a thematic break, for which WhatsApp has no format.
const rule = "———"

// codeIndent is the indentation that makes a line code.
const codeIndent = 4

// convertBlock converts the next line, and all lines of the same fenced code or table.
func (c *converter) convertBlock() {
	l := c.lines[c.next]
	prefix, body, depth := cutQuote(l.text, math.MaxInt)

	if depth != c.quoteDepth {
		c.endParagraph()

		c.quoteDepth = depth
		c.lists = nil
		c.afterBlank = true
	}

	indent := body[:len(body)-len(strings.TrimLeft(body, " \t"))]
	body = body[len(indent):]

	switch {
	case strings.TrimSpace(body) == "":
		c.copyLine()

		c.afterBlank = true

		return
	case c.isIndentedCode(indent):
		c.copyLine()
		return
	case c.convertTable(prefix+indent, depth):
		return
	}

	isBreak := isThematicBreak(body)

	switch {
	case c.isUnderline(body):
		c.convertUnderlined()
	case isBreak:
		c.endParagraph()
		c.write(prefix, rule, l.end)

		c.lists = nil
		c.next++
	case c.isDefinition(body):
		c.copyDefinition()
		return
	default:
		c.convertContent(prefix, indent, body)
	}

	c.afterBlank = false
}

// convertContent converts a line that may begin with list markers.
func (c *converter) convertContent(prefix, indent, body string) {
	if indent == "" && c.afterBlank && !isItem(body) {
		c.lists = nil // the line does not continue the list before it
	}

	itemPrefix, body := c.convertMarkers(indent, body)
	prefix += itemPrefix

	l := c.lines[c.next]

	if fence, isFence := cutFence(body); isFence {
		c.endParagraph()
		c.convertFence(prefix, fence, width(indent))

		return
	}

	if title, isHeading := cutHeading(body); isHeading && strings.TrimSpace(c.convertLine(title, true, " ")) != "" {
		c.endParagraph()
		c.write(prefix, "*", c.convertLine(title, true, " "), "*", l.end)

		c.next++

		return
	}

	c.paragraph = append(c.paragraph, paragraphLine{
		prefix: prefix,
		text:   body,
		end:    l.end,
	})
	c.next++
}

// copyLine ends the paragraph and writes the next line as it is.
func (c *converter) copyLine() {
	c.endParagraph()

	l := c.lines[c.next]
	c.write(l.text, l.end)
	c.next++
}

// isIndentedCode reports whether a line is code because of its indentation. Within a list it is text of an item.
func (c *converter) isIndentedCode(indent string) bool {
	return c.afterBlank && len(c.lists) == 0 && width(indent) >= codeIndent
}

// width returns the columns of an indentation. A tab ends at a multiple of four.
func width(indent string) int {
	columns := 0

	for _, r := range indent {
		if r == '\t' {
			columns += codeIndent - columns%codeIndent
		} else {
			columns++
		}
	}

	return columns
}

// cutQuote cuts the quote marks off a line. WhatsApp knows one level of quotes, so the prefix has one mark. What follows a
// mark without a space decides whether it quotes: ">18" and ">_<" do not.
func cutQuote(text string, maxDepth int) (prefix, rest string, depth int) {
	rest = text

	for depth < maxDepth {
		after, hasMark := strings.CutPrefix(strings.TrimLeft(rest, " "), ">")
		if !hasMark || !quotes(after) {
			break
		}

		rest = strings.TrimPrefix(after, " ")
		depth++
	}

	if depth > 0 {
		prefix = "> "
	}

	return prefix, rest, depth
}

func quotes(after string) bool {
	next, _ := utf8.DecodeRuneInString(after)
	return after == "" || strings.ContainsRune(" \t>*[", next) || unicode.IsLetter(next)
}

// isThematicBreak reports whether a line is a rule. More than three underscores are a blank to fill in.
func isThematicBreak(body string) bool {
	mark := body[:1]
	if strings.IndexByte("-*_", mark[0]) < 0 || strings.Trim(body, mark+" \t") != "" {
		return false
	}

	count := strings.Count(body, mark)

	return count == 3 || count > 3 && mark != "_"
}

// isUnderline reports whether a line underlines the paragraph, which makes it a heading. Below several lines, a sentence or
// a list item, dashes are a rule.
func (c *converter) isUnderline(body string) bool {
	if len(c.paragraph) != 1 || len(c.lists) > 0 {
		return false
	}

	body = strings.TrimRight(body, " \t")
	title := strings.TrimRight(c.paragraph[0].text, " \t")
	isSentence := strings.HasSuffix(title, ".") || strings.HasSuffix(title, ":")

	return len(body) >= 3 && (strings.Trim(body, "=") == "" || strings.Trim(body, "-") == "" && !isSentence)
}

// convertUnderlined converts the paragraph to a heading and omits the line below it.
func (c *converter) convertUnderlined() {
	title := c.paragraph[0]
	c.paragraph = nil

	c.write(title.prefix, "*", c.convertLine(strings.TrimSpace(title.text), true, " "), "*", c.lines[c.next].end)
	c.next++
}

// cutHeading returns the title of a heading.
func cutHeading(body string) (string, bool) {
	title := strings.TrimLeft(body, "#")
	level := len(body) - len(title)

	if level < 1 || level > 6 || title != "" && title[0] != ' ' && title[0] != '\t' {
		return "", false
	}

	title = strings.TrimSpace(title)
	if open := strings.TrimRight(title, "#"); open == "" || strings.HasSuffix(open, " ") {
		title = strings.TrimSpace(open)
	}

	return title, true
}

// fence is the first line of fenced code.
type fence struct {
	mark   byte
	length int
}

// cutFence returns the fence that a line opens. What follows it names the language, which WhatsApp would show.
func cutFence(body string) (fence, bool) {
	mark := body[:min(1, len(body))]
	if mark != "`" && mark != "~" {
		return fence{}, false
	}

	info := strings.TrimLeft(body, mark)
	length := len(body) - len(info)

	return fence{mark: mark[0], length: length}, length >= 3 && (mark != "`" || !strings.Contains(info, "`"))
}

// closes reports whether a line ends the code of f, which began at the column indent.
func (f fence) closes(text string, indent int) bool {
	body := strings.TrimLeft(text, " \t")
	rest := strings.TrimLeft(body, string(f.mark))

	return len(body)-len(rest) >= f.length && strings.TrimSpace(rest) == "" && width(text[:len(text)-len(body)]) < indent+codeIndent
}

// convertFence writes fenced code with WhatsApp's marks. Code that does not end gets its end, without which WhatsApp would
// not show it as code.
func (c *converter) convertFence(prefix string, f fence, indent int) {
	const mark = "```"

	c.write(prefix, mark, c.lines[c.next].end)
	c.next++

	first := c.next

	for ; c.next < len(c.lines); c.next++ {
		l := c.lines[c.next]

		quote, text, depth := cutQuote(l.text, c.quoteDepth)
		if depth != c.quoteDepth {
			break
		}

		if f.closes(text, indent) {
			c.write(quote, text[:len(text)-len(strings.TrimLeft(text, " \t"))], mark, l.end)
			c.next++

			return
		}

		c.write(l.text, l.end)
	}

	if c.next == first {
		return // nothing follows: the mark may be the end of code that ended before
	}

	end := c.lines[c.next-1].end
	if end == "" {
		c.write(c.eol())
	}

	quote := ""
	if c.quoteDepth > 0 {
		quote = "> "
	}

	c.write(quote, mark, end)
}

// eol returns the line end of the source.
func (c *converter) eol() string { return c.lines[0].end }
