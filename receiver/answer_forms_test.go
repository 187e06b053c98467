// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// TestAnswersInTheFormsOfOtherPrograms has the AI answer as n8n, Dify, Rasa and servers of models do.
func TestAnswersInTheFormsOfOtherPrograms(t *testing.T) {
	answers := map[string]string{
		"n8n":    `[{"output":"We open at ten."}]`,
		"Dify":   `{"event":"message","answer":"We open at ten.","conversation_id":"c"}`,
		"Rasa":   `[{"recipient_id":"1","text":"We open at ten."}]`,
		"model":  `{"choices":[{"message":{"role":"assistant","content":"We open at ten."}}]}`,
		"bridge": `{"success":true,"message":"ok","reply":"We open at ten."}`,
	}

	h := newHarness(t, withoutTyping)
	h.reply = func(_ string, request map[string]any) any {
		return json.RawMessage(answers[request["text"].(string)])
	}
	h.start()

	sent := 0
	for program := range answers {
		h.deliver(http.StatusOK, textDelivery(ana, "wamid."+program, program))

		sent++
		if text := h.waitSent(sent)[sent-1].Text; text != "We open at ten." {
			t.Errorf("%s: sent %q", program, text)
		}
	}
}

func TestTheAINamesAConversation(t *testing.T) {
	ids := []any{"c-1", nil, 42, strings.Repeat("x", 300), ""}

	h := newHarness(t, withoutTyping)
	h.malformed = true // by the long id
	h.reply = func(_ string, request map[string]any) any {
		answer := map[string]any{"response": "hi", "conversation_id": ids[0]}
		ids = ids[1:]

		if request["text"] == "nothing" {
			answer["response"] = nil
		}

		return answer
	}
	h.start()

	for i, text := range []string{"nothing", "b", "c", "d", "e"} {
		h.deliver(http.StatusOK, textDelivery(ana, "wamid."+text, text))
		h.waitFor("the answer", func() bool { return len(h.birdRequests()) == i+1 })
		h.waitIdle()
	}

	h.reply = standin.EchoReply
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.f", "f"))
	h.deliver(http.StatusOK, textDelivery(luis, "wamid.g", "g"))
	h.waitIdle()

	var got []any
	for _, request := range h.birdRequests() {
		got = append(got, request.Payload["conversation_id"])
	}

	if diff := cmp.Diff([]any{nil, "c-1", "c-1", "42", "42", nil, nil}, got); diff != "" {
		t.Errorf("conversation_id of the requests (-want +got):\n%s", diff)
	}
}

func TestEmptyAnswers(t *testing.T) {
	for name, tc := range map[string]struct {
		setting config.EmptyAnswer
		answer  standin.Answer
		state   store.State
		code    string
		count   string
	}{
		"no reply":               {config.EmptyNoReply, standin.Answer{Status: http.StatusOK}, store.Done, "", "1"},
		"204":                    {config.EmptyNoReply, standin.Answer{Status: http.StatusNoContent}, store.Done, "", "1"},
		"a receipt":              {config.EmptyNoReply, standin.Answer{Body: json.RawMessage(`{"message":"Workflow was started"}`)}, store.Done, "", "1"},
		"a failure":              {config.EmptyFail, standin.Answer{Status: http.StatusOK}, store.Dead, assistant.CodeBadResponse, "1"},
		"a text that is empty":   {config.EmptyFail, standin.Answer{Body: json.RawMessage(`{"response":""}`)}, store.Dead, assistant.CodeBadResponse, "1"},
		"a key that is null":     {config.EmptyNoReply, standin.Answer{Body: json.RawMessage(`{"answer":null}`)}, store.Done, "", "1"},
		"null is an answer":      {config.EmptyFail, standin.Answer{Body: json.RawMessage(`{"response":null}`)}, store.Done, "", "0"},
		"an empty object is not": {config.EmptyNoReply, standin.Answer{Body: json.RawMessage(`{}`)}, store.Dead, assistant.CodeBadResponse, "0"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, func(c *config.Config) {
				withoutTyping(c)
				c.Bird.EmptyAnswer = tc.setting
			})
			h.reply = func(string, map[string]any) any { return tc.answer }
			h.malformed = tc.state == store.Dead
			h.start()
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hola"))
			h.waitFor("the end", func() bool { return len(h.birdRequests()) > 0 })
			h.waitIdle()

			record := h.record("wamid.1")
			if record.Event.State != tc.state {
				t.Errorf("state = %s, want %s", record.Event.State, tc.state)
			}

			if tc.code != "" && (len(record.Failures) == 0 || record.Failures[len(record.Failures)-1].Code != tc.code) {
				t.Errorf("failures = %+v, want %s", record.Failures, tc.code)
			}

			if n := len(h.Graph.Sent()); n != 0 {
				t.Errorf("%d messages were sent", n)
			}

			series := "whatsapp_ai_empty_answers_total " + tc.count + "\n"
			if _, page := h.adminPage("/metrics"); !strings.Contains(page, series) {
				t.Errorf("metrics lack %q", series)
			}
		})
	}
}

// TestEmptyAnswersToChanges has the AI answer nothing to an edit and a revocation, for which the person waits for no answer,
// whatever an empty answer to a question means.
func TestEmptyAnswersToChanges(t *testing.T) {
	for _, setting := range []config.EmptyAnswer{config.EmptyFail, config.EmptyLater} {
		t.Run(string(setting), func(t *testing.T) {
			h := newHarness(t, func(c *config.Config) {
				withoutTyping(c)
				withMessagesAPI(c)
				c.Bird.EmptyAnswer = setting
				c.Processing.FallbackText = "Sorry."
			})
			h.reply = func(method string, request map[string]any) any {
				if method == "process_text_message" {
					return standin.EchoReply(method, request)
				}

				return map[string]any{"response": ""}
			}
			h.start()
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "send 100 boxes"))
			h.waitSent(1)
			h.waitIdle()
			h.deliver(http.StatusOK, editDelivery("wamid.edit", "wamid.1", "send 10 boxes"))
			h.waitIdle()
			h.deliver(http.StatusOK, revokeDelivery("wamid.revoke", "wamid.1"))
			h.waitIdle()

			if n := len(h.birdRequests()); n != 3 {
				t.Errorf("%d requests, want those about the text, the edit and the revocation", n)
			}

			want := map[string]store.State{"wamid.edit": store.Done, "wamid.revoke": store.Done}
			if diff := cmp.Diff(want, h.states("wamid.edit", "wamid.revoke")); diff != "" {
				t.Errorf("states (-want +got):\n%s", diff)
			}

			if diff := cmp.Diff([]string{"You said: send 100 boxes"}, sentTexts(h.Graph.Sent())); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}

			if _, page := h.adminPage("/metrics"); !strings.Contains(page, "whatsapp_ai_empty_answers_total 2\n") {
				t.Error("the empty answers are not counted")
			}
		})
	}
}
