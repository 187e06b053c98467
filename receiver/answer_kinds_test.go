// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

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
		from     string // defaults to ana
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
		"a flow": {
			response: `{"type":"flow","text":"Book a visit","header":` + image + `,"button_text":"Book","flow_id":"7","screen":"FIRST"}`,
			want:     []string{"interactive flow image"},
		},
		"a request for a location": {
			response: `{"type":"location_request","text":"Where are you?"}`,
			want:     []string{"interactive location_request_message"},
		},
		"a request for the phone number": {
			response: `{"type":"request_contact_info","text":"May we call you back?"}`,
			want:     []string{"interactive request_contact_info"},
		},
		"a request for permission to call": {
			response: `{"type":"call_permission"}`,
			want:     []string{"interactive call_permission_request"},
		},
		"an address form": {
			from:     "919876543210",
			response: `{"type":"address","text":"Where to?","country":"IN","values":{"city":"Mumbai"}}`,
			want:     []string{"interactive address_message"},
		},
		"an image above an address form": {
			from:     "919876543210",
			response: `{"type":"address","text":"Where to?","header":` + image + `,"country":"IN"}`,
			want:     []string{"image", "interactive address_message"},
		},
		"contacts": {
			response: `{"type":"contacts","contacts":[{"name":{"formatted_name":"Ana"},"phones":[{"phone":"+573001234567"}]}]}`,
			want:     []string{"contacts"},
		},
		"a product": {
			response: `{"type":"product","catalog_id":"1","product_retailer_id":"rose"}`,
			want:     []string{"interactive product"},
		},
		"products": {
			response: `{"type":"product_list","text":"Ours:","header":"Plants","catalog_id":"1","sections":[{"product_items":["rose","fern"]}]}`,
			want:     []string{"interactive product_list text"},
		},
		"a catalog": {
			response: `{"type":"catalog","text":"Ours:"}`,
			want:     []string{"interactive catalog_message"},
		},
		"cards": {
			response: `{"type":"carousel","text":"Ours:","cards":[{"header":` + image + `,"buttons":["Rose"]},{"header":` + image + `,"buttons":["Fern"]}]}`,
			want:     []string{"interactive carousel"},
		},
		"cards of products": {
			response: `{"type":"carousel","text":"Ours:","cards":[{"catalog_id":"1","product_retailer_id":"a"},{"catalog_id":"1","product_retailer_id":"b"}]}`,
			want:     []string{"interactive carousel"},
		},
		"a link below a long text": {
			response: `{"type":"cta_url","text":"` + strings.Repeat("word ", 500) + `","url":"https://shop.example"}`,
			want:     []string{"text", "interactive cta_url"},
		},
		"Meta's name of a kind": {
			response: `{"type":"interactive","interactive_type":"location_request_message","text":"Where are you?"}`,
			want:     []string{"interactive location_request_message"},
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
			h.deliver(http.StatusOK, textDelivery(cmp.Or(tc.from, ana), "wamid.1", "hello"))
			h.waitIdle()

			if got := h.record("wamid.1").Event.State; got != store.Done {
				t.Errorf("state = %s, want %s", got, store.Done)
			}

			var kinds []string
			for _, message := range h.waitSent(len(tc.want)) {
				kinds = append(kinds, sentKind(t, message.Raw))
			}

			if diff := gocmp.Diff(tc.want, kinds); diff != "" {
				t.Errorf("kinds sent (-want +got):\n%s", diff)
			}
		})
	}
}

// TestGroupsGetWords has Bird answer in a group with messages that Meta takes only outside of groups.
func TestGroupsGetWords(t *testing.T) {
	h := newHarness(t, withoutTyping)
	h.reply = func(string, map[string]any) any {
		return map[string]any{"response": json.RawMessage(`[
			{"type":"reaction","emoji":"👍"},
			{"type":"buttons","text":"Which?","buttons":["Red","Blue"]},
			{"type":"list","text":"Which?","header":{"type":"image","media_id":"7"},"sections":[{"rows":["Red"]}]}
		]`)}
	}
	h.start()
	h.deliver(http.StatusOK, messagesDelivery(`"messages":[{"from":"`+ana+`","group_id":"bWFkZQ","id":"wamid.1","type":"text","text":{"body":"hi"}}]`))
	h.waitIdle()

	sent := h.waitSent(2)
	if got, want := sent[0].Text, "Which?\n\n1. Red\n2. Blue"; got != want {
		t.Errorf("sent %q, want %q", got, want)
	}

	if got := sentKind(t, sent[1].Raw); got != "image" || !strings.Contains(string(sent[1].Raw), `"caption":"Which?\n\n1. Red"`) {
		t.Errorf("sent %s %s, want an image with the list as its caption", got, sent[1].Raw)
	}

	if got := h.record("wamid.1").Event.State; got != store.Done {
		t.Errorf("state = %s, want %s", got, store.Done)
	}
}
