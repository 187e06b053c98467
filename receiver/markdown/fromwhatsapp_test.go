// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package markdown_test

import (
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/markdown"
)

func TestFromWhatsApp(t *testing.T) {
	for text, want := range map[string]string{
		"*Plan*: ~7~ 5, _soon_":        "**Plan**: ~~7~~ 5, _soon_",
		"*_a_* _*b*_ *~c~*":            "**_a_** _**b**_ **~~c~~**",
		"*a*\n*b*":                     "**a**\n**b**",
		"- *a*: b\r\n> *c*":            "- **a**: b\r\n> **c**",
		"*粗体*中文 🔥*x*":                  "**粗体**中文 🔥**x**",
		"`*a*` *b `*c*` d*":            "`*a*` **b `*c*` d**",
		"```\n*a*\n``` *b*":            "```\n*a*\n``` **b**",
		"```*a*``` *b*":                "```*a*``` **b**",
		"https://a.b/*c*_d~e~ *f*":     "https://a.b/*c*_d~e~ **f**",
		"*the page (https://a.b/c_d)*": "**the page (https://a.b/c_d)**",
	} {
		if got := markdown.FromWhatsApp(text); got != want {
			t.Errorf("FromWhatsApp(%q) = %q, want %q", text, got, want)
		}
	}

	for _, text := range withoutMarkdown {
		if got := markdown.FromWhatsApp(text); got != text {
			t.Errorf("FromWhatsApp(%q) = %q, want it unchanged", text, got)
		}
	}
}

// TestAnAnswerIsTheSameAgain converts an answer as an AI writes it that repeats what its memory has.
func TestAnAnswerIsTheSameAgain(t *testing.T) {
	answer, err := os.ReadFile("testdata/answer.md")
	if err != nil {
		t.Fatal(err)
	}

	sent := markdown.ToWhatsApp(string(answer))
	if again := markdown.ToWhatsApp(markdown.FromWhatsApp(sent)); again != sent {
		t.Errorf("the answer becomes %q, and %q when it is repeated", sent, again)
	}

	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOf(rapid.SampledFrom([]string{
			"**a b**", "*c*", "_d_", "~~e~~", "**_f_**", "`*g*`", "h", "2*3", "https://a.b/c_d", "¿qué?", "**i:** j", "5 €", "\n",
		})).Draw(t, "words")

		sent := markdown.ToWhatsApp(strings.Join(words, " "))
		if again := markdown.ToWhatsApp(markdown.FromWhatsApp(sent)); again != sent {
			t.Fatalf("%q becomes %q when it is repeated", sent, again)
		}
	})
}

// TestHostileTextsFromWhatsApp does not end in time if the time is quadratic.
func TestHostileTextsFromWhatsApp(*testing.T) {
	const size = 1 << 18

	for _, pattern := range append([]string{"*a ", " *a* ", "*~", "~a *b ", "*`", "`a* ", "*https://a.b "}, hostile...) {
		markdown.FromWhatsApp(strings.Repeat(pattern, size/len(pattern)))
	}
}
