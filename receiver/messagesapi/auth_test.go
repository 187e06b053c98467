// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package messagesapi

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/outbound"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/signature"
)

const (
	toAna      = `{"conversation_key":"106540352242922:573001234567","response":"hi"}`
	toAnaAsTwo = `{"conversation_key":"106540352242922:573001234567","response":"hi","handler":"human"}` // by a desk only
)

func TestKeys(t *testing.T) {
	f := newFixture(t, func(_ *config.Config, s *config.Secrets) {
		s.AssistantKeys = []string{"old", assistantKey}
		s.DeskKeys = []string{deskKey, "next"}
	})
	f.receive(ana, "wamid.1")

	for name, c := range map[string]struct {
		authorization string
		status        int
		byDesk        int
	}{
		"an assistant's":     {"Bearer " + assistantKey, 202, 403},
		"with two spaces":    {"Bearer  " + assistantKey, 202, 403},
		"an older one":       {"Bearer old", 202, 403},
		"a desk's":           {"Bearer " + deskKey, 202, 202},
		"a desk's next":      {"Bearer next", 202, 202},
		"a wrong one":        {"Bearer guess", 401, 401},
		"none":               {"", 401, 401},
		"an empty one":       {"Bearer ", 401, 401},
		"the end of one":     {"Bearer ld", 401, 401},
		"of another scheme":  {"Basic old", 401, 401},
		"without its scheme": {"old", 401, 401},
	} {
		for body, want := range map[string]int{toAna: c.status, toAnaAsTwo: c.byDesk} {
			got := f.call(deskKey, http.MethodPost, "/v1/messages", body, "Authorization", c.authorization)
			if got.status != want {
				t.Errorf("%s: answered %d %s, want %d", name, got.status, got.raw, want)
			}

			if got.status == 401 && (got.code() != "unauthorized" || got.header.Get("Www-Authenticate") == "") {
				t.Errorf("%s: answered %s with %v, want unauthorized and a challenge", name, got.raw, got.header)
			}

			f.call(deskKey, http.MethodPut, "/v1/conversations/106540352242922:573001234567/handler", `{"handler":"ai"}`)
		}
	}
}

// TestSchemeInLowerCase follows RFC 9110: the case of a scheme means nothing.
func TestSchemeInLowerCase(t *testing.T) {
	role, found := bearer(http.Header{"Authorization": {"bearer k"}}, []credential{{outbound.Desk, "k"}})
	if !found || role != outbound.Desk {
		t.Errorf("bearer() = %q, %t, want the desk", role, found)
	}
}

func TestSignedRequests(t *testing.T) {
	const path = "/v1/messages"

	f := newFixture(t, nil)
	f.receive(ana, "wamid.1")

	sign := func(key, id, body string, at time.Time) *http.Request {
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
		if err := signature.NewKey(key).Sign(r.Header, id, at, []byte(body)); err != nil {
			t.Fatal(err)
		}

		return r
	}

	first := f.serve(sign(assistantKey, "1", toAna, now))
	f.want(first, http.StatusAccepted, "")

	// The webhook-id takes the place of the Idempotency-Key, which the signature does not cover.
	again := sign(assistantKey, "1", toAna, now.Add(time.Minute))
	again.Header.Set("Idempotency-Key", "another")
	f.want(f.serve(again), http.StatusOK, "")

	f.want(f.serve(sign(assistantKey, "1", toAna+" ", now)), http.StatusConflict, "idempotency_key_reused")
	f.want(f.serve(sign(assistantKey, "2", toAnaAsTwo, now)), http.StatusForbidden, "desk_only")
	f.want(f.serve(sign(deskKey, "3", toAnaAsTwo, now)), http.StatusAccepted, "")
	f.want(f.serve(sign("guess", "4", toAna, now)), http.StatusUnauthorized, "unauthorized")
	f.want(f.serve(sign(assistantKey, "5", toAna, now.Add(-6*time.Minute))), http.StatusUnauthorized, "unauthorized")
	f.want(f.serve(sign(assistantKey, "6", toAna, now.Add(6*time.Minute))), http.StatusUnauthorized, "unauthorized")

	changed := sign(assistantKey, "7", toAna, now)
	changed.Header.Set("Webhook-Id", "8")
	f.want(f.serve(changed), http.StatusUnauthorized, "unauthorized")

	// A wrong token is not made good by a right signature.
	both := sign(assistantKey, "9", toAna, now)
	both.Header.Set("Authorization", "Bearer guess")
	f.want(f.serve(both), http.StatusUnauthorized, "unauthorized")
}

func TestMissingKeys(t *testing.T) {
	f := newFixture(t, func(_ *config.Config, s *config.Secrets) {
		s.AssistantKeys = nil
		s.DeskKeys = nil
	})

	got := f.send(toAna)
	f.want(got, http.StatusServiceUnavailable, "unavailable")

	if !strings.Contains(got.raw, "messages-assistant-key or messages-desk-key") || got.header.Get("Retry-After") == "" {
		t.Errorf("answered %s with %v, want the names of the secrets and Retry-After", got.raw, got.header)
	}
}

// TestRolesThatAreNotConfigured shows that a key counts only if the configuration has its role.
func TestRolesThatAreNotConfigured(t *testing.T) {
	f := newFixture(t, func(c *config.Config, _ *config.Secrets) {
		c.MessagesAPI.Roles = []config.MessagesRole{config.MessagesAssistant}
	})
	f.receive(ana, "wamid.1")
	f.want(f.call(deskKey, http.MethodPost, "/v1/messages", toAna), http.StatusUnauthorized, "unauthorized")
	f.want(f.send(toAna), http.StatusAccepted, "")
}

// TestGuessesAreLimited makes many requests with wrong keys. Right ones are still answered.
func TestGuessesAreLimited(t *testing.T) {
	f := newFixture(t, nil)
	f.receive(ana, "wamid.1")

	limited := 0

	for range refusalBurst + 10 {
		if got := f.call("guess", http.MethodPost, "/v1/messages", toAna); got.status == http.StatusTooManyRequests {
			limited++
		}
	}

	if limited != 10 {
		t.Errorf("%d guesses were answered 429, want 10", limited)
	}

	f.want(f.send(toAna), http.StatusAccepted, "")
	f.clock.Advance(time.Second)
	f.want(f.call("guess", http.MethodPost, "/v1/messages", toAna), http.StatusUnauthorized, "unauthorized")
}

func TestPathsAndMethods(t *testing.T) {
	f := newFixture(t, nil)

	for _, c := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "/v1/messages", 405, "POST"},
		{"DELETE", "/v1/messages/9f86d081884c7d659a2feaa0c55ad015", 405, "GET"},
		{"POST", "/v1/conversations/a/handler", 405, "GET, PUT"},
		{"POST", "/", 404, ""},
		{"POST", "/health", 404, ""},
		{"GET", "/healthz", 404, ""},
		{"POST", "/v1", 404, ""},
		{"POST", "/v2/messages", 404, ""},
		{"GET", "/v1/conversations/a", 404, ""},
		{"GET", "/v1/messages/a/b", 404, ""},
		{"GET", "/v1/messages/wamid.1", 404, ""},
		{"GET", "/v1/messages/9f86d081884c7d659a2feaa0c55ad015", 404, ""},
	} {
		got := f.call(assistantKey, c.method, c.path, "")
		if got.status != c.status || got.header.Get("Allow") != c.allow {
			t.Errorf("%s %s: answered %d, Allow %q, want %d, %q", c.method, c.path, got.status, got.header.Get("Allow"), c.status, c.allow)
		}

		if got := f.call("", c.method, c.path, ""); got.status != http.StatusUnauthorized {
			t.Errorf("%s %s without a key: answered %d, want 401", c.method, c.path, got.status)
		}
	}
}

// Load balancers check the port without a key. The check is not a part of the API that docs/openapi describes.
func TestLoadBalancerCheck(t *testing.T) {
	f := newFixture(t, nil)

	for _, check := range []string{"GET /", "HEAD /", "OPTIONS /", "GET /health", "HEAD /health"} {
		method, path, _ := strings.Cut(check, " ")
		w := httptest.NewRecorder()
		f.api.ServeHTTP(w, httptest.NewRequest(method, path, http.NoBody))

		if w.Code != http.StatusOK || w.Body.Len() > 0 {
			t.Errorf("%s answered %d %q, want 200 and nothing else", check, w.Code, w.Body)
		}
	}
}
