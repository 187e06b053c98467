// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestChatwoot(t *testing.T) {
	var events []map[string]any

	webhook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var event map[string]any

		_ = json.NewDecoder(r.Body).Decode(&event)
		events = append(events, event)
	}))
	t.Cleanup(webhook.Close)

	chatwoot := NewChatwoot(ChatwootOptions{WebhookURL: func() string { return webhook.URL }, Client: webhook.Client()})
	url, client := start(t, chatwoot)
	contacts := url + "/public/api/v1/inboxes/" + ChatwootInbox + "/contacts"

	for _, step := range []struct {
		method, url, body string
		status            int
	}{
		{http.MethodPost, contacts, `{"source_id":"s1","name":"Ana"}`, 200},
		{http.MethodPost, contacts, `{"source_id":"s1","name":"Ana"}`, 200},
		{http.MethodPost, contacts, `{"name":"Luis"}`, 200},
		{http.MethodPost, contacts, `{`, 400},
		{http.MethodPost, url + "/public/api/v1/inboxes/other/contacts", `{}`, 404},
		{http.MethodGet, contacts + "/s1", "", 200},
		{http.MethodGet, contacts + "/s2", "", 404},
		{http.MethodPost, contacts + "/s1/conversations", `{}`, 200},
		{http.MethodPost, contacts + "/s2/conversations", `{}`, 404},
		{http.MethodGet, contacts + "/s1/conversations", "", 200},
		{http.MethodPost, contacts + "/s1/conversations/1/messages", `{"content":"hi"}`, 200},
		{http.MethodPost, contacts + "/s1/conversations/2/messages", `{"content":"hi"}`, 404},
		{http.MethodPost, contacts + "/s2/conversations/1/messages", `{"content":"hi"}`, 404},
	} {
		if status, answer := do(t, client, request(t, step.method, step.url, step.body)); status != step.status {
			t.Errorf("%s %s: %d %s, want %d", step.method, step.url, status, answer, step.status)
		}
	}

	if status, err := chatwoot.AgentWrites(t.Context(), 1, "hello"); err != nil || status != http.StatusOK {
		t.Errorf("AgentWrites() = %d, %v", status, err)
	}

	if status, err := chatwoot.Resolve(t.Context(), 1); err != nil || status != http.StatusOK {
		t.Errorf("Resolve() = %d, %v", status, err)
	}

	if _, err := chatwoot.AgentWrites(t.Context(), 5, "hello"); err == nil {
		t.Error("an agent wrote in no conversation")
	}

	want := []ChatwootMessage{
		{SourceID: "s1", ContactName: "Ana", Conversation: 1, Content: "hi"},
		{SourceID: "s1", ContactName: "Ana", Conversation: 1, Content: "hello", Agent: true},
	}
	if diff := cmp.Diff(want, chatwoot.MessageLog.All()); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}

	if len(events) != 2 || events[0]["event"] != "message_created" || events[1]["event"] != "conversation_status_changed" {
		t.Fatalf("webhook got %v", events)
	}

	conversation, _ := events[0]["conversation"].(map[string]any)
	inbox, _ := conversation["contact_inbox"].(map[string]any)

	if inbox["source_id"] != "s1" || events[1]["status"] != "resolved" {
		t.Errorf("webhook got %v", events)
	}
}
