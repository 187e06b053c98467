// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package markdown

import (
	"html"
	"strings"
)

const (
	// maxTarget bounds the address of a link in bytes. Without a bound, many links without an end take quadratic time.
	maxTarget = 2048
	// maxTitle bounds the title of a link in bytes, for the same reason.
	maxTitle = 1024
	// maxParentheses bounds the parentheses within parentheses in an address.
	maxParentheses = 32
)

// bracket is a [ that may begin a link, or a ![ that may begin an image.
type bracket struct {
	token      int // its index
	isImage    bool
	delimiters int // how many were open
}

func (p *inline) parseBracket(at int) int {
	isImage := p.source[at] == '!'

	end := at + 1
	if isImage {
		if !strings.HasPrefix(p.source[at:], "![") {
			return at
		}

		end++
	}

	p.add(token{start: at, end: end})
	p.brackets = append(p.brackets, bracket{
		token:      len(p.tokens) - 1,
		isImage:    isImage,
		delimiters: len(p.delimiters),
	})

	return end
}

func (p *inline) popBracket() bracket {
	last := len(p.brackets) - 1
	b := p.brackets[last]
	p.brackets = p.brackets[:last]
	p.closedBrackets = min(p.closedBrackets, last)

	return b
}

// parseLink parses what ends a link or an image, from its ] on. People see the text and then the address.
func (p *inline) parseLink(at int) int {
	if len(p.brackets) == 0 {
		return at
	}

	isClosed := p.closedBrackets == len(p.brackets)

	b := p.popBracket()
	if isClosed && !b.isImage {
		return at
	}

	label := p.source[p.tokens[b.token].end:at]

	target, end, ok := p.cutLinkTarget(label, at)
	if !ok {
		return at
	}

	if len(p.delimiters) > b.delimiters {
		p.drop(b.delimiters)
	}

	p.addText(at)
	p.textStart = at
	inside := p.tokens[b.token+1:]
	p.tokens[b.token].isEdited = true
	p.tokens[b.token].kind = address

	t := token{
		start:    at,
		end:      end,
		kind:     image,
		isEdited: true,
		text:     show(target),
	}

	if !b.isImage {
		t.kind = plain
		p.closedBrackets = len(p.brackets)

		omitImages(inside) // the text of an image is enough for a link
	}

	switch {
	case isSame(label, target, t.text):
		t.kind = address

		omit(inside)
	case t.text != "":
		t.text = " (" + t.text + ")"
	}

	return p.add(t)
}

func omit(tokens []token) {
	for i := range tokens {
		tokens[i].isOmitted = true
	}
}

func omitImages(tokens []token) {
	for i := range tokens {
		if tokens[i].kind == image {
			tokens[i].isOmitted = true
		}
	}
}

// cutLinkTarget returns the address of the link whose text ends at a position, and the end of the link.
func (p *inline) cutLinkTarget(label string, at int) (target string, end int, ok bool) {
	if strings.HasPrefix(p.source[at+1:], "(") {
		if target, end, ok = p.cutInlineTarget(at + 2); ok {
			return target, end, true
		}
	}

	if len(p.definitions) == 0 {
		return "", 0, false
	}

	end = at + 1

	if strings.HasPrefix(p.source[end:], "[") {
		after := p.source[end+1:]

		length := strings.IndexAny(after[:min(len(after), maxLabel+1)], "[]")
		if length < 0 || after[length] != ']' {
			return "", 0, false
		}

		end += length + 2

		if length > 0 {
			label = after[:length]
		}
	}

	if len(label) > maxLabel || strings.Contains(label, "[") {
		return "", 0, false
	}

	d := p.definitions[normalize(label)]
	if d == nil {
		return "", 0, false
	}

	d.isUsed = true

	return d.address, end, true
}

// cutInlineTarget returns the address in the parentheses of a link, which begins at a position, and the end of the link.
func (p *inline) cutInlineTarget(at int) (target string, end int, ok bool) {
	rest := strings.TrimLeft(p.source[at:], " ")

	target, length, ok := cutTarget(rest)
	if !ok || !isAddress(target) {
		return "", 0, false
	}

	rest = strings.TrimLeft(cutTitle(rest[length:]), " ")

	return target, len(p.source) - len(rest) + 1, strings.HasPrefix(rest, ")")
}

// cutTarget returns the address of a link that a text begins with, without blanks and with balanced parentheses, or between
// < and >. The length is that of its source.
func cutTarget(text string) (target string, length int, ok bool) {
	isCut := len(text) > maxTarget
	text = text[:min(len(text), maxTarget)]

	if strings.HasPrefix(text, "<") {
		end := strings.IndexAny(text, ">\n")
		if end < 0 || text[end] == '\n' {
			return "", 0, false
		}

		return unescape(strings.ReplaceAll(text[1:end], " ", "%20")), end + 1, true
	}

	depth := 0

	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\':
			i++
		case c == '(':
			depth++

			if depth > maxParentheses {
				return "", 0, false
			}
		case c == ')' && depth > 0:
			depth--
		case c == ')', c <= ' ':
			return unescape(text[:i]), i, depth == 0
		}
	}

	return unescape(text), len(text), depth == 0 && !isCut
}

// cutTitle cuts the title off what follows the address of a link. People see no titles.
func cutTitle(text string) string {
	title := strings.TrimLeft(text, " \t")
	if title == "" || len(title) == len(text) {
		return text
	}

	quote := title[:1]
	if quote == "(" {
		quote = ")"
	} else if quote != `"` && quote != "'" {
		return text
	}

	end := strings.Index(title[1:min(len(title), maxTitle)], quote)
	if end < 0 {
		return text
	}

	return title[end+2:]
}

// unescape returns a text without the backslashes and entities of Markdown.
func unescape(text string) string {
	var plain strings.Builder

	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) && isEscapable(text[i+1]) {
			i++
		}

		plain.WriteByte(text[i])
	}

	return html.UnescapeString(plain.String())
}
