// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/rivo/uniseg"
)

// TestAnswersAreCutBetweenCharacters lets Bird answer with characters of several code points, in a text and a title that
// are too long. People see no character in parts.
func TestAnswersAreCutBetweenCharacters(t *testing.T) {
	const (
		family = "👨\u200d👩\u200d👧\u200d👦"
		couple = "👩\u200d👩\u200d👧\u200d👦"
		accent = "e\u0301"
	)

	for name, tc := range map[string]struct{ unit, text string }{
		"emoji":   {family, strings.Repeat(family, 700)},
		"accents": {accent, "x" + strings.Repeat(accent, 3000)},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, withoutTyping)
			h.reply = func(string, map[string]any) any { return map[string]any{"response": tc.text} }
			h.start()
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
			h.waitIdle()

			var all strings.Builder

			for _, m := range h.Graph.Sent() {
				for clusters := uniseg.NewGraphemes(m.Text); clusters.Next(); {
					if character := clusters.Str(); character != tc.unit && character != "x" {
						t.Fatalf("a message has the character %q, want %q only", character, tc.unit)
					}
				}

				all.WriteString(m.Text)
			}

			if len(h.Graph.Sent()) < 2 || all.String() != tc.text {
				t.Errorf("%d messages with %d bytes, want several that make up the answer of %d bytes",
					len(h.Graph.Sent()), all.Len(), len(tc.text))
			}
		})
	}

	t.Run("title", func(t *testing.T) {
		h := newHarness(t, withoutTyping)
		h.reply = func(string, map[string]any) any {
			return map[string]any{"response": map[string]any{
				"type":    "buttons",
				"text":    "Which?",
				"buttons": []any{map[string]any{"id": "a", "title": strings.Repeat(couple, 4)}},
			}}
		}
		h.start()
		h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))

		var sent struct {
			Interactive struct {
				Action struct {
					Buttons []struct {
						Reply struct{ Title string }
					}
				}
			}
		}
		if err := json.Unmarshal(h.waitSent(1)[0].Raw, &sent); err != nil {
			t.Fatal(err)
		}

		title := sent.Interactive.Action.Buttons[0].Reply.Title
		if title == "" || strings.ReplaceAll(title, couple, "") != "" {
			t.Errorf("the title is %q, want whole characters", title)
		}
	})
}
