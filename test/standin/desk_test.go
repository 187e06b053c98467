// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const deskMessage = `{"method":"human_message","event_id":"e1","conversation_key":"1:CO.2","phone_number_id":"1","message_id":"wamid.1","timestamp":"1","text":"hi"}`

func TestDeskRefusesRequests(t *testing.T) {
	desk := NewDesk(DeskOptions{Keys: []string{"key"}})
	address, client := start(t, desk)

	right := []string{"Authorization", "Bearer key", "Idempotency-Key", "k1"}
	handedOff := `{"method":"conversation_handed_off","event_id":"e1","conversation_key":"1:2","phone_number_id":"1"`

	for _, tc := range []struct {
		name, body string
		header     []string
		status     int
	}{
		{name: "message", body: deskMessage, header: right, status: 204},
		{name: "the same again", body: deskMessage, header: right, status: 204},
		{name: "handed off", body: handedOff + `,"reason":"asked"}`, header: []string{"Authorization", "Bearer key", "Idempotency-Key", "k2"}, status: 204},
		{name: "wrong key", body: deskMessage, header: []string{"Authorization", "Bearer other", "Idempotency-Key", "k3"}, status: 401},
		{name: "no Idempotency-Key", body: deskMessage, header: []string{"Authorization", "Bearer key"}, status: 400},
		{name: "no reason", body: handedOff + `}`, header: right, status: 422},
		{name: "a question to an AI", body: `{"method":"process_text_message","event_id":"e1","conversation_key":"1:2"}`, header: right, status: 422},
		{name: "no conversation", body: `{"method":"human_message","event_id":"e1"}`, header: right, status: 422},
		{name: "no JSON", body: `{`, header: right, status: 422},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if status, answer := do(t, client, request(t, http.MethodPost, address, tc.body, tc.header...)); status != tc.status {
				t.Errorf("%d %s, want %d", status, answer, tc.status)
			}
		})
	}

	if status, _ := do(t, client, request(t, http.MethodGet, address, "", right...)); status != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d, want 405", status)
	}

	if asked := desk.Asked(); len(asked) != 2 || asked[0].Method != HumanMessage || asked[1].Method != HandedOff {
		t.Errorf("asked %+v, want the message and the handoff once each", asked)
	}
}

func TestDeskAnswersAndHandsBack(t *testing.T) {
	messages, access := startMessages(t)
	desk := NewDesk(DeskOptions{
		Messages: access,
		Reply:    func(string, map[string]any) any { return Later{Responses: []any{"at once"}} },
	})
	address, client := start(t, desk)

	do(t, client, request(t, http.MethodPost, address, deskMessage, "Authorization", "Bearer key", "Idempotency-Key", "k1"))

	if err := desk.LaterLog.WaitTotal(t.Context(), 1); err != nil {
		t.Fatal(err)
	}

	call := desk.Asked()[0]
	if posted, err := desk.Answer(t.Context(), call, "k", "by hand"); err != nil || posted.Status != http.StatusAccepted {
		t.Errorf("Answer() = %+v, %v", posted, err)
	}

	if err := desk.HandBack(t.Context(), call); err != nil {
		t.Error(err)
	}

	want := []map[string]any{
		{"in_reply_to": "e1", "response": "at once", "final": true},
		{"conversation_key": "1:CO.2", "response": "by hand"},
	}
	if diff := cmp.Diff(want, messages.accepted); diff != "" {
		t.Errorf("posted (-want +got):\n%s", diff)
	}

	if diff := cmp.Diff([]string{"/v1/conversations/" + url.PathEscape("1:CO.2") + "/handler"}, messages.handlers); diff != "" {
		t.Errorf("given back (-want +got):\n%s", diff)
	}
}

func TestDeskWithoutMessagesAPI(t *testing.T) {
	desk := NewDesk(DeskOptions{Reply: func(string, map[string]any) any { return Later{Responses: []any{"x"}} }})
	address, client := start(t, desk)

	status, _ := do(t, client, request(t, http.MethodPost, address, deskMessage, "Authorization", "Bearer key", "Idempotency-Key", "k1"))
	if status != http.StatusInternalServerError {
		t.Errorf("answered %d, want 500", status)
	}

	if _, err := desk.Answer(t.Context(), BirdCall{}, "k", "x"); err == nil {
		t.Error("Answer() returned no error")
	}

	if err := desk.HandBack(t.Context(), BirdCall{}); err == nil {
		t.Error("HandBack() returned no error")
	}
}
