// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// addresses is the log of run; it sends the address of each stand-in to found.
type addresses struct {
	mu    sync.Mutex
	found chan [2]string
}

func (a *addresses) Write(line []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()

	var entry struct{ Standin, Address string }
	if err := json.Unmarshal(line, &entry); err == nil && entry.Address != "" {
		a.found <- [2]string{entry.Standin, entry.Address}
	}

	return len(line), nil
}

func TestRunServesUntilCanceled(t *testing.T) {
	found := &addresses{found: make(chan [2]string, 7)}
	ctx, cancel := context.WithCancel(t.Context())

	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{
			"-graph-listen", "127.0.0.1:0",
			"-bird-listen", "127.0.0.1:0",
			"-meta-listen", "127.0.0.1:0",
			"-flow-listen", "127.0.0.1:0",
			"-openai-listen", "127.0.0.1:0",
			"-desk-listen", "127.0.0.1:0",
			"-chatwoot-listen", "127.0.0.1:0",
			"-flow-keys", "b",
			"-openai-models", "small",
			"-messages-url", "http://127.0.0.1:1",
			"-access-tokens", "a, b",
			"-callback-url", "http://127.0.0.1:1/",
			"-app-secret", "s",
		}, slog.New(slog.NewJSONHandler(found, nil)))
	}()

	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	call := func(method, url, body string) (int, error) {
		r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
		if err != nil {
			return 0, err
		}

		r.Header.Set("Authorization", "Bearer b")
		r.Header.Set("Content-Type", "application/json")

		response, err := client.Do(r)
		if err != nil {
			return 0, err
		}

		defer func() { _ = response.Body.Close() }()

		_, err = io.Copy(io.Discard, response.Body)

		return response.StatusCode, err
	}

	at := map[string]string{}
	for range 7 {
		pair := <-found.found
		at[pair[0]] = "http://" + pair[1]
	}

	contacts := "/public/api/v1/inboxes/" + standin.ChatwootInbox + "/contacts"

	for url, body := range map[string]string{
		at["graph"] + "/v27.0/1/messages":     `{"messaging_product":"whatsapp","to":"573001234567","text":{"body":"hi"}}`,
		at["bird"] + "/v1/messages/text":      `{"method":"process_text_message","text":"hi"}`,
		at["flow"] + standin.FlowPath:         `{"method":"process_text_message","text":"hi"}`,
		at["openai"] + "/v1/chat/completions": `{"model":"small","messages":[{"role":"user","content":"hi"}]}`,
		at["chatwoot"] + contacts:             `{"name":"Ana"}`,
	} {
		if status, err := call(http.MethodPost, url, body); err != nil || status != http.StatusOK {
			t.Errorf("POST %s: %d, %v", url, status, err)
		}
	}

	if status, err := call(http.MethodPost, at["desk"], "{}"); err != nil || status != http.StatusBadRequest {
		t.Errorf("POST without an Idempotency-Key to the desk: %d, %v", status, err)
	}

	if status, err := call(http.MethodGet, at["meta"]+"/_standin/load", ""); err != nil || status != http.StatusOK {
		t.Errorf("GET load: %d, %v", status, err)
	}

	status, err := call(http.MethodPost, at["bird"]+"/_standin/faults", `{"hang":true}`)
	if err != nil || status != http.StatusCreated {
		t.Fatalf("adding a fault: %d, %v", status, err)
	}

	hung := make(chan error, 1)
	go func() {
		_, err := call(http.MethodPost, at["bird"]+"/v1/messages/text", `{}`)
		hung <- err
	}()

	cancel()

	if err := <-ended; err != nil {
		t.Errorf("run: %v", err)
	}

	if <-hung == nil {
		t.Error("the hung call was answered")
	}
}

func TestRunRejectsInvalidArguments(t *testing.T) {
	for _, tc := range []struct {
		args string
		want string
	}{
		{"-nothing", "not defined"},
		{"serve", "unexpected argument"},
		{"-graph-listen= -bird-listen=", "nothing to serve"},
		{"-callback-url=http://x", "-app-secret"},
		{"-graph-listen=127.0.0.1:0 -bird-listen=256.0.0.1:x", "listening for bird"},
	} {
		var output bytes.Buffer

		err := run(t.Context(), strings.Fields(tc.args), slog.New(slog.NewTextHandler(&output, nil)))
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", tc.args, err, tc.want)
		}
	}
}
