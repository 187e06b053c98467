// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import "strings"

// MaxTextRunes is the longest text message. Source: Meta's messages API, text object.
const MaxTextRunes = 4096

// TextContent is a text of 1 to MaxTextRunes characters. SplitText splits a longer one.
type TextContent struct {
	Text       string
	PreviewURL bool
}

type textObject struct {
	PreviewURL bool   `json:"preview_url"`
	Body       string `json:"body"`
}

func (c TextContent) put(message *outbound) (int, error) {
	if err := checkLength("the text", c.Text, MaxTextRunes, "split it"); err != nil {
		return 0, err
	}

	message.Type = "text"
	message.Text = &textObject{PreviewURL: c.PreviewURL, Body: c.Text}

	return 0, nil
}

// Fits reports whether the text is not too long for one message.
func (c TextContent) Fits() bool { return !exceeds(c.Text, MaxTextRunes) }

// SplitText cuts text into pieces of at most MaxTextRunes characters, each at its last blank if it has one, and never
// within a character as people see it. White space at both ends of a piece is dropped. Only a blank text results in an
// empty piece. Monospaced text goes on in the next piece.
func SplitText(text string) []string {
	text = trimBlanks(text)
	if !exceeds(text, MaxTextRunes) {
		return []string{text}
	}

	limit := MaxTextRunes
	if strings.Contains(text, monospace) {
		limit -= 2 * len(monospace+"\n")
	}

	var pieces []string

	for exceeds(text, limit) {
		piece, rest := cut(text, limit, true)
		pieces = append(pieces, piece)
		text = trimBlanks(rest)
	}

	if text != "" {
		pieces = append(pieces, text)
	}

	continueMonospace(pieces)

	return pieces
}

// monospace begins and ends monospaced text.
const monospace = "```"

// continueMonospace ends the monospaced text of each piece and begins it again in the next.
func continueMonospace(pieces []string) {
	isOpen := false

	for i := range pieces {
		if isOpen {
			pieces[i] = monospace + "\n" + pieces[i]
		}

		isOpen = strings.Count(pieces[i], monospace)%2 == 1
		if isOpen && i+1 < len(pieces) {
			pieces[i] += "\n" + monospace
		}
	}
}
