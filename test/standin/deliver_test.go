// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"io"
	"net/http"
	"testing"
)

// TestSign compares signatures with values from another implementation of HMAC-SHA256.
func TestSign(t *testing.T) {
	for body, want := range map[string]string{
		`{"object":"whatsapp_business_account","entry":[]}`: "sha256=dec6a680679a968e7e0319355b23599cbfc54502c0784668e9618baa0c633756",
		`{"t":"caf\u00e9"}`: "sha256=4ea6a0b98c398d90012c91879a402e35f5fb380bf29a0730c5624a620e8be966",
	} {
		if got := Sign("test_app_secret", []byte(body)); got != want {
			t.Errorf("Sign(%s) = %s, want %s", body, got, want)
		}
	}
}

// newInbox returns a webhook that verifies signatures and records bodies as its effects.
func newInbox() *countingHandler {
	s := &countingHandler{
		Front:   NewFront(NewRecorder(100), 1<<20),
		effects: newLog(100, func(string) int { return 0 }),
	}
	s.Handler = s.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Header.Get("X-Hub-Signature-256") != Sign("s", body) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}

		s.effects.add(string(body))

		_, _ = io.WriteString(w, "accepted")
	}))

	return s
}

func TestDeliver(t *testing.T) {
	hook := newInbox()

	url, client := start(t, hook)
	for secret, want := range map[string]int{"s": 200, "other": 401} {
		status, _, err := Deliver(t.Context(), client, url, secret, []byte(`{}`))
		if err != nil || status != want {
			t.Errorf("signed with %q: %d, %v, want %d", secret, status, err, want)
		}
	}

	hook.Faults.Add(Fault{Cut: CutMidBody})

	if status, _, err := Deliver(t.Context(), client, url, "s", []byte(`{}`)); err == nil || status != 200 {
		t.Errorf("cut answer: %d, %v, want 200 and an error", status, err)
	}

	if _, _, err := Handshake(t.Context(), client, "http://\x00", "v", "1"); err == nil {
		t.Error("no error for an invalid URL")
	}
}
