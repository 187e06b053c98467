// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const ana, luis = "573001234567", "573007654321"

func withoutTyping(c *config.Config) { c.Processing.TypingIndicator = new(false) }

// apart returns a text that is not joined with the texts around it.
func apart(text string) map[string]any {
	return map[string]any{
		"type":        "text",
		"text":        text,
		"preview_url": true,
	}
}

func TestReplyKinds(t *testing.T) {
	for name, tc := range map[string]struct {
		response any
		want     []string // types sent
		state    store.State
	}{
		"buttons": {
			response: map[string]any{
				"type":    "buttons",
				"text":    "Which?",
				"buttons": []any{map[string]any{"id": "a", "title": "A"}},
			},
			want:  []string{"interactive"},
			state: store.Done,
		},
		"quick replies": {
			response: map[string]any{
				"type":          "text",
				"text":          "Which?",
				"quick_replies": []any{"A", "B", "C", "D"},
			},
			want:  []string{"interactive"},
			state: store.Done,
		},
		"list": {
			response: map[string]any{
				"type":        "list",
				"text":        "Which?",
				"button_text": "Open",
				"sections":    []any{map[string]any{"title": "S", "rows": []any{map[string]any{"id": "a", "title": "A"}}}},
			},
			want:  []string{"interactive"},
			state: store.Done,
		},
		"media": {
			response: map[string]any{
				"type":    "image",
				"url":     "https://media.example/a.jpg",
				"caption": "A",
			},
			want:  []string{"image"},
			state: store.Done,
		},
		"template": {
			response: map[string]any{
				"type":     "template",
				"name":     "hello",
				"language": "es",
			},
			want:  []string{"template"},
			state: store.Done,
		},
		"location": {
			response: map[string]any{
				"type":      "location",
				"latitude":  4.7,
				"longitude": -74.1,
				"name":      "Here",
			},
			want:  []string{"location"},
			state: store.Done,
		},
		"reaction": {
			response: map[string]any{"type": "reaction", "emoji": "👍"},
			want:     []string{"reaction"},
			state:    store.Done,
		},
		"several replies": {
			response: []any{"one", map[string]any{"type": "reaction", "emoji": "👍"}, "two"},
			want:     []string{"text", "reaction", "text"},
			state:    store.Done,
		},
		"none": {response: map[string]any{"type": "none"}, state: store.Done},
		"unknown type": {
			response: map[string]any{"type": "hologram"},
			want:     []string{"text"},
			state:    store.Dead,
		},
		"invalid URL": {
			response: map[string]any{"type": "image", "url": "not a URL"},
			want:     []string{"text"},
			state:    store.Dead,
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, func(c *config.Config) { withoutTyping(c); c.Processing.FallbackText = "Sorry, please write again." })
			h.reply = func(string, map[string]any) any { return map[string]any{"response": tc.response} }
			h.malformed = tc.state == store.Dead
			h.start()
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
			h.waitIdle()

			var types []string
			for _, m := range h.waitSent(len(tc.want)) {
				types = append(types, m.Type)
			}

			if diff := cmp.Diff(tc.want, types); diff != "" {
				t.Errorf("types sent (-want +got):\n%s", diff)
			}

			if got := h.record("wamid.1").Event.State; got != tc.state {
				t.Errorf("state = %s, want %s", got, tc.state)
			}
		})
	}
}

func TestDebounceCoalescesTexts(t *testing.T) {
	h := newHarness(t, func(c *config.Config) { withoutTyping(c); c.Processing.Debounce = time.Minute })
	h.start()

	for i, words := range []string{"hello", "I have", "a question"} {
		h.deliver(http.StatusOK, textDelivery(ana, fmt.Sprint("wamid.", i), words))
	}

	h.waitFor("the texts to wait", h.nothingDue)
	h.clock.Advance(time.Minute)

	if got, want := h.waitSent(1)[0].Text, "You said: hello\nI have\na question"; got != want {
		t.Errorf("sent %q, want %q", got, want)
	}

	h.waitIdle()

	if asked := h.birdRequests(); len(asked) != 1 {
		t.Errorf("Bird was asked %d times, want once", len(asked))
	}

	for i := range 3 {
		if got := h.record(fmt.Sprint("wamid.", i)).Event.State; got != store.Done {
			t.Errorf("text %d is %s, want done", i, got)
		}
	}
}
