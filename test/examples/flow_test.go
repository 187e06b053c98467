// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package examples

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/test/openapi"
)

// readExample returns the object of a file of examples/flow.
func readExample(t *testing.T, file string) map[string]any {
	t.Helper()

	raw, err := os.ReadFile(filepath.Join("..", "..", "examples", "flow", file))
	if err != nil {
		t.Fatal(err)
	}

	var object map[string]any
	if err := json.Unmarshal(raw, &object); err != nil {
		t.Fatalf("%s: %v", file, err)
	}

	return object
}

// TestTheFilesOfTheFlowAreReal compares them with what a receiver posts to a Flow, and with what a person gets.
func TestTheFilesOfTheFlowAreReal(t *testing.T) {
	document, err := openapi.Load(openapi.BirdBridge)
	if err != nil {
		t.Fatal(err)
	}

	request := readExample(t, "request.json")
	response := readExample(t, "response.json")

	r := newReceiver(t)
	r.reply = func(string, map[string]any) any { return response }
	r.Config.Bird.Protocol = config.ProtocolFlow
	r.Config.Bird.AuthScheme = config.AuthBearer
	r.Config = r.ConnectAI(r.Config)
	r.WrapFlow(func(next http.Handler) http.Handler {
		return document.Webhook("flow").Observe(next, openapi.Report{
			Request:  func(err error) { t.Error(err) },
			Response: func(err error) { t.Error(err) },
		})
	})
	r.start()

	sent := r.deliver("wamid.1", "text", map[string]any{"body": request["text"]}, 1)
	if sent[0].Text != response["response"] {
		t.Errorf("sent %q, want %q", sent[0].Text, response["response"])
	}

	got := r.Flow.Asked()[0].Payload
	if diff := cmp.Diff(keys(request), keys(got)); diff != "" {
		t.Errorf("properties (-file +posted):\n%s", diff)
	}

	for _, key := range []string{
		"method",
		"text",
		"schema_version",
		"channel",
		"phone_number_id",
		"waba_id",
		"display_phone_number",
		"from",
		"contact_info",
		"conversation_key",
	} {
		if diff := cmp.Diff(request[key], got[key]); diff != "" {
			t.Errorf("%s (-file +posted):\n%s", key, diff)
		}
	}
}

func keys(object map[string]any) []string { return slices.Sorted(maps.Keys(object)) }
