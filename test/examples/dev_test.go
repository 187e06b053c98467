// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package examples

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/dev"
)

// TestBridgesAnswerInTheChat starts each bridge as its README says, without a key, and writes to it through the command dev.
func TestBridgesAnswerInTheChat(t *testing.T) {
	for name, bridge := range bridges(t) {
		t.Run(name, func(t *testing.T) {
			server, err := dev.Open(t.Context(), dev.Options{AI: dev.AIOptions{
				Kind: dev.KindBridge,
				URL:  bridge.start(t, "BRIDGE_KEY="),
			}})
			if err != nil {
				t.Fatal(err)
			}

			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error, 1)

			go func() { ended <- server.Run(ctx) }()

			t.Cleanup(func() {
				stop()

				if err := <-ended; err != nil {
					t.Error(err)
				}

				if err := server.Close(); err != nil {
					t.Error(err)
				}
			})

			client := &http.Client{Timeout: waitLimit}
			defer client.CloseIdleConnections()

			const hello = `{"type":"text","text":"hello"}`

			response, err := client.Post(server.URL()+"/api/messages", "application/json", strings.NewReader(hello))
			if err != nil {
				t.Fatal(err)
			}

			_ = response.Body.Close()

			for deadline := time.Now().Add(waitLimit); ; time.Sleep(10 * time.Millisecond) {
				if answer := answerOf(t, client, server.URL()); answer == "You wrote: hello" {
					return
				} else if answer != "" || time.Now().After(deadline) {
					t.Fatalf("the chat shows %q", answer)
				}
			}
		})
	}
}

// answerOf returns the text of the first message of the business.
func answerOf(t *testing.T, client *http.Client, address string) string {
	t.Helper()

	response, err := client.Get(address + "/api/state")
	if err != nil {
		t.Fatal(err)
	}

	defer func() { _ = response.Body.Close() }()

	var state dev.State
	if err := json.NewDecoder(response.Body).Decode(&state); err != nil {
		t.Fatal(err)
	}

	for _, m := range state.Messages {
		if m.From == dev.FromBusiness {
			return m.Text
		}
	}

	return ""
}
