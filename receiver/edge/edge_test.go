// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/metrics"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/tracing"
)

// inbox stores events in memory, or fails with err.
type inbox struct {
	events []store.Event
	err    error
}

func (i *inbox) Ingest(_ context.Context, events []store.Event) ([]bool, error) {
	if i.err != nil {
		return nil, i.err
	}

	i.events = append(i.events, events...)

	fresh := make([]bool, len(events))
	for n := range fresh {
		fresh[n] = true
	}

	return fresh, nil
}

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func newEdge(box Ingester, adjust func(*config.Config, *config.Secrets)) *Edge {
	c := config.Config{Bird: config.Bird{BaseURL: "http://bird"}}

	secrets := config.Secrets{AppSecrets: []string{"old", "test_app_secret"}, VerifyToken: "token"}
	if adjust != nil {
		adjust(&c, &secrets)
	}

	return New(Dependencies{
		Inbox:   box,
		Live:    config.Fixed(c, secrets),
		Metrics: metrics.New(clockwork.NewRealClock()),
		Tracer:  &tracing.Tracer{},
		Clock:   clockwork.NewFakeClockAt(now),
		Log:     slog.New(slog.DiscardHandler),
		Version: "v1",
	})
}

func TestHandshake(t *testing.T) {
	const path = "/webhooks/whatsapp"
	for name, tc := range map[string]struct {
		query  string
		secret string
		status int
		body   string
	}{
		"valid":         {"?hub.mode=subscribe&hub.verify_token=token&hub.challenge=1158201444", "token", 200, "1158201444"},
		"wrong token":   {"?hub.mode=subscribe&hub.verify_token=other&hub.challenge=1", "token", 403, ""},
		"wrong mode":    {"?hub.mode=unsubscribe&hub.verify_token=token&hub.challenge=1", "token", 403, ""},
		"no challenge":  {"?hub.mode=subscribe&hub.verify_token=token", "token", 403, ""},
		"long":          {"?hub.mode=subscribe&hub.verify_token=token&hub.challenge=" + strings.Repeat("1", 300), "token", 403, ""},
		"no parameters": {"", "token", 403, ""},
		"no secret yet": {"?hub.mode=subscribe&hub.verify_token=&hub.challenge=1", "", 403, ""},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEdge(&inbox{}, func(_ *config.Config, s *config.Secrets) { s.VerifyToken = tc.secret })
			w := httptest.NewRecorder()
			e.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path+tc.query, http.NoBody))

			if w.Code != tc.status || (tc.body != "" && w.Body.String() != tc.body) {
				t.Errorf("answered %d %q, want %d %q", w.Code, w.Body, tc.status, tc.body)
			}
		})
	}
}

func TestDeliver(t *testing.T) {
	const body = `{"object":"whatsapp_business_account","entry":[]}`
	// The signature of body by test_app_secret, computed with another implementation.
	const signature = "sha256=dec6a680679a968e7e0319355b23599cbfc54502c0784668e9618baa0c633756"
	for name, tc := range map[string]struct {
		body      string
		signature string
		unsized   bool
		inboxErr  error
		adjust    func(*config.Config, *config.Secrets)
		status    int
	}{
		"valid":               {body: body, signature: signature, status: 200},
		"by the older secret": {body: body, signature: sign("old", body), status: 200},
		"of unknown length":   {body: body, signature: signature, unsized: true, status: 200},
		"escaped characters": {
			body:      `{"t":"caf\u00e9"}`,
			signature: "sha256=4ea6a0b98c398d90012c91879a402e35f5fb380bf29a0730c5624a620e8be966",
			status:    200,
		},
		"no signature":        {body: body, status: 401},
		"SHA-1":               {body: body, signature: "sha1=dec6a680679a968e7e0319355b23599cbfc54502", status: 401},
		"not hexadecimal":     {body: body, signature: "sha256=" + strings.Repeat("z", 64), status: 401},
		"of another body":     {body: body + " ", signature: signature, status: 401},
		"by another secret":   {body: body, signature: sign("guess", body), status: 401},
		"by the empty secret": {body: body, signature: sign("", body), status: 401},
		"no secret yet": {
			body:      body,
			signature: signature,
			adjust:    func(_ *config.Config, s *config.Secrets) { s.AppSecrets = nil },
			status:    503,
		},
		"not JSON":           {body: "{", signature: sign("old", "{"), status: 400},
		"too large":          {body: strings.Repeat(" ", 5<<20), status: 413},
		"too large, unsized": {body: strings.Repeat(" ", 5<<20), unsized: true, status: 413},
		"too many at once": {
			body:   strings.Repeat(" ", 40<<10),
			adjust: func(c *config.Config, _ *config.Secrets) { c.Webhook.MaxInFlightBytes = 10 },
			status: 503,
		},
		"disk is nearly full": {body: body, signature: signature, inboxErr: store.ErrDiskFull, status: 503},
		"store fails":         {body: body, signature: signature, inboxErr: errors.New("disk full"), status: 503},
	} {
		t.Run(name, func(t *testing.T) {
			box := &inbox{err: tc.inboxErr}
			e := newEdge(box, tc.adjust)

			r := httptest.NewRequest(http.MethodPost, "/webhooks/whatsapp", strings.NewReader(tc.body))
			if tc.unsized {
				r.ContentLength = -1
				r.Body = io.NopCloser(strings.NewReader(tc.body))
			}

			if tc.signature != "" {
				r.Header.Set("X-Hub-Signature-256", tc.signature)
			}

			w := httptest.NewRecorder()
			e.ServeHTTP(w, r)

			if w.Code != tc.status {
				t.Errorf("answered %d %q, want %d", w.Code, w.Body, tc.status)
			}

			if (len(box.events) > 0) != (w.Code == 200) {
				t.Errorf("answered %d with %d events stored", w.Code, len(box.events))
			}

			if (w.Header().Get("Retry-After") != "") != (w.Code == 503) {
				t.Errorf("answered %d with Retry-After %q", w.Code, w.Header().Get("Retry-After"))
			}

			if e.bodies.Used() != 0 {
				t.Error("the memory for the body was not released")
			}
		})
	}
}

func TestContentEncoding(t *testing.T) {
	const body = `{"object":"whatsapp_business_account","entry":[]}`
	for name, tc := range map[string]struct {
		codings []string
		status  int
	}{
		"none":                     {nil, 200},
		"empty":                    {[]string{""}, 200},
		"identity":                 {[]string{"identity"}, 200},
		"identity in upper case":   {[]string{"Identity"}, 200},
		"identity twice in a list": {[]string{" identity ,, IDENTITY"}, 200},
		"identity in two headers":  {[]string{"identity", "identity"}, 200},
		"gzip":                     {[]string{"gzip"}, 415},
		"gzip in a list":           {[]string{"identity, gzip"}, 415},
		"gzip in another header":   {[]string{"identity", "gzip"}, 415},
		"a word that begins so":    {[]string{"identity2"}, 415},
		"identity with parameters": {[]string{"identity;q=1"}, 415},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/webhooks/whatsapp", strings.NewReader(body))
			r.Header.Set("X-Hub-Signature-256", sign("old", body))
			r.Header["Content-Encoding"] = tc.codings

			w := httptest.NewRecorder()
			newEdge(&inbox{}, nil).ServeHTTP(w, r)

			if w.Code != tc.status {
				t.Errorf("answered %d %q, want %d", w.Code, w.Body, tc.status)
			}
		})
	}
}

// Load balancers check this path by default, without a signature.
func TestLoadBalancerCheck(t *testing.T) {
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodOptions} {
		w := httptest.NewRecorder()
		newEdge(&inbox{}, nil).ServeHTTP(w, httptest.NewRequest(method, "/", http.NoBody))

		if w.Code != http.StatusOK || w.Body.Len() > 0 || len(w.Header()) > 0 {
			t.Errorf("%s / answered %d %v %q, want 200 and nothing else", method, w.Code, w.Header(), w.Body)
		}
	}
}

func TestHealthPath(t *testing.T) {
	e := newEdge(&inbox{}, func(c *config.Config, _ *config.Secrets) { c.Webhook.HealthPath = "/status/live" })
	for path, want := range map[string]int{
		"/status/live": 200,
		"/health":      404,
		"/":            200,
	} {
		w := httptest.NewRecorder()
		e.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, http.NoBody))

		if w.Code != want {
			t.Errorf("GET %s answered %d, want %d", path, w.Code, want)
		}
	}
}

func TestRoutes(t *testing.T) {
	e := newEdge(&inbox{}, func(c *config.Config, _ *config.Secrets) { c.Webhook.Path = "/hook" })
	for target, want := range map[string]int{
		"GET /health":             200,
		"HEAD /health":            200,
		"POST /health":            404,
		"GET /":                   200,
		"HEAD /":                  200,
		"POST /":                  404,
		"OPTIONS /health":         404,
		"GET //":                  404,
		"POST /webhooks/whatsapp": 404,
		"POST /hook/":             404,
		"POST /hook/below":        404,
		"POST /hooks":             404,
		"PUT /hook":               405,
		"GET /hook":               403,
	} {
		method, path, _ := strings.Cut(target, " ")
		w := httptest.NewRecorder()
		e.ServeHTTP(w, httptest.NewRequest(method, path, http.NoBody))

		if w.Code != want {
			t.Errorf("%s answered %d, want %d", target, w.Code, want)
		}
	}

	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/health", http.NoBody))

	var health map[string]string
	if err := json.Unmarshal(w.Body.Bytes(), &health); err != nil {
		t.Fatal(err)
	}

	want := map[string]string{
		"status":    "healthy",
		"timestamp": "2026-11-23T12:00:00Z",
		"service":   "whatsapp-webhook",
		"version":   "v1",
	}
	if diff := cmp.Diff(want, health); diff != "" {
		t.Errorf("GET /health (-want +got):\n%s", diff)
	}
}
