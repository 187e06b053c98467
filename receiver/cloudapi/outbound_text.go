// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"strings"
	"unicode/utf8"
)

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
	if err := within("the text", c.Text, MaxTextRunes, "split it"); err != nil {
		return 0, err
	}

	message.Type = "text"
	message.Text = &textObject{PreviewURL: c.PreviewURL, Body: c.Text}

	return 0, nil
}

// blanks are the characters at which SplitText cuts. It drops the blanks at each cut.
const blanks = " \n\t"

// SplitText cuts text into pieces of at most MaxTextRunes characters, each at its last blank if it has one. Blanks at
// both ends are dropped. Only a blank text results in an empty piece.
func SplitText(text string) []string {
	text = strings.Trim(text, blanks)

	var pieces []string
	for utf8.RuneCountInString(text) > MaxTextRunes {
		end := 0 // byte offset of the rune past the piece
		for range MaxTextRunes {
			_, size := utf8.DecodeRuneInString(text[end:])
			end += size
		}

		if blank := strings.LastIndexAny(text[:end], blanks); blank > 0 {
			end = blank
		}

		pieces = append(pieces, strings.TrimRight(text[:end], blanks))
		text = strings.TrimLeft(text[end:], blanks)
	}

	return append(pieces, text)
}
