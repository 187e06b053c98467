// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jonboulle/clockwork"
	"go.uber.org/goleak"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/answer"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/httpclient"
)

// newAI returns the AI of a configuration and secrets.
func newAI(t *testing.T, settings config.Bird, secrets config.Secrets, clock clockwork.Clock) assistant.AI {
	t.Helper()

	client := assistant.NewClient(map[config.Protocol]assistant.Driver{config.ProtocolContract: Driver{}}, nil, 1, clock)
	t.Cleanup(client.Close)

	return client.Of(config.Fixed(config.Config{Bird: settings}, secrets).Current())
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func ask(t *testing.T, adjust func(*config.Bird), handle http.HandlerFunc) (answer.Answer, error) {
	t.Helper()

	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)

	settings := config.Bird{BaseURL: server.URL + "/base"}
	if adjust != nil {
		adjust(&settings)
	}

	ai := newAI(t, settings, config.Secrets{BirdAccessKey: "key"}, clockwork.NewRealClock())

	return ai.Ask(t.Context(), assistant.Request{
		Method:  assistant.ProcessText,
		Attempt: 2,
		Body: assistant.TextMessage{
			Common: assistant.Common{
				PhoneNumberID: "42",
				MessageID:     "wamid.1",
				Channel:       "whatsapp",
			}, Text: "hello",
		},
	})
}

func TestAskFollowsTheContract(t *testing.T) {
	for scheme, want := range map[config.AuthScheme][2]string{
		config.AuthAccessKey: {"Authorization", "AccessKey key"},
		config.AuthBearer:    {"Authorization", "Bearer key"},
		config.AuthAPIKey:    {"X-Api-Key", "key"},
	} {
		var (
			header http.Header
			path   string
			body   map[string]any
		)

		given, err := ask(t, func(c *config.Bird) { c.AuthScheme = scheme }, func(w http.ResponseWriter, r *http.Request) {
			header = r.Header

			path = r.URL.Path
			if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
				t.Error(err)
			}

			w.Write([]byte(`{"response":"hi"}`))
		})
		if err != nil {
			t.Fatal(err)
		}

		if diff := cmp.Diff([]answer.Reply{{Kind: answer.KindText, Text: "hi"}}, given.Replies); diff != "" {
			t.Errorf("replies (-want +got):\n%s", diff)
		}

		if path != "/base/v1/messages/text" || body["text"] != "hello" || body["message_id"] != "wamid.1" {
			t.Errorf("called %s with %v", path, body)
		}

		for name, want := range map[string]string{
			want[0]:           want[1],
			"Idempotency-Key": "process_text_message:42:wamid.1",
			"X-Attempt":       "2",
			"Content-Type":    "application/json",
		} {
			if got := header.Get(name); got != want {
				t.Errorf("%s: %s = %q, want %q", scheme, name, got, want)
			}
		}

		if header.Get("X-Request-Id") == "" {
			t.Error("no X-Request-Id")
		}
	}
}

func TestAskClassifiesFailures(t *testing.T) {
	answer := func(status int, header, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			if name, value, ok := strings.Cut(header, ": "); ok {
				w.Header().Set(name, value)
			}

			w.WriteHeader(status)
			w.Write([]byte(body))
		}
	}
	for name, tc := range map[string]struct {
		handle http.HandlerFunc
		class  failure.Class
		wait   time.Duration
	}{
		"408":                         {answer(408, "", ""), failure.Transient, 0},
		"425":                         {answer(425, "", ""), failure.Transient, 0},
		"429 with Retry-After":        {answer(429, "Retry-After: 7", ""), failure.RateLimited, 7 * time.Second},
		"500":                         {answer(500, "", ""), failure.Transient, 0},
		"522 of a proxy":              {answer(522, "", ""), failure.Transient, 0},
		"503 with a long Retry-After": {answer(503, "Retry-After: 86400", ""), failure.Transient, failure.MaxRetryAfter},
		"409 in progress":             {answer(409, "", `{"code":"E01004"}`), failure.Transient, 30 * time.Second},
		"409 with another code":       {answer(409, "", `{"code":"E01005"}`), failure.Permanent, 0},
		"400":                         {answer(400, "", ""), failure.Permanent, 0},
		"302 is not followed":         {answer(302, "Location: http://127.0.0.1:1/", ""), failure.Configuration, 0},
		"401":                         {answer(401, "", ""), failure.Configuration, 0},
		"402":                         {answer(402, "", ""), failure.Configuration, 0},
		"403":                         {answer(403, "", ""), failure.Configuration, 0},
		"404":                         {answer(404, "", ""), failure.Configuration, 0},
		"405":                         {answer(405, "", ""), failure.Configuration, 0},
		"501":                         {answer(501, "", ""), failure.Configuration, 0},
		"too large":                   {answer(200, "", `"`+strings.Repeat("a", assistant.MaxResponseBytes)+`"`), failure.Permanent, 0},
		"slow":                        {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, failure.Transient, 0},
		"cut off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			w.Write([]byte(`{"response":`))
			panic(http.ErrAbortHandler)
		}, failure.Transient, 0},
	} {
		t.Run(name, func(t *testing.T) {
			timeout := time.Minute
			if name == "slow" {
				timeout = 50 * time.Millisecond
			}

			_, err := ask(t, func(c *config.Bird) {
				c.Endpoints = map[string]config.Endpoint{string(assistant.ProcessText): {Timeout: timeout}}
			}, func(w http.ResponseWriter, r *http.Request) {
				var body json.RawMessage

				_ = json.NewDecoder(r.Body).Decode(&body)
				tc.handle(w, r)
			})
			if err == nil {
				t.Fatal("no error")
			}

			if f := failure.Of(err); f.Class != tc.class || f.RetryAfter != tc.wait || f.Code == "" {
				t.Errorf("failure = %+v, want class %s and wait %v", f, tc.class, tc.wait)
			}
		})
	}
}

func TestAskWithoutUsableKeyIsAConfigurationError(t *testing.T) {
	for key, code := range map[string]string{
		"":            assistant.CodeNoAccessKey,
		"key\nsecond": httpclient.CodeBadCredential,
	} {
		ai := newAI(t, config.Bird{BaseURL: "http://127.0.0.1:1"}, config.Secrets{BirdAccessKey: key}, clockwork.NewRealClock())

		_, err := ai.Ask(t.Context(), assistant.Request{Method: assistant.ProcessText, Body: assistant.TextMessage{}})
		if f := failure.Of(err); f.Class != failure.Configuration || f.Scope != failure.ScopeAI || f.Code != code {
			t.Errorf("key %q: failure = %+v, want the configuration error %s of Bird", key, f, code)
		}
	}
}
