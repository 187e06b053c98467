// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package output

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Tone is the meaning of a text. A terminal shows it as a color.
type Tone int

// The tones.
const (
	Plain Tone = iota
	Good
	Warning
	Bad
	Faint
	Bold
)

// codes are the parameters of the terminal's sequence for each tone.
var codes = map[Tone]string{
	Good:    "32",
	Warning: "33",
	Bad:     "31",
	Faint:   "2",
	Bold:    "1",
}

// style colors texts, if it is on.
type style struct{ on bool }

// end is the terminal's sequence after a painted text.
const end = "\x1b[0m"

func sequence(code string) string { return "\x1b[" + code + "m" }

// paint returns text as one line without control characters, in the color of its tone.
func (s style) paint(tone Tone, text string) string {
	text = strings.ReplaceAll(Clean(text), "\n", " ")

	code, ok := codes[tone]
	if !s.on || !ok || text == "" {
		return text
	}

	return sequence(code) + text + end
}

// safe returns a text for people without the characters that [Clean] removes, except for tabs and the sequences of paint.
func (s style) safe(text string) string {
	if !strings.ContainsFunc(text, takesOver) {
		return text
	}

	var kept strings.Builder

	for text != "" {
		if own := s.ownSequence(text); own != "" {
			kept.WriteString(own)
			text = text[len(own):]

			continue
		}

		r, size := utf8.DecodeRuneInString(text)
		if !takesOver(r) {
			kept.WriteRune(r)
		}

		text = text[size:]
	}

	return kept.String()
}

// ownSequence returns the sequence of paint with which text begins, or "".
func (s style) ownSequence(text string) string {
	if !s.on || text[0] != '\x1b' {
		return ""
	}

	if strings.HasPrefix(text, end) {
		return end
	}

	for _, code := range codes {
		if own := sequence(code); strings.HasPrefix(text, own) {
			return own
		}
	}

	return ""
}

// takesOver reports whether a text with this character could take over the terminal, or show other texts in another order.
func takesOver(r rune) bool {
	return r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r))
}

// Paint returns text in the color of its tone, if standard output is a terminal with colors.
func (p *Printer) Paint(tone Tone, text string) string { return p.out.paint(tone, text) }

// Clean returns text without the control characters by which a text from elsewhere could take over the terminal. Line
// breaks stay.
func Clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case takesOver(r):
			return -1
		default:
			return r
		}
	}, text)
}

// CleanLine returns text as one line without control characters.
func CleanLine(text string) string {
	return strings.Join(strings.Fields(Clean(text)), " ")
}

// Document returns a JSON document in which control characters are escaped, so that it is the same document and cannot take over
// the terminal. Line breaks and tabs stay.
func Document(text []byte) []byte {
	var escaped []byte

	for rest := text; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)

		switch {
		case r == utf8.RuneError && size == 1: // a byte of its own can be a control character as well
			escaped = append(escaped, `\ufffd`...)
		case r != '\n' && r != '\t' && unicode.IsControl(r):
			escaped = fmt.Appendf(escaped, `\u%04x`, r)
		default:
			escaped = append(escaped, rest[:size]...)
		}

		rest = rest[size:]
	}

	return escaped
}
