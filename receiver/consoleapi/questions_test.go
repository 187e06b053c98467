// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consoleapi

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/questions"
)

// watch opens a stream of questions, and returns a function that reads a line, after the first, and one that ends it.
func watch(t *testing.T, address string) (next func() questions.Line, stop func()) {
	t.Helper()

	ctx, cancel := context.WithCancel(t.Context())

	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}

	transport := &http.Transport{}

	response, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}

	if response.StatusCode != http.StatusOK {
		t.Fatalf("HTTP %d", response.StatusCode)
	}

	lines := bufio.NewScanner(response.Body)
	next = func() questions.Line {
		t.Helper()

		if !lines.Scan() {
			t.Fatalf("the stream ended: %v", lines.Err())
		}

		var line questions.Line
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatal(err)
		}

		return line
	}

	if line := next(); line.Kind != questions.KindPing {
		t.Errorf("the first line is %+v", line)
	}

	return next, func() {
		cancel()
		response.Body.Close()
		transport.CloseIdleConnections()
	}
}

func TestQuestions(t *testing.T) {
	c := newTestConsole(t, openStore(t))

	server := httptest.NewServer(c.http)
	defer server.Close()

	masked, stopMasked := watch(t, server.URL+"/v1/questions")
	defer stopMasked()

	if logged := c.log.String(); logged != "" {
		t.Errorf("listening without persons is logged: %s", logged)
	}

	revealed, stopRevealed := watch(t, server.URL+"/v1/questions?reveal=true")
	defer stopRevealed()

	// Before the first question.
	if logged := c.log.String(); !strings.Contains(logged, "act=reveal") || !strings.Contains(logged, "path=/questions") || !strings.Contains(logged, "actor=unknown") {
		t.Errorf("log = %s", logged)
	}

	c.questions.Asked(assistant.Asked{Request: assistant.Request{
		Method: assistant.ProcessText,
		Body:   assistant.TextMessage{Text: "hola", Common: assistant.Common{ConversationKey: "42:573001234567"}},
		Text:   "hola",
	}})

	if line := masked(); line.Question == nil || line.Question.Text != "[4 characters]" || line.Question.Conversation == "" {
		t.Errorf("masked line = %+v", line)
	}

	if line := revealed(); line.Question == nil || line.Question.Text != "hola" {
		t.Errorf("revealed line = %+v", line)
	}

	_, stopThird := watch(t, server.URL+"/v1/questions")
	defer stopThird()

	_, stopFourth := watch(t, server.URL+"/v1/questions")
	defer stopFourth()

	if status, body := c.call(http.MethodGet, "/v1/questions"); status != http.StatusTooManyRequests {
		t.Errorf("a fifth listener is answered %d %s, want 429", status, body)
	}

	c.questions.Close()

	if status, body := c.call(http.MethodGet, "/v1/questions"); status != http.StatusServiceUnavailable {
		t.Errorf("a listener at the end is answered %d %s, want 503", status, body)
	}
}
