// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/http/httptest"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

const samples = "../../config/samples/demo"

func TestConversations(t *testing.T) {
	for _, protocol := range []string{"contract", "flow", "openai"} {
		t.Run(protocol, func(t *testing.T) {
			failed, err := runConversation(t.Context(), flags{resources: samples}, protocol, protocol)
			if err != nil || failed != 0 {
				t.Errorf("%d checks failed, error %v", failed, err)
			}
		})
	}
}

// TestConversationWithAServer plays the conversation with a server that is not one of the demo's own.
func TestConversationWithAServer(t *testing.T) {
	server := standin.NewOpenAI(standin.OpenAIOptions{Keys: []string{"sk-real"}, Models: []string{"small"}})
	listening := httptest.NewServer(server)

	t.Cleanup(listening.Close)
	t.Cleanup(server.Close)

	for _, tc := range []struct {
		name, key, model string
		want             bool
	}{
		{name: "right", key: "sk-real", model: "small", want: true},
		{name: "no model", key: "sk-real"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Setenv("OPENAI_API_KEY", tc.key)

			ok, err := runLive(t.Context(), flags{
				resources: samples,
				openAI:    listening.URL + "/v1",
				model:     tc.model,
			})
			if ok != tc.want || (err != nil) == tc.want {
				t.Errorf("runLive() = %t, %v; want %t", ok, err, tc.want)
			}
		})
	}

	if asked := server.Asked(); len(asked) < 5 {
		t.Errorf("the server was asked %d times, want all of the conversation", len(asked))
	}
}
