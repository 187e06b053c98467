// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newTestClient(t *testing.T, timeout time.Duration, handle http.HandlerFunc) *Client {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body json.RawMessage
		_ = json.NewDecoder(r.Body).Decode(&body)
		handle(w, r)
	}))
	client := NewClient(config.Fixed(config.Config{
		CloudAPI: config.CloudAPI{BaseURL: server.URL, Timeout: timeout},
	}, config.Secrets{AccessToken: "token"}), 1)
	t.Cleanup(func() { client.Close(); server.Close() })
	return client
}

func TestSend(t *testing.T) {
	client := newTestClient(t, time.Minute, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v26.0/42/messages" || r.Header.Get("Authorization") != "Bearer token" || r.Header.Get("User-Agent") == "" {
			t.Errorf("called %s with %v", r.URL.Path, r.Header)
		}
		w.Write([]byte(`{"messages":[{"id":"wamid.9"}]}`))
	})
	id, err := client.Send(t.Context(), "42", []byte(`{}`))
	if err != nil || id != "wamid.9" {
		t.Errorf("Send() = %q, %v", id, err)
	}
}

func TestSendClassifiesFailures(t *testing.T) {
	code := func(status, code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			fmt.Fprintf(w, `{"error":{"message":"(#%d) +573001234567","code":%d}}`, code, code)
		}
	}
	for name, tc := range map[string]struct {
		handle http.HandlerFunc
		class  failure.Class
		code   string
	}{
		"expired token":          {code(401, 190), failure.Configuration, "190"},
		"permission":             {code(403, 250), failure.Configuration, "250"},
		"throughput":             {code(400, 130429), failure.RateLimited, "130429"},
		"pair rate":              {code(400, 131056), failure.RateLimited, "131056"},
		"undeliverable, no rate": {code(400, 131026), failure.Permanent, "131026"},
		"outside the 24 hours":   {code(400, 131047), failure.Permanent, "131047"},
		"service unavailable":    {code(500, 131016), failure.Transient, "131016"},
		"something went wrong":   {code(500, 131000), failure.Ambiguous, "131000"},
		"unknown code below 500": {code(400, 999999), failure.Permanent, "999999"},
		"unknown code from 500":  {code(500, 999999), failure.Ambiguous, "999999"},
		"gateway's own page":     {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) }, failure.Ambiguous, "http_502"},
		"limited by a gateway":   {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(429) }, failure.RateLimited, "http_429"},
		"200 without an id":      {func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`{}`)) }, failure.Ambiguous, "bad_response"},
		"redirect is not followed": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusTemporaryRedirect)
		}, failure.Permanent, "http_307"},
		"no answer":                 {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, failure.Ambiguous, "timeout"},
		"cut off before the answer": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, failure.Ambiguous, "no_connection"},
		"cut off amid the answer": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			w.Write([]byte(`{`))
			panic(http.ErrAbortHandler)
		}, failure.Ambiguous, "no_connection"},
	} {
		t.Run(name, func(t *testing.T) {
			timeout := time.Minute
			if tc.code == "timeout" {
				timeout = 50 * time.Millisecond
			}
			_, err := newTestClient(t, timeout, tc.handle).Send(t.Context(), "42", []byte(`{}`))
			if f := failure.Of(err); f.Class != tc.class || f.Code != tc.code {
				t.Errorf("failure = %+v, want class %s, code %s", f, tc.class, tc.code)
			}
		})
	}
}

func TestSendThatNeverLeftIsTransient(t *testing.T) {
	client := NewClient(config.Fixed(config.Config{CloudAPI: config.CloudAPI{BaseURL: "http://127.0.0.1:1"}}, config.Secrets{AccessToken: "token"}), 1)
	defer client.Close()
	_, err := client.Send(t.Context(), "42", []byte(`{}`))
	if f := failure.Of(err); f.Class != failure.Transient {
		t.Errorf("failure = %+v, want transient", f)
	}
}
