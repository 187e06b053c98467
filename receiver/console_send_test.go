// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// TestPeopleAnswerAtTheConsole sends a text from the console: the person gets it once, and the AI stays silent from then on.
func TestPeopleAnswerAtTheConsole(t *testing.T) {
	h := newHarness(t, withoutTyping)
	log := &logBuffer{}
	h.log = log

	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
	h.waitSent(1)

	path := "/v1/conversations/" + number + ":" + ana

	for range 2 {
		h.send(http.StatusAccepted, path, `{"text":"A colleague here"}`, "key-1")
	}

	if sent := h.waitSent(2); len(sent) != 2 || !strings.Contains(string(sent[1].Raw), "A colleague here") {
		t.Errorf("the person got %d messages, want the answer of the AI and that of the colleague", len(sent))
	}

	var conversation consoleapi.Conversation
	h.console(http.StatusOK, http.MethodGet, path, &conversation)

	if !conversation.TakenOver || conversation.By != "desk" {
		t.Errorf("the conversation is %+v, want that people have it", conversation)
	}

	h.deliver(http.StatusOK, textDelivery(ana, "wamid.2", "thank you"))
	h.waitIdle()

	if sent := h.Graph.Sent(); len(sent) != 2 {
		t.Errorf("the AI answered while people have the conversation: %d messages", len(sent))
	}

	if text := log.String(); !strings.Contains(text, "act=send") || strings.Contains(text, "colleague here") {
		t.Errorf("the log is %q, want an audit line without the text", text)
	}

	h.send(http.StatusBadRequest, path, `{"text":" "}`, "key-2")
	h.send(http.StatusConflict, path, `{"text":"Other words"}`, "key-1")
	h.clock.Advance(whatsapp.ServiceWindow + time.Minute)
	h.send(http.StatusUnprocessableEntity, path, `{"text":"Too late"}`, "key-3")
}

// TestTheTextOfAColleagueIsSentAsItIs sends marks of WhatsApp's, which an AI would mean as Markdown.
func TestTheTextOfAColleagueIsSentAsItIs(t *testing.T) {
	h := newHarness(t, withoutTyping)
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
	h.waitSent(1)

	h.send(http.StatusAccepted, "/v1/conversations/"+number+":"+ana, `{"text":"*Listo*, ~5~ 4:\n# 1\n1. a\n1. b"}`, "key-1")

	if got, want := h.waitSent(2)[1].Text, "*Listo*, ~5~ 4:\n# 1\n1. a\n1. b"; got != want {
		t.Errorf("the person got %q, want %q", got, want)
	}
}

// send sends a text to a person from the console. A repetition is answered 200 in place of 202.
func (h *harness) send(status int, path, body, key string) {
	h.t.Helper()

	request, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, "http://"+h.Local.ConsoleAddr()+path+"/messages", strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}

	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", key)

	response, err := h.client.Do(request)
	if err != nil {
		h.t.Fatal(err)
	}
	defer response.Body.Close()

	if got := response.StatusCode; got != status && (status != http.StatusAccepted || got != http.StatusOK) {
		h.t.Errorf("POST %s = %d, want %d", body, got, status)
	}
}
