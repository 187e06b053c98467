// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// testMessages is a messages API that answers the statuses in order, then 202, and keeps what it accepted.
type testMessages struct {
	mu       sync.Mutex
	statuses []int
	keys     []string
	accepted []map[string]any
	handlers []string
}

func (m *testMessages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()

	var body map[string]any

	_ = json.NewDecoder(r.Body).Decode(&body)

	if r.Header.Get("Authorization") != "Bearer desk" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}

	if r.Method == http.MethodPut {
		m.handlers = append(m.handlers, r.URL.EscapedPath())

		writeJSON(w, http.StatusOK, map[string]string{"handler": "ai"})

		return
	}

	m.keys = append(m.keys, r.Header.Get("Idempotency-Key"))

	if len(m.statuses) > 0 {
		status := m.statuses[0]
		m.statuses = m.statuses[1:]

		writeJSON(w, status, map[string]string{"error": "later"})

		return
	}

	m.accepted = append(m.accepted, body)

	writeJSON(w, http.StatusAccepted, map[string]string{"id": "m1", "state": "stored"})
}

func startMessages(t *testing.T, statuses ...int) (*testMessages, func() MessagesAPI) {
	t.Helper()

	messages := &testMessages{statuses: statuses}
	server := httptest.NewServer(messages)
	t.Cleanup(server.Close)

	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(client.CloseIdleConnections)

	return messages, func() MessagesAPI {
		return MessagesAPI{URL: server.URL, Key: "desk", Client: client}
	}
}

func TestBirdAnswersLater(t *testing.T) {
	messages, access := startMessages(t, 503, 500)
	bird := NewBird(BirdOptions{
		Messages: access,
		Reply: func(string, map[string]any) any {
			return Later{Responses: []any{"one moment", "it is open"}, Handoff: map[string]any{"reason": "tired"}}
		},
	})
	url, client := start(t, bird)

	for range 2 { // a repeated key posts nothing again
		status, answer := do(t, client, request(t, http.MethodPost, url+"/v1/messages/text", `{"method":"process_text_message","event_id":"e1"}`,
			"X-API-Key", "k", "Idempotency-Key", "k1"))
		if status != http.StatusAccepted || answer != `{"accepted":true}` {
			t.Errorf("%d %s, want 202 accepted", status, answer)
		}
	}

	if err := bird.LaterLog.WaitTotal(t.Context(), 2); err != nil {
		t.Fatal(err)
	}

	want := []map[string]any{
		{"in_reply_to": "e1", "response": "one moment", "final": false},
		{"in_reply_to": "e1", "response": "it is open", "final": true, "handoff": map[string]any{"reason": "tired"}},
	}
	if diff := cmp.Diff(want, messages.accepted); diff != "" {
		t.Errorf("posted (-want +got):\n%s", diff)
	}

	if diff := cmp.Diff([]string{"e1-1", "e1-1", "e1-1", "e1-2"}, messages.keys); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}

	if first := bird.LaterLog.All()[0]; first.Posted.Attempts != 3 || first.Posted.ID != "m1" || first.Err != "" {
		t.Errorf("first message %+v, want m1 after 3 attempts", first)
	}
}

func TestRefusedMessageIsAResult(t *testing.T) {
	messages, access := startMessages(t, 409)

	posted, err := Post(t.Context(), access, "k", map[string]any{"response": "hi"})
	if err != nil || posted.Status != http.StatusConflict || posted.Attempts != 1 || len(messages.accepted) != 0 {
		t.Errorf("%+v, %v; want 409 at once", posted, err)
	}
}

func TestClosedStandInPostsNothing(t *testing.T) {
	messages, access := startMessages(t)
	bird := NewBird(BirdOptions{
		Messages: access,
		Reply:    func(string, map[string]any) any { return Later{After: time.Hour, Responses: []any{"never"}} },
	})
	url, client := start(t, bird)

	do(t, client, request(t, http.MethodPost, url+"/v1/messages/text", `{"method":"process_text_message","event_id":"e1"}`, "X-API-Key", "k"))
	bird.Close()

	status, _ := do(t, client, request(t, http.MethodPost, url+"/v1/messages/text", `{"method":"process_text_message","event_id":"e2"}`, "X-API-Key", "k"))
	if status != http.StatusInternalServerError || len(messages.keys) != 0 {
		t.Errorf("answered %d, posted %v; want 500 and nothing", status, messages.keys)
	}
}

func TestPostEndsWithItsContext(t *testing.T) {
	_, access := startMessages(t, 503, 503, 503, 503, 503, 503, 503, 503, 503, 503)

	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()

	if posted, err := Post(ctx, access, "k", map[string]any{}); err == nil || posted.Attempts == 0 {
		t.Errorf("%+v, %v; want an error", posted, err)
	}
}

func TestBirdConversationIDs(t *testing.T) {
	bird := NewBird(BirdOptions{ConversationIDs: true})
	url, client := start(t, bird)
	id := ConversationID(map[string]any{"conversation_key": "1:2"})

	for _, tc := range []struct {
		body   string
		status int
	}{
		{`{"method":"process_text_message","conversation_key":"1:2","text":"hi"}`, 200},
		{`{"method":"process_text_message","conversation_key":"1:2","text":"hi","conversation_id":null}`, 200},
		{`{"method":"process_text_message","conversation_key":"1:2","text":"hi","conversation_id":"` + id + `"}`, 200},
		{`{"method":"process_text_message","conversation_key":"1:3","text":"hi","conversation_id":"` + id + `"}`, 400},
		{`{"conversation_key":"1:2","text":"hi"}`, 400},
		{`{"conversation_key":"1:2","text":"hi","method":"process_image_message"}`, 400},
	} {
		status, answer := do(t, client, request(t, http.MethodPost, url+"/v1/messages/text", tc.body, "X-API-Key", "k"))
		if status != tc.status || (status == 200 && object(t, answer)["conversation_id"] != id) {
			t.Errorf("%s: %d %s, want %d and the conversation %s", tc.body, status, answer, tc.status, id)
		}
	}
}
