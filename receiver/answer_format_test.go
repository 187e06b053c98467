// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// shown returns what people read of a message: its text, its caption, or the body above its choices.
func shown(t *testing.T, message standin.SentMessage) string {
	t.Helper()

	var body struct {
		Text        struct{ Body string }
		Image       struct{ Caption string }
		Interactive struct{ Body struct{ Text string } }
	}
	if err := json.Unmarshal(message.Raw, &body); err != nil {
		t.Fatal(err)
	}

	return body.Text.Body + body.Image.Caption + body.Interactive.Body.Text
}

// TestFormatOfAnswers sends answers as people read them: in WhatsApp's format, within its limits, in few messages.
func TestFormatOfAnswers(t *testing.T) {
	const (
		family     = "👨‍👩‍👧‍👦" // 11 UTF-16 code units
		markdown   = "## Plans\n**Basic**: 5\n- ~~old~~ new\n* **Pro:** see [the page](https://example.com/p)\n`**code**` and __init__.py"
		inWhatsApp = "*Plans*\n*Basic*: 5\n- ~old~ new\n- *Pro:* see the page (https://example.com/p)\n`**code**` and __init__.py"
	)

	words := func(n int) string { return strings.TrimSpace(strings.Repeat("word ", n)) }
	image := func(caption string) map[string]any {
		return map[string]any{"type": "image", "url": "https://media.example/a.jpg", "caption": caption}
	}
	choice := func(text string) map[string]any {
		return map[string]any{"type": "buttons", "text": text, "buttons": []any{"Yes", "No"}}
	}

	for name, tc := range map[string]struct {
		adjust   func(*config.Processing)
		response any
		want     []string // what people read, by message
	}{
		"Markdown":                {response: markdown, want: []string{inWhatsApp}},
		"Markdown above choices":  {response: choice(markdown), want: []string{inWhatsApp}},
		"Markdown below an image": {response: image(markdown), want: []string{inWhatsApp}},
		"Markdown of a bridge that writes WhatsApp's format": {
			adjust:   func(p *config.Processing) { p.Format = config.FormatWhatsApp },
			response: "*bold* **x**",
			want:     []string{"*bold* **x**"},
		},
		"a long caption":           {response: image(words(300)), want: []string{words(205), words(95)}},
		"a long text with choices": {response: choice(words(900)), want: []string{words(819), words(81)}},
		"emoji that are not cut":   {response: strings.Repeat(family, 700), want: []string{strings.Repeat(family, 372), strings.Repeat(family, 328)}},
		"accents that are not cut": {
			response: "x" + strings.Repeat("e\u0301", 3000),
			want:     []string{"x" + strings.Repeat("e\u0301", 2047), strings.Repeat("e\u0301", 953)},
		},
		"texts in one message": {response: []any{"one", "two", "three"}, want: []string{"one\n\ntwo\n\nthree"}},
		"text after a caption": {response: []any{image(words(206)), "two"}, want: []string{words(205), "word\n\ntwo"}},
		"more messages than allowed": {
			adjust:   func(p *config.Processing) { p.MaxMessagesPerAnswer = 2 },
			response: []any{"one", image("two"), "three", choice("four?")},
			want:     []string{"one", "two"},
		},
		"a text of more messages than allowed": {
			adjust:   func(p *config.Processing) { p.MaxMessagesPerAnswer = 1 },
			response: words(900),
			want:     []string{words(819)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, func(c *config.Config) {
				withoutTyping(c)

				if tc.adjust != nil {
					tc.adjust(&c.Processing)
				}
			})
			h.reply = func(string, map[string]any) any { return map[string]any{"response": tc.response} }
			h.start()
			h.deliver(http.StatusOK, textDelivery(ana, standin.Wamid("1"), "hello"))
			h.waitIdle()

			var got []string
			for _, message := range h.waitSent(len(tc.want)) {
				got = append(got, shown(t, message))
			}

			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("messages (-want +got):\n%s", diff)
			}

			if state := h.record(standin.Wamid("1")).Event.State; state != store.Done {
				t.Errorf("state = %s, want done", state)
			}
		})
	}
}

// TestCutAnswerIsReported counts and logs the messages of an answer that were not sent.
func TestCutAnswerIsReported(t *testing.T) {
	log := &logBuffer{}
	h := newHarness(t, func(c *config.Config) { withoutTyping(c); c.Processing.MaxMessagesPerAnswer = 1 })
	h.log = log
	h.reply = func(string, map[string]any) any {
		return []any{"one", map[string]any{"type": "reaction", "emoji": "👍"}, "two"}
	}
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, standin.Wamid("1"), "hello"))
	h.waitIdle()
	h.waitSent(1)

	if _, page := h.adminPage("/metrics"); !strings.Contains(page, "whatsapp_answer_messages_cut_total 2\n") {
		t.Error("whatsapp_answer_messages_cut_total is not 2")
	}

	if !strings.Contains(log.String(), "the answer has too many messages and was cut") {
		t.Error("the log does not say that the answer was cut")
	}
}
