// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package examples

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/test/openapi"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/probe"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

const conversationKey = "106540352242922:CO.1349"

var chatwootProgram = program{
	folder:  "desk-chatwoot",
	command: []string{"python3", "desk.py"},
	install: aptGet + "python3",
}

// chatwootDesk is the example between a Chatwoot and a messages API.
type chatwootDesk struct {
	t        *testing.T
	url      string
	chatwoot *standin.Chatwoot
	client   *http.Client
	// calls are the requests to the messages API.
	calls chan string
}

func newChatwootDesk(t *testing.T) *chatwootDesk {
	t.Helper()

	d := &chatwootDesk{
		t:      t,
		client: newClient(t),
		calls:  make(chan string, 10),
	}
	d.chatwoot = standin.NewChatwoot(standin.ChatwootOptions{
		WebhookURL: func() string { return d.url + "/chatwoot/webhook-secret" },
		Client:     d.client,
	})
	chatwoot := httptest.NewServer(d.chatwoot)

	t.Cleanup(chatwoot.Close)
	t.Cleanup(d.chatwoot.Close)

	d.url = chatwootProgram.start(t,
		"DESK_KEY=desk-key",
		"MESSAGES_URL="+d.serveMessages(),
		"MESSAGES_KEY="+messagesKey,
		"CHATWOOT_URL="+chatwoot.URL,
		"CHATWOOT_INBOX="+standin.ChatwootInbox,
		"WEBHOOK_SECRET=webhook-secret",
	)

	return d
}

// serveMessages stands in for the messages API of a receiver, and returns its address.
func (d *chatwootDesk) serveMessages() string {
	document, err := openapi.Load(openapi.ReceiverAPI)
	if err != nil {
		d.t.Fatal(err)
	}

	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			d.t.Error(err)
		}

		w.Header().Set("Content-Type", "application/json")

		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusAccepted)
			fmt.Fprintf(w, `{"id":%q,"state":"stored"}`, eventID)
		} else {
			fmt.Fprintf(w, `{"conversation_key":%q,"handler":"ai","by":"assistant","since":null,"until":null,"reason":null,"window_until":null}`,
				conversationKey)
		}

		path, err := url.PathUnescape(r.URL.EscapedPath())
		if err != nil {
			d.t.Error(err)
		}

		d.calls <- r.Method + " " + path + " " + compact(d.t, body)
	})
	server := httptest.NewServer(document.Observe(handler, openapi.Report{
		Request:  func(err error) { d.t.Error(err) },
		Response: func(err error) { d.t.Error(err) },
	}))

	d.t.Cleanup(server.Close)

	return server.URL
}

// post posts a request as the receiver does, and returns the status of the answer.
func (d *chatwootDesk) post(key, idempotencyKey, body string) int {
	d.t.Helper()

	r, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost, d.url, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}

	r.Header.Set("Authorization", "Bearer "+key)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", idempotencyKey)

	response, err := d.client.Do(r)
	if err != nil {
		d.t.Fatal(err)
	}
	defer response.Body.Close()

	return response.StatusCode
}

func deskRequest(t *testing.T, method, property, value string) string {
	t.Helper()

	body, err := json.Marshal(map[string]any{
		"method":           method,
		"event_id":         eventID,
		"conversation_key": conversationKey,
		"contact_info":     map[string]any{"name": "Ana", "wa_id": nil},
		property:           value,
	})
	if err != nil {
		t.Fatal(err)
	}

	return string(body)
}

func TestAgentsOfChatwootAnswerAndHandBack(t *testing.T) {
	d := newChatwootDesk(t)

	handoff := deskRequest(t, "conversation_handed_off", "reason", "wants a refund")
	message := deskRequest(t, "human_message", "text", "Where is my money?")

	for _, status := range []int{
		d.post("desk-key", "1", handoff),
		d.post("desk-key", "2", message),
		d.post("desk-key", "2", message), // a repetition
	} {
		if status != http.StatusNoContent {
			t.Errorf("a request of the receiver is answered %d, want 204", status)
		}
	}

	breakOff(t, strings.TrimPrefix(d.url, "http://"),
		"POST / HTTP/1.1\r\nHost: desk\r\nAuthorization: Bearer desk-key\r\nIdempotency-Key: 4\r\nContent-Length: 1000\r\n\r\n{\"method\":")

	if status := d.post("another", "3", message); status != http.StatusUnauthorized {
		t.Errorf("another key is answered %d, want 401", status)
	}

	var shown []string
	for _, m := range d.chatwoot.MessageLog.All() {
		shown = append(shown, fmt.Sprintf("%d %s: %s", m.Conversation, m.ContactName, m.Content))
	}

	want := []string{"1 Ana: The AI hands over: wants a refund", "1 Ana: Where is my money?"}
	if diff := cmp.Diff(want, shown); diff != "" {
		t.Errorf("agents see (-want +got):\n%s", diff)
	}

	if status, err := d.chatwoot.AgentWrites(t.Context(), 1, "It is on its way."); status != http.StatusNoContent || err != nil {
		t.Errorf("the message of an agent is answered %d, %v", status, err)
	}

	if status, err := d.chatwoot.Resolve(t.Context(), 1); status != http.StatusNoContent || err != nil {
		t.Errorf("the end of a conversation is answered %d, %v", status, err)
	}

	for _, want := range []string{
		`POST /v1/messages {"conversation_key":"` + conversationKey + `","response":["It is on its way."]}`,
		`PUT /v1/conversations/` + conversationKey + `/handler {"handler":"ai"}`,
	} {
		select {
		case got := <-d.calls:
			if got != want {
				t.Errorf("the messages API gets %s, want %s", got, want)
			}
		case <-t.Context().Done():
			t.Fatalf("the messages API does not get %s", want)
		}
	}
}

// TestChatwootTakesPartInAConversation hands a conversation of a real receiver over to agents, and back.
func TestChatwootTakesPartInAConversation(t *testing.T) {
	r := newReceiver(t)
	r.Config.MessagesAPI = &config.MessagesAPI{Roles: []config.MessagesRole{config.MessagesDesk}}

	var address string

	client := newClient(t)
	agents := standin.NewChatwoot(standin.ChatwootOptions{
		WebhookURL: func() string { return address + "/chatwoot/webhook-secret" },
		Client:     client,
	})
	server := httptest.NewServer(agents)

	t.Cleanup(server.Close)
	t.Cleanup(agents.Close)

	address = chatwootProgram.start(t,
		"DESK_KEY="+folder.HandoffKey,
		"MESSAGES_URL="+checkedProxy(t, openapi.ReceiverAPI, func() string { return r.MessagesAPI("").URL }),
		"MESSAGES_KEY="+folder.DeskKey,
		"CHATWOOT_URL="+server.URL,
		"CHATWOOT_INBOX="+standin.ChatwootInbox,
		"WEBHOOK_SECRET=webhook-secret",
	)
	r.Config.Handoff.URL = checkedWebhook(t, func() string { return address })
	r.start()

	text := func(body string) any { return map[string]string{"body": body} }

	r.reply = func(string, map[string]any) any {
		return map[string]any{"response": "One moment.", "handoff": map[string]any{"reason": "wants a refund"}}
	}
	r.deliver("wamid.1", "text", text("I want my money back"), 1)
	r.waitShown(agents, 1)
	r.deliver("wamid.2", "text", text("Hello?"), 1)
	r.waitShown(agents, 2)

	if status, err := agents.AgentWrites(t.Context(), 1, "It is on its way."); status != http.StatusNoContent || err != nil {
		t.Errorf("the message of an agent is answered %d, %v", status, err)
	}

	r.waitSent(2)

	if status, err := agents.Resolve(t.Context(), 1); status != http.StatusNoContent || err != nil {
		t.Errorf("the end of a conversation is answered %d, %v", status, err)
	}

	r.reply = standin.EchoReply

	var sent []string
	for _, m := range r.deliver("wamid.3", "text", text("Thanks"), 3) {
		sent = append(sent, m.Text)
	}

	want := []string{"One moment.", "It is on its way.", "You said: Thanks"}
	if diff := cmp.Diff(want, sent); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}

	var shown []string
	for _, m := range agents.MessageLog.All() {
		shown = append(shown, m.Content)
	}

	want = []string{"The AI hands over: wants a refund", "Hello?", "It is on its way."}
	if diff := cmp.Diff(want, shown); diff != "" {
		t.Errorf("in Chatwoot (-want +got):\n%s", diff)
	}
}

// waitShown waits until agents see n messages.
func (r *receiver) waitShown(agents *standin.Chatwoot, n int) {
	r.t.Helper()

	if err := probe.WaitFor(r.t.Context(), waitLimit, "messages shown", func() bool {
		return len(agents.MessageLog.All()) >= n
	}); err != nil {
		r.t.Fatal(err)
	}
}
