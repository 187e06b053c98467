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

// closer is a stand-in.
type closer interface {
	http.Handler
	Close()
}

// start serves a stand-in and returns its URL and a client whose connections end with the test.
func start(t testing.TB, handler closer) (string, *http.Client) {
	t.Helper()

	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	t.Cleanup(handler.Close)

	client := server.Client()
	t.Cleanup(client.CloseIdleConnections)

	return server.URL, client
}

// request makes a request; header is pairs of name and value.
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

// do returns the status and body of an answer, which must come.
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

// errorCode is the code of a Graph error, 0 where there is none.
func errorCode(t testing.TB, body string) int {
	t.Helper()

	var decoded struct{ Error struct{ Code int } }
	if err := json.Unmarshal([]byte(body), &decoded); err != nil {
		t.Fatalf("%q: %v", body, err)
	}

	return decoded.Error.Code
}
