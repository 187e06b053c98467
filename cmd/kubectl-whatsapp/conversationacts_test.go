// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
)

// TestInterruptedErasureIsSaidToContinue presses Ctrl-C while the receiver erases a person, which it does to the end.
func TestInterruptedErasureIsSaidToContinue(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()

	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodDelete {
			interrupt()
			<-r.Context().Done() // the tool has gone

			return
		}

		http.Error(w, "no such conversation", http.StatusNotFound)
	}))
	defer receiver.Close()

	got := runToolUntil(ctx, "conversations", "erase", "ID", "--yes", "--address", receiver.URL)
	if got.code != output.CodeFailed || !strings.Contains(got.err, "and then erases all") {
		t.Errorf("exit code %d, errors %q", got.code, got.err)
	}
}

// TestTakeoverThatIsOver takes a conversation over for so short a time that the AI has it when the receiver answers.
func TestTakeoverThatIsOver(t *testing.T) {
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(consoleapi.Conversation{Person: "…0001", By: "assistant"})
	}))
	defer receiver.Close()

	got := runTool(t, "conversations", "takeover", "ID", "--for", "1s", "--address", receiver.URL)
	if want := "The takeover is over already: the AI has the conversation with …0001.\n"; got.code != output.CodeDone || got.out != want {
		t.Errorf("exit code %d, output %q, want %q", got.code, got.out, want)
	}
}
