// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/bridgetest"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
)

// newBridge starts a bridge with the key "secret" that answers all with one text, and returns its address.
func newBridge(t *testing.T, response string) string {
	t.Helper()

	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "AccessKey secret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}

		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(response))
	}))
	t.Cleanup(server.Close)

	return server.URL
}

func TestBridgeTest(t *testing.T) {
	junit := filepath.Join(t.TempDir(), "report.xml")
	good := newBridge(t, `{"response":"hola"}`)

	got := runTool(t, "bridge", "test", good, "--key", "secret", "--method", "location", "--junit", junit)
	if got.code != output.CodeDone || !strings.Contains(got.out, "The bridge passes") {
		t.Errorf("a good bridge: exit code %d, output %s%s", got.code, got.out, got.err)
	}

	if written, err := os.ReadFile(junit); err != nil || !strings.Contains(string(written), `name="process_location_message"`) {
		t.Errorf("JUnit report: %v\n%s", err, written)
	}

	bad := newBridge(t, `{"response":{"type":"poll"}}`)

	got = runTool(t, "bridge", "test", bad, "--key", "secret", "--method", "process_location_message")
	for _, want := range []string{"failure  process_location_message", "found:   ", "fix:     ", "request: POST /v1/messages/location", "answer:  HTTP 200"} {
		if got.code != output.CodeFailed || !strings.Contains(got.out, want) {
			t.Errorf("a bad bridge: exit code %d, output without %q: %s%s", got.code, want, got.out, got.err)
		}
	}

	got = runTool(t, "bridge", "test", "http://127.0.0.1:1", "--method", "location")
	if want := "found:   the connection to the bridge failed\n"; got.code != output.CodeFailed || !strings.Contains(got.out, want) {
		t.Errorf("no bridge: exit code %d, output without %q: %s%s", got.code, want, got.out, got.err)
	}

	got = runTool(t, "bridge", "test", bad, "--key", "secret", "--method", "location", "-o", "json")

	var report bridgetest.Report
	if err := json.Unmarshal([]byte(got.out), &report); err != nil || report.Passed || report.Failures == 0 {
		t.Errorf("as JSON: %v, report %+v", err, report)
	}

	if strings.Contains(got.out, "secret") {
		t.Errorf("the report has the key: %s", got.out)
	}
}

func TestBridgeTestTakesTheKeyFromTheEnvironment(t *testing.T) {
	t.Setenv("BRIDGE_KEY", "secret")

	if got := runTool(t, "bridge", "test", newBridge(t, `{"response":"hola"}`), "--method", "location"); got.code != output.CodeDone {
		t.Errorf("exit code %d, output %s%s", got.code, got.out, got.err)
	}

	if got := runTool(t, "bridge", "test", "--help"); strings.Contains(got.out, "secret)") || strings.Contains(got.out, `"secret"`) {
		t.Errorf("the help shows the key: %s", got.out)
	}
}

func TestBridgeTestRefusesWrongUsage(t *testing.T) {
	for args, want := range map[string]string{
		"localhost:8080":                                     "An address looks like",
		"http://localhost:1 --method poll":                   "process_text_message",
		"http://localhost:1 --auth-scheme None":              "--flow",
		"http://localhost:1 --signature-header X-Signature":  "--flow",
		"http://localhost:1 --flow --signature-header X-Sig": "--signing-key",
		"http://localhost:1 --later-url http://127.0.0.1:1":  "--later-key",
		"http://localhost:1 --ca /does/not/exist":            "--ca",
		"http://localhost:1 --ca bridge_test.go":             "Give a PEM file with --ca.",
	} {
		got := runTool(t, append([]string{"bridge", "test"}, strings.Fields(args)...)...)
		if got.code != output.CodeUsage || !strings.Contains(got.err, want) {
			t.Errorf("bridge test %s: exit code %d, errors %q, want 2 and %q", args, got.code, got.err, want)
		}
	}
}
