// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package markdown

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// FromWhatsApp returns text with WhatsApp's bold and struck words as Markdown, so that ToWhatsApp returns the text again. An AI
// writes as it has written before: with WhatsApp's marks in its memory, its bold words would become italic. Other formats are
// the same in both, and what links and tables have become is text.
func FromWhatsApp(text string) string {
	var out []byte

	isCode := false

	for _, l := range splitLines(text) {
		r := restorer{line: l.text, isCode: isCode}
		out = r.restore(out, 0, len(l.text), "*~")
		out = append(out, l.end...)
		isCode = r.isCode
	}

	return string(out)
}

const monospace = "```"

// restorer doubles the marks of formats within a line. WhatsApp's formats end with the line, except monospaced text.
type restorer struct {
	line   string
	isCode bool
}

// restore appends a part of the line to out. The marks are those of formats that may begin in it.
func (r *restorer) restore(out []byte, start, end int, marks string) []byte {
	for at := start; at < end; {
		if next := r.literal(at); next > at {
			out = append(out, r.line[at:min(next, end)]...)
			at = next

			continue
		}

		mark := r.line[at]

		if strings.IndexByte(marks, mark) < 0 || !r.opens(at) {
			out = append(out, mark)
			at++

			continue
		}

		others := strings.ReplaceAll(marks, string(mark), "")

		closing := r.closing(at, end)
		if closing < 0 {
			marks = others // no later position looks for an end again

			out = append(out, mark)
			at++

			continue
		}

		out = append(out, mark, mark)
		out = r.restore(out, at+1, closing, others)
		out = append(out, mark, mark)
		at = closing + 1
	}

	return out
}

// literal returns the end of code or of a URL at a position, whose characters stay as they are, or the position.
func (r *restorer) literal(at int) int {
	rest := r.line[at:]

	if strings.HasPrefix(rest, monospace) {
		r.isCode = !r.isCode
		return at + len(monospace)
	}

	if r.isCode {
		if end := strings.Index(rest, monospace); end >= 0 {
			return at + end
		}

		return len(r.line)
	}

	if inner, isMark := strings.CutPrefix(rest, "`"); isMark {
		if end := strings.IndexByte(inner, '`'); end > 0 {
			return at + end + 2
		}
	}

	if before, _ := utf8.DecodeLastRuneInString(r.line[:at]); !isLetterOrDigit(before) && beginsURL(rest) {
		return at + urlLength(rest)
	}

	return at
}

// opens reports whether a format may begin with the mark at a position.
func (r *restorer) opens(at int) bool {
	before, _ := utf8.DecodeLastRuneInString(r.line[:at])
	after, _ := utf8.DecodeRuneInString(r.line[at+1:])
	mark := rune(r.line[at])

	isNamed := before == '(' && after == ')' // as in (*)

	return !isWord(before) && before != mark && after != mark && at+1 < len(r.line) && !unicode.IsSpace(after) && !isNamed
}

// closing returns the position of the mark that ends the format which begins at a position, or -1.
func (r *restorer) closing(start, end int) int {
	isCode := r.isCode
	defer func() { r.isCode = isCode }()

	for at := start + 1; at < end; {
		if next := r.literal(at); next > at {
			at = next
			continue
		}

		before, _ := utf8.DecodeLastRuneInString(r.line[:at])
		after, _ := utf8.DecodeRuneInString(r.line[at+1:])
		mark := rune(r.line[start])

		isEnd := rune(r.line[at]) == mark && at > start+1 && !unicode.IsSpace(before) && before != mark && after != mark
		if isEnd && (at+1 == len(r.line) || !isWord(after)) {
			return at
		}

		at++
	}

	return -1
}
