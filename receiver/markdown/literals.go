// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package markdown

import (
	"html"
	"strings"
	"unicode"
	"unicode/utf8"
)

// parseCode parses code between runs of backticks of the same length. Its characters stay as they are.
func (p *inline) parseCode(at int) int {
	length := runLength(p.source, at)

	begin := at + length
	if p.codeEnds[length] < begin {
		return p.add(token{start: at, end: begin}) // nothing ends it
	}

	end := begin
	for {
		end += strings.IndexByte(p.source[end:], '`')

		closing := runLength(p.source, end)
		if closing == length {
			break
		}

		end += closing
	}

	code := p.source[begin:end]
	end += length

	// WhatsApp's marks are one or three backticks.
	if length == 1 || length == 3 || strings.Contains(code, "\n") {
		return p.add(token{start: at, end: end})
	}

	mark := "`"
	if strings.Contains(code, mark) {
		mark = "```"
	}

	// Blanks keep the code's own backticks from its marks.
	if strings.HasPrefix(code, " ") && strings.HasSuffix(code, " ") && strings.TrimSpace(code) != "" {
		code = code[1 : len(code)-1]
	}

	return p.replace(at, end, mark+code+mark)
}

// backtickRuns returns the last positions of the runs of backticks by their length.
func backtickRuns(source string) map[int]int {
	runs := map[int]int{}

	for at := 0; at < len(source); {
		next := strings.IndexByte(source[at:], '`')
		if next < 0 {
			break
		}

		at += next
		length := runLength(source, at)
		runs[length] = at
		at += length
	}

	return runs
}

// runLength returns how often the byte at a position is repeated from there on.
func runLength(source string, at int) int {
	end := at
	for end < len(source) && source[end] == source[at] {
		end++
	}

	return end - at
}

const shrug = `¯\_(ツ)_/¯`

// parseEscape parses a backslash. Before a line end it is a line break, which stays without it.
func (p *inline) parseEscape(at int) int {
	if end := p.parseLiteral(at); end > at || at+1 == len(p.source) {
		return end
	}

	next := p.source[at+1]

	switch {
	case next == '\n':
		return p.replace(at, at+1, "")
	case isEscapable(next):
		return p.replace(at, at+2, string(next))
	}

	return at
}

// isEscapable reports whether c may be a mark of Markdown, and a backslash before it only says that it is not.
func isEscapable(c byte) bool { return strings.IndexByte("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", c) >= 0 }

// parseEntity parses a character reference of HTML, such as &amp;.
func (p *inline) parseEntity(at int) int {
	const maxEntity = 33 // bytes; the longest name has 31

	length := strings.IndexByte(p.source[at:min(len(p.source), at+maxEntity)], ';') + 1
	entity := p.source[at : at+length]

	text := html.UnescapeString(entity)
	if text == entity || strings.HasSuffix(text, ";") && entity != "&semi;" || strings.Contains(text, "\n") {
		return at
	}

	return p.replace(at, at+length, text)
}

// parseAngle parses an address in angle brackets, or a line break of HTML.
func (p *inline) parseAngle(at int) int {
	length := strings.IndexAny(p.source[at+1:min(len(p.source), at+maxTarget)], "<> \n") + 2
	if length < 3 {
		return at
	}

	inside := p.source[at+1 : at+length-1]
	after := p.source[at+length-1:]

	if name := strings.ToLower(strings.TrimSuffix(inside, "/")); name == "br" {
		if rest := strings.TrimLeft(after, " /"); strings.HasPrefix(rest, ">") {
			rest = strings.TrimLeft(rest[1:], " ")
			return p.addBreak(at, len(p.source)-len(rest))
		}
	}

	if after[0] != '>' || !hasScheme(inside) && !isEmail(inside) || strings.HasPrefix(inside, "www.") {
		return at
	}

	return p.add(token{
		start:    at,
		end:      at + length,
		kind:     address,
		isEdited: true,
		text:     show(inside),
	})
}

// addBreak adds a line break of HTML. One before a line end changes nothing.
func (p *inline) addBreak(start, end int) int {
	if strings.HasPrefix(p.source[end:], "\n") {
		return p.replace(start, end, "")
	}

	return p.add(token{
		start:    start,
		end:      end,
		kind:     lineBreak,
		isEdited: true,
	})
}

func isEmail(text string) bool {
	name, host, ok := strings.Cut(text, "@")
	return ok && name != "" && strings.Contains(host, ".") && !strings.ContainsAny(text, `"(),:;[\]`)
}

// parseLiteral parses what keeps its characters although they look like marks: a URL, a path of Windows, or the shrug.
func (p *inline) parseLiteral(at int) int {
	rest := p.source[at:]
	before, _ := utf8.DecodeLastRuneInString(p.source[:at])
	length := 0

	switch {
	case strings.HasPrefix(rest, shrug):
		length = len(shrug)
	case isLetterOrDigit(before):
		return at
	case beginsPath(rest):
		length = len(trimURL(rest[:blank(rest)]))
	case beginsURL(rest):
		length = urlLength(rest)
	default:
		return at
	}

	return p.add(token{
		start: at,
		end:   at + length,
		kind:  address,
	})
}

// beginsPath reports whether a text begins with a path of Windows.
func beginsPath(text string) bool {
	if len(text) < 4 || text[1] != ':' && text[0] != '\\' {
		return false
	}

	drive := rune(text[0])
	root := text[1:3]

	return root == `:\` && drive < utf8.RuneSelf && unicode.IsLetter(drive) ||
		text[:2] == `\\` && isLetterOrDigit(rune(text[2]))
}

// blank returns the position of the first blank, or the length of the text.
func blank(text string) int {
	end := strings.IndexFunc(text, unicode.IsSpace)
	if end < 0 {
		return len(text)
	}

	return end
}

func beginsURL(text string) bool {
	for _, prefix := range []string{"http://", "https://", "www.", "ftp://"} {
		if len(text) > len(prefix) && strings.EqualFold(text[:len(prefix)], prefix) {
			return true
		}
	}

	return false
}

// urlLength returns the length of the URL that a text begins with. Brackets belong to it if they are balanced, and marks of
// Markdown if something of the URL follows.
func urlLength(text string) int {
	var parentheses, brackets int

	end := len(text)

	for i, r := range text {
		switch r {
		case '(':
			parentheses++
		case ')':
			parentheses--
		case '[':
			brackets++
		case ']':
			brackets--
		}

		isEnd := parentheses < 0 || brackets < 0 || unicode.IsSpace(r) || strings.ContainsRune("<>\"`|", r) ||
			strings.HasPrefix(text[i:], "**") || strings.HasPrefix(text[i:], "](")
		if isEnd {
			end = i
			break
		}
	}

	return len(trimURL(text[:end]))
}

// trimURL returns a URL without the marks at its end that belong to the sentence, or to Markdown.
func trimURL(url string) string { return strings.TrimRight(url, "?!.,:;*_~'\"") }
