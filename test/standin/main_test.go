// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// standIn is a Graph, a Bird or a countingHandler.
type standIn interface {
	http.Handler
	Close()
}

// start serves a stand-in until the test ends. It returns its URL and a client whose connections are closed then.
func start(t testing.TB, handler standIn) (string, *http.Client) {
	t.Helper()

	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	t.Cleanup(handler.Close)

	client := server.Client()
	t.Cleanup(client.CloseIdleConnections)

	return server.URL, client
}

// request builds a request; header is a list of names and values.
func request(t testing.TB, method, url, body string, header ...string) *http.Request {
	t.Helper()

	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}

	if strings.HasPrefix(body, "{") {
		r.Header.Set("Content-Type", "application/json")
	}

	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}

	return r
}

// do sends a request and returns the status and body of the answer.
func do(t testing.TB, client *http.Client, r *http.Request) (int, string) {
	t.Helper()

	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}

	defer func() { _ = response.Body.Close() }()

	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}

	return response.StatusCode, string(body)
}

// object decodes a JSON object.
func object(t testing.TB, body string) map[string]any {
	t.Helper()

	var decoded map[string]any
	if err := json.Unmarshal([]byte(body), &decoded); err != nil {
		t.Fatalf("%q: %v", body, err)
	}

	return decoded
}

// errorCode returns the code of a Graph error, or 0.
func errorCode(t testing.TB, body string) int {
	t.Helper()

	var decoded struct{ Error struct{ Code int } }
	if err := json.Unmarshal([]byte(body), &decoded); err != nil {
		t.Fatalf("%q: %v", body, err)
	}

	return decoded.Error.Code
}
