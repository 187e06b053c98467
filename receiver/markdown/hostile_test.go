// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package markdown_test

import (
	"strings"
	"testing"
	"time"
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

// TestHostileNesting converts formats that begin many times before they end. Each end must not search all text since its
// beginning.
func TestHostileNesting(t *testing.T) {
	const size = 1 << 21

	for _, pattern := range []struct{ begin, end string }{
		{"a**1", "b**."},
		{"a***1", "b***."},
		{"a~~1", "b~~."},
		{"(__a", "b__)"},
		{"(___a", "b___)"},
	} {
		n := size / 2 / len(pattern.begin)
		text := strings.Repeat(pattern.begin, n) + strings.Repeat(pattern.end, n)
		ended := make(chan struct{})

		go func() {
			defer close(ended)

			markdown.ToWhatsApp(text)
		}()

		select {
		case <-ended:
		case <-time.After(time.Minute): // quadratic time is several minutes
			t.Fatalf("%d of %q and then of %q are not converted after a minute", n, pattern.begin, pattern.end)
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
