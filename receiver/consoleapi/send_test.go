// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consoleapi

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestLongTexts sends the longest texts that a page of the console takes, in the characters that JSON escapes, and one that is
// longer, which is refused with the reason.
func TestLongTexts(t *testing.T) {
	for name, c := range map[string]struct {
		text   string
		status int
		reason string
	}{
		"Chinese":             {strings.Repeat("好", 16_000), http.StatusAccepted, ""},
		"escaped by JSON":     {strings.Repeat("<", 16_000), http.StatusAccepted, ""},
		"longer than allowed": {strings.Repeat("好", 100_000), http.StatusRequestEntityTooLarge, "the text is too long"},
	} {
		t.Run(name, func(t *testing.T) {
			console := newTestConsole(t, &fakeStore{})

			body, err := json.Marshal(map[string]string{"text": c.text})
			if err != nil {
				t.Fatal(err)
			}

			r := httptest.NewRequest(http.MethodPost, "http://localhost:9091/v1/conversations/42:5730010001/messages", strings.NewReader(string(body)))
			r.Header.Set("Content-Type", "application/json")

			w := httptest.NewRecorder()
			console.http.ServeHTTP(w, r)

			document, err := document()
			if err != nil {
				t.Fatal(err)
			}

			if err := document.CheckResponse(r, w.Code, w.Header(), w.Body.Bytes()); err != nil {
				t.Error(err)
			}

			if w.Code != c.status || !strings.Contains(w.Body.String(), c.reason) {
				t.Errorf("the answer is %d %s, want %d with %q", w.Code, w.Body, c.status, c.reason)
			}

			if isSent := len(console.sent) == 1 && console.sent[0] == c.text; isSent != (c.status == http.StatusAccepted) {
				t.Errorf("%d texts are sent, the whole one: %t", len(console.sent), isSent)
			}
		})
	}
}
