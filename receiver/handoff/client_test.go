// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package handoff

import (
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jonboulle/clockwork"
	"go.uber.org/goleak"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/httpclient"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// post posts a body to a desk that handle serves.
func post(t *testing.T, key string, scheme config.AuthScheme, handle http.HandlerFunc) error {
	t.Helper()

	server := httptest.NewServer(handle)
	defer server.Close()

	client := NewClient(config.Fixed(config.Config{
		Handoff: config.Handoff{
			URL:        server.URL + "/desk",
			AuthScheme: scheme,
			Timeout:    time.Minute,
		},
	}, config.Secrets{HandoffKey: key}), 1, clockwork.NewRealClock())
	defer client.Close()

	return client.Post(t.Context(), "id-1", []byte(`{"method":"human_message"}`))
}

func TestPost(t *testing.T) {
	for scheme, authorization := range map[config.AuthScheme]string{
		config.AuthBearer: "Bearer secret",
		config.AuthNone:   "",
	} {
		err := post(t, "secret", scheme, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)

			got := []string{r.Method, r.URL.Path, r.Header.Get("Authorization"), r.Header.Get("Idempotency-Key"), string(body)}
			if diff := cmp.Diff([]string{"POST", "/desk", authorization, "id-1", `{"method":"human_message"}`}, got); diff != "" {
				t.Errorf("request with %s (-want +got):\n%s", scheme, diff)
			}

			w.WriteHeader(http.StatusNoContent)
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func TestPostClassifiesFailures(t *testing.T) {
	for status, want := range map[int]failure.Class{
		200: "",
		202: "",
		302: failure.Configuration,
		400: failure.Permanent,
		401: failure.Configuration,
		403: failure.Configuration,
		404: failure.Configuration,
		405: failure.Configuration,
		408: failure.Transient,
		409: failure.Transient,
		413: failure.Permanent,
		429: failure.Transient,
		500: failure.Transient,
		503: failure.Transient,
	} {
		err := post(t, "secret", config.AuthBearer, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://127.0.0.1:1/")
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(status)
		})
		if want == "" {
			if err != nil {
				t.Errorf("%d: error = %v, want none", status, err)
			}

			continue
		}

		f := failure.Of(err)
		if err == nil || f.Class != want || f.Op != Op || f.RetryAfter != 7*time.Second {
			t.Errorf("%d: failure = %+v, want class %s", status, err, want)
		}
	}

	for key, code := range map[string]string{"": CodeNoKey, "two\nlines": httpclient.CodeBadCredential} {
		err := post(t, key, config.AuthBearer, func(http.ResponseWriter, *http.Request) { t.Errorf("called with the key %q", key) })
		if f := failure.Of(err); f.Class != failure.Configuration || f.Code != code {
			t.Errorf("with the key %q: failure = %+v, want %s", key, err, code)
		}
	}

	if err := post(t, "secret", config.AuthBearer, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }); failure.Of(err).Class != failure.Transient {
		t.Errorf("cut off: failure = %v, want transient", err)
	}
}

func TestPostToTheMetadataService(t *testing.T) {
	for _, address := range []string{"http://169.254.169.254/latest", "http://[fd00:ec2::254]/", "http://100.100.100.200/"} {
		client := NewClient(config.Fixed(config.Config{
			Handoff: config.Handoff{URL: address, AuthScheme: config.AuthNone, Timeout: time.Minute},
		}, config.Secrets{}), 1, clockwork.NewRealClock())

		if f := failure.Of(client.Post(t.Context(), "id", nil)); f.Class != failure.Configuration || f.Code != httpclient.CodeMetadata {
			t.Errorf("%s: failure = %+v, want one of the configuration", address, f)
		}

		client.Close()
	}
}

func TestPostWithoutADeskDoesNothing(t *testing.T) {
	client := NewClient(config.Fixed(config.Config{}, config.Secrets{}), 1, clockwork.NewRealClock())
	defer client.Close()

	if err := client.Post(t.Context(), "id", nil); err != nil {
		t.Errorf("Post() = %v, want nothing", err)
	}
}

// TestStoredMessages checks that the requests of a conversation are events in one lane, and are decoded as they were stored.
func TestStoredMessages(t *testing.T) {
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	m := Message{
		Method: HumanMessage,
		Common: assistant.Common{
			EventID:         "9f86d081884c7d659a2feaa0c55ad015",
			PhoneNumberID:   "42",
			ConversationKey: "42:57300",
			From:            new("57300"),
			ReceivedAt:      now,
		},
		Type:  "image",
		Text:  "[photo]",
		Media: &Media{Type: "image", MimeType: "image/jpeg"},
	}

	event, err := m.Event("42:57300", "0", now)
	if err != nil {
		t.Fatal(err)
	}

	if err := event.Validate(); err != nil {
		t.Error(err)
	}

	stored, err := Decode(event.Payload)
	if err != nil {
		t.Fatal(err)
	}

	stored.Context = nil // null in JSON
	stored.Referral = nil

	if diff := cmp.Diff(m, stored, cmp.AllowUnexported(assistant.Common{})); diff != "" {
		t.Errorf("stored message (-want +got):\n%s", diff)
	}

	again, _ := m.Event("42:57300", "1", now)
	if again.ID == event.ID || again.Lane != event.Lane || Conversation(event.Lane) != "42:57300" {
		t.Errorf("events %+v and %+v, want two in one lane", event, again)
	}
}

// TestPostToAnInternalDesk calls a desk whose certificate comes from an authority that is configured.
func TestPostToAnInternalDesk(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	}))
	defer server.Close()

	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})

	client := NewClient(config.Fixed(config.Config{
		Handoff: config.Handoff{
			URL:        server.URL,
			AuthScheme: config.AuthNone,
			Timeout:    time.Minute,
		},
	}, config.Secrets{HandoffCA: string(authority)}), 1, clockwork.NewRealClock())
	defer client.Close()

	if err := client.Post(t.Context(), "id-1", []byte("{}")); err != nil {
		t.Error(err)
	}
}
