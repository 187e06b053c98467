// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// sentKind returns the type of a message, and of an interactive one its kind and the type of its header.
func sentKind(t *testing.T, raw json.RawMessage) string {
	t.Helper()

	var message struct {
		Type        string
		Interactive struct {
			Type   string
			Header struct{ Type string }
		}
	}
	if err := json.Unmarshal(raw, &message); err != nil {
		t.Fatal(err)
	}

	kind := []string{message.Type}
	for _, part := range []string{message.Interactive.Type, message.Interactive.Header.Type} {
		if part != "" {
			kind = append(kind, part)
		}
	}

	return strings.Join(kind, " ")
}

// TestKindsOfAnswers has Bird answer each kind of message with something to tap. Meta's stand-in refuses what Meta would.
func TestKindsOfAnswers(t *testing.T) {
	const image = `{"type":"image","url":"https://media.example/a.jpg"}`

	for name, tc := range map[string]struct {
		response string
		want     []string
	}{
		"link": {
			response: `{"type":"cta_url","text":"See the dates","header":` + image + `,"button_text":"Dates","url":"https://shop.example/dates"}`,
			want:     []string{"interactive cta_url image"},
		},
		"buttons below an image": {
			response: `{"type":"buttons","text":"Which?","header":` + image + `,"buttons":["A","B"]}`,
			want:     []string{"interactive button image"},
		},
		"an image above more buttons than fit": {
			response: `{"type":"buttons","text":"Which?","header":` + image + `,"buttons":["A","B","C","D"]}`,
			want:     []string{"image", "interactive list"},
		},
		"an image above a list": {
			response: `{"type":"list","text":"Which?","header":` + image + `,"sections":[{"rows":["A"]}]}`,
			want:     []string{"image", "interactive list"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, withoutTyping)
			h.reply = func(string, map[string]any) any {
				return map[string]any{"response": json.RawMessage(tc.response)}
			}
			h.start()
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
			h.waitIdle()

			if got := h.record("wamid.1").Event.State; got != store.Done {
				t.Errorf("state = %s, want %s", got, store.Done)
			}

			var kinds []string
			for _, message := range h.waitSent(len(tc.want)) {
				kinds = append(kinds, sentKind(t, message.Raw))
			}

			if diff := cmp.Diff(tc.want, kinds); diff != "" {
				t.Errorf("kinds sent (-want +got):\n%s", diff)
			}
		})
	}
}
