// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package markdown

import (
	"bytes"
	"slices"
	"strings"
)

// token is a part of a paragraph. The tokens of a paragraph cover its source without gaps.
type token struct {
	start, end int
	kind       kind
	isOmitted  bool // has no output
	isEdited   bool // text replaces the source
	text       string

	// opened and closed are the formats that begin or end at a delimiter, in their order.
	opened [2]style
	closed [2]style
}

type kind byte

const (
	plain kind = iota
	address
	image // what follows the text of an image
	lineBreak
)

// style is a format of WhatsApp by its mark.
type style byte

const (
	none   style = 0
	bold   style = '*'
	italic style = '_'
	strike style = '~'
)

// inline converts the formats within the lines of a paragraph.
type inline struct {
	source      string // the lines, joined by "\n"
	lines       []paragraphLine
	definitions map[string]*definition
	tokens      []token
	textStart   int // of the text after the last token

	// codeEnds are the last positions of the runs of backticks by their length.
	codeEnds   map[int]int
	delimiters []delimiter
	openers    map[delimiterKind]int // how many of a kind are in delimiters
	searched   int                   // up to where lastBlank is known
	lastBlank  int                   // the position of the last blank or line end; -1 if there is none
	brackets   []bracket
	// closedBrackets are the first brackets that can begin no link, since a link contains no link.
	closedBrackets int

	lineBreak string   // replaces <br>; empty for a new line
	depth     [128]int // how many formats are open, by style
	open      []style  // whose marks are written
}

// parse splits the source into tokens.
func (p *inline) parse() {
	p.codeEnds = backtickRuns(p.source)
	p.openers = map[delimiterKind]int{}
	p.lastBlank = -1

	for at := 0; at < len(p.source); {
		at = max(p.parseToken(at), at+1)
	}

	p.addText(len(p.source))
}

// parseToken parses the token at a position and returns its end. It returns the position if there is only text.
func (p *inline) parseToken(at int) int {
	switch p.source[at] {
	case '\n':
		return p.add(token{
			start: at,
			end:   at + 1,
			kind:  lineBreak,
		})
	case '\\':
		return p.parseEscape(at)
	case '`':
		return p.parseCode(at)
	case '*', '_', '~':
		return p.parseDelimiter(at)
	case '[', '!':
		return p.parseBracket(at)
	case ']':
		return p.parseLink(at)
	case '<':
		return p.parseAngle(at)
	case '&':
		return p.parseEntity(at)
	}

	return p.parseLiteral(at)
}

// htmlBreak returns what replaces a line break of HTML.
func (p *inline) htmlBreak() string {
	switch {
	case p.lineBreak != "":
		return p.lineBreak
	case strings.HasPrefix(p.lines[0].prefix, ">"):
		return "\n> "
	default:
		return "\n"
	}
}

// add adds the text before a token, and the token. It returns the token's end.
func (p *inline) add(t token) int {
	p.addText(t.start)
	p.tokens = append(p.tokens, t)
	p.textStart = t.end

	return t.end
}

func (p *inline) addText(end int) {
	if p.textStart < end {
		p.tokens = append(p.tokens, token{start: p.textStart, end: end})
	}
}

// replace adds a token whose text replaces the source.
func (p *inline) replace(start, end int, text string) int {
	return p.add(token{
		start:    start,
		end:      end,
		isEdited: true,
		text:     text,
	})
}

// render appends the converted paragraph to out.
func (p *inline) render(out []byte) []byte {
	number := 0 // of the line

	for _, t := range p.tokens {
		source := p.source[t.start:t.end]

		switch {
		case t.isOmitted:
		case t.kind == lineBreak && t.isEdited:
			out = p.renderBreak(out, p.htmlBreak())
		case t.kind == lineBreak:
			out = p.renderBreak(out, p.lines[number].end+p.lines[number+1].prefix)
		case t.isEdited:
			out = p.renderStyles(out, t)
		case strings.Contains(source, "\n"): // code
			for i, part := range strings.Split(source, "\n") {
				if i > 0 {
					out = append(out, p.lines[number+i-1].end+p.lines[number+i].prefix...)
				}

				out = append(out, part...)
			}
		default:
			out = append(out, source...)
		}

		number += strings.Count(source, "\n")
	}

	return out
}

// renderStyles writes the text of a token and the marks of its formats. The text of a delimiter are the marks that belong to
// no format, and these are on its outer side. A format within one of the same style has no marks.
func (p *inline) renderStyles(out []byte, t token) []byte {
	for _, s := range t.closed {
		p.depth[s]--

		if p.depth[s] == 0 && s != none {
			out = append(out, byte(s))
			p.open = slices.DeleteFunc(p.open, func(open style) bool { return open == s })
		}
	}

	out = append(out, t.text...)

	for _, s := range t.opened {
		p.depth[s]++

		if p.depth[s] == 1 && s != none {
			out = append(out, byte(s))
			p.open = append(p.open, s)
		}
	}

	return out
}

// renderBreak writes a line break. WhatsApp's formats end with the line, so they begin again on the next.
func (p *inline) renderBreak(out []byte, text string) []byte {
	if len(p.open) > 0 {
		out = bytes.TrimRight(out, " \t")
	}

	for _, s := range slices.Backward(p.open) {
		out = append(out, byte(s))
	}

	out = append(out, text...)

	for _, s := range p.open {
		out = append(out, byte(s))
	}

	return out
}
