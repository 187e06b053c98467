// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package output

import (
	"strings"
	"unicode"
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

// style colours texts, if it is on.
type style struct{ on bool }

func (s style) paint(tone Tone, text string) string {
	code, ok := codes[tone]
	if !s.on || !ok || text == "" {
		return text
	}

	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// Paint returns text in the colour of its tone, if standard output is a terminal with colours.
func (p *Printer) Paint(tone Tone, text string) string { return p.out.paint(tone, text) }

// Clean returns text without the control characters by which a text from elsewhere could take over the terminal. Line
// breaks stay.
func Clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
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
