// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package markdown_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/markdown"
)

// hostile are patterns that take quadratic time if a mark makes a parser look for its counterpart to the end of the text.
var hostile = []string{
	"[", "[a](", "[a](<", "[a](b \"", "![a](", "![", "[a]", "]", "[a][", "[a]: b:c\n", "[a]: ",
	"*a ", "*a_ ", "a* ", "*_", "**x", "x**", "***a", "a** **", "__a", "~~a ", "**a*b__c~~d ",
	"`a ``b ", "``` ", "`", "<a ", "<", "<br", "<http:", "&a", "&#1", "\\", "\\\\a",
	">", "> ", ">a\n", "- ", "1. ", "* a\n\n", "- a\n ", "#", "# a\n", "-\n", "=\n", "a\n===\n",
	"|", "|a", "|a\n|-\n", "a|b\n", "|-", "www.", "http://(", "http://a)", "a@", "```\n", "~~~\n", "C:\\", "\t", "a\n", "\r\n",
	"(*", "*)", "\"*\"", "x**2 ", "_a_b", "[*a](http://b)", "![[", "[![a](b.c)](d.e)",
}

// TestHostileTexts does not end in time if the time is quadratic.
func TestHostileTexts(t *testing.T) {
	const size = 1 << 18

	for _, pattern := range hostile {
		text := strings.Repeat(pattern, size/len(pattern))
		mirrored := text[:len(text)/2] + "x" + strings.Repeat(reverse(pattern), size/len(pattern)/2)

		for _, text := range []string{text, mirrored} {
			if got := markdown.ToWhatsApp(text); len(got) > 4*len(text) {
				t.Errorf("%q repeated: %d bytes became %d", pattern, len(text), len(got))
			}
		}
	}
}

func reverse(text string) string {
	var reversed strings.Builder

	for text != "" {
		r, size := utf8.DecodeLastRuneInString(text)
		reversed.WriteRune(r)

		text = text[:len(text)-size]
	}

	return reversed.String()
}

func BenchmarkToWhatsApp(b *testing.B) {
	answer := strings.Repeat("## Plans\n\n**Basic**: 5 for [one](https://example.com/p)\n- ~~old~~ `new`\n\n", 100)
	b.SetBytes(int64(len(answer)))

	for b.Loop() {
		markdown.ToWhatsApp(answer)
	}
}
