// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
)

const flowText = `{"method":"process_text_message","event_id":"e1","text":"hi"}`

func TestFlowRefusesRequests(t *testing.T) {
	flow := NewFlow(FlowOptions{
		Keys:            []string{"secret"},
		SigningKeys:     []string{"hmac"},
		SignatureHeader: "X-Signature",
	})
	url, client := start(t, flow)

	signed := func(body string) []string {
		return []string{"Authorization", "Bearer secret", "X-Signature", Sign("hmac", []byte(body))}
	}
	long := `{"method":"process_text_message","text":"` + strings.Repeat("a", MaxFlowBody) + `"}`

	for _, tc := range []struct {
		name, method, path, body string
		header                   []string
		status                   int
		text                     string
	}{
		{name: "text", header: signed(flowText), status: 200, text: `{"response":"You said: hi"}`},
		{name: "another path", path: FlowPath + "/v1/messages/text", header: signed(flowText), status: 404, text: "ResourceNotFound"},
		{name: "trailing slash", path: FlowPath + "/", header: signed(flowText), status: 404},
		{name: "GET", method: http.MethodGet, header: signed(flowText), status: 405},
		{name: "no signature", header: []string{"Authorization", "Bearer secret"}, status: 401},
		{name: "wrong signature", header: []string{"Authorization", "Bearer secret", "X-Signature", Sign("other", []byte(flowText))}, status: 401},
		{name: "wrong key", header: []string{"Authorization", "Bearer other", "X-Signature", Sign("hmac", []byte(flowText))}, status: 401},
		{name: "AccessKey", header: []string{"Authorization", "AccessKey secret", "X-Signature", Sign("hmac", []byte(flowText))}, status: 401},
		{name: "too large", body: long, header: signed(long), status: 413},
		{name: "no text", body: `{"method":"process_image_message"}`, status: 422, text: "text is empty"},
		{name: "blank text", body: `{"method":"process_image_message","text":" "}`, status: 422},
		{name: "a status has no text", body: `{"method":"notify_bird_status_change"}`, status: 200},
		{name: "no method", body: `{"text":"hi"}`, status: 422, text: "method"},
		{name: "no object", body: `{"text":`, status: 422},
	} {
		t.Run(tc.name, func(t *testing.T) {
			body := flowText
			if tc.body != "" {
				body = tc.body
			}

			if tc.header == nil {
				tc.header = signed(body)
			}

			method := http.MethodPost
			if tc.method != "" {
				method = tc.method
			}

			path := FlowPath
			if tc.path != "" {
				path = tc.path
			}

			status, answer := do(t, client, request(t, method, url+path, body, tc.header...))
			if status != tc.status || !strings.Contains(answer, tc.text) {
				t.Errorf("%d %s, want %d with %q", status, answer, tc.status, tc.text)
			}
		})
	}

	if asked := flow.Asked(); len(asked) != 2 || asked[0].Method != "process_text_message" {
		t.Errorf("asked %+v, want the text and the status", asked)
	}
}

func TestFlowReplies(t *testing.T) {
	messages, access := startMessages(t)

	for _, tc := range []struct {
		name, body string
		reply      any
		access     func() MessagesAPI
		status     int
	}{
		{name: "nothing", status: 200},
		{name: "text", reply: "hola", status: 200, body: `"hola"`},
		{name: "reply", reply: map[string]any{"reply": "hola"}, status: 200, body: `{"reply":"hola"}`},
		{name: "n8n", reply: []any{map[string]any{"output": "hola"}}, status: 200, body: `[{"output":"hola"}]`},
		{name: "error", reply: N8NNotFound, status: 404, body: "not registered"},
		{name: "later", reply: Later{Responses: []any{"hola"}}, access: access, status: 200},
		{name: "later without a way", reply: Later{Responses: []any{"hola"}}, status: 500, body: "no messages API"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			flow := NewFlow(FlowOptions{
				Messages: tc.access,
				Reply:    func(string, map[string]any) any { return tc.reply },
			})
			url, client := start(t, flow)

			status, answer := do(t, client, request(t, http.MethodPost, url+FlowPath, flowText))
			if status != tc.status || !strings.Contains(answer, tc.body) || (tc.body == "" && answer != "") {
				t.Errorf("%d %q, want %d %q", status, answer, tc.status, tc.body)
			}

			if tc.access != nil {
				if err := flow.LaterLog.WaitTotal(t.Context(), 1); err != nil {
					t.Fatal(err)
				}
			}
		})
	}

	if len(messages.accepted) != 1 || messages.accepted[0]["in_reply_to"] != "e1" {
		t.Errorf("posted %v, want one answer to e1", messages.accepted)
	}
}

func TestUnpublishedFlow(t *testing.T) {
	flow := NewFlow(FlowOptions{NotFound: N8NNotFound})
	url, client := start(t, flow)

	for _, tc := range []struct {
		published bool
		status    int
	}{{false, 404}, {true, 200}} {
		flow.SetPublished(tc.published)

		if status, answer := do(t, client, request(t, http.MethodPost, url+FlowPath, flowText)); status != tc.status {
			t.Errorf("published %t: %d %s", tc.published, status, answer)
		}
	}
}

// TestLinkedMedia lets Bird and a Flow fetch a medium, and check its size, its checksum and its type.
func TestLinkedMedia(t *testing.T) {
	content := "content of the picture"
	media := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/media/token" {
			http.NotFound(w, r)
			return
		}

		w.Header().Set("Content-Type", "image/png")
		_, _ = w.Write([]byte(content))
	}))
	t.Cleanup(media.Close)

	sum := sha256.Sum256([]byte(content))
	right := map[string]any{
		"transport": "url",
		"url":       media.URL + "/media/token",
		"size":      len(content),
		"sha256":    hex.EncodeToString(sum[:]),
		"mime_type": "image/png",
	}

	for name, tc := range map[string]struct {
		property string
		value    any
		ok       bool
	}{
		"right":          {"transport", "url", true},
		"left out":       {"transport", "omitted", true},
		"no link":        {"url", "", false},
		"unknown link":   {"url", media.URL + "/media/other", false},
		"another size":   {"size", 5, false},
		"another sum":    {"sha256", "00", false},
		"another type":   {"mime_type", "image/jpeg", false},
		"no web address": {"url", "::", false},
	} {
		t.Run(name, func(t *testing.T) {
			described := maps.Clone(right)
			described[tc.property] = tc.value

			body, err := json.Marshal(map[string]any{"method": "process_image_message", "text": "[picture]", "media": described})
			if err != nil {
				t.Fatal(err)
			}

			client := &http.Client{Transport: &http.Transport{}}
			t.Cleanup(client.CloseIdleConnections)

			flow := NewFlow(FlowOptions{MediaClient: client})
			bird := NewBird(BirdOptions{MediaClient: client})
			flowURL, _ := start(t, flow)
			birdURL, _ := start(t, bird)

			for address, want := range map[string]int{flowURL + FlowPath: 422, birdURL + "/v1/messages/image": 400} {
				if tc.ok {
					want = http.StatusOK
				}

				status, answer := do(t, client, request(t, http.MethodPost, address, string(body), "X-API-Key", "k"))
				if status != want {
					t.Errorf("%d %s, want %d", status, answer, want)
				}
			}

			if name == "right" && flow.Asked()[0].MediaBytes != int64(len(content)) {
				t.Errorf("%s bytes, want all", strconv.FormatInt(flow.Asked()[0].MediaBytes, 10))
			}
		})
	}
}
