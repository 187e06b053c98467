// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package notice

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jonboulle/clockwork"
	"go.uber.org/goleak"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/signature"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

var stored = []byte(`{"type":"message.dead","source":"/phone-numbers/42","subject":"abc","time":"2026-11-23T11:00:00Z","data":{"code":"http_503"}}`)

func send(t *testing.T, key string, handle http.HandlerFunc) error {
	t.Helper()

	server := httptest.NewServer(handle)
	defer server.Close()

	sender := NewSender(config.Fixed(config.Config{
		Notifications: config.Notifications{SinkURL: server.URL + "/sink", Timeout: time.Minute},
	}, config.Secrets{SinkSigningKey: key}), 1, clockwork.NewFakeClockAt(now))
	defer sender.Close()

	return sender.Send(t.Context(), "id-1", stored)
}

func TestSend(t *testing.T) {
	var (
		got    map[string]any
		header http.Header
		raw    []byte
	)

	err := send(t, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", func(_ http.ResponseWriter, r *http.Request) {
		header = r.Header

		raw, _ = io.ReadAll(r.Body)
		if err := json.Unmarshal(raw, &got); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}

	if diff := cmp.Diff(map[string]any{
		"specversion":     "1.0",
		"id":              "id-1",
		"type":            "dev.wawebhook.message.dead",
		"source":          "/phone-numbers/42",
		"subject":         "abc",
		"time":            "2026-11-23T11:00:00Z",
		"datacontenttype": "application/json",
		"data":            map[string]any{"code": "http_503"},
	}, got); diff != "" {
		t.Errorf("posted (-want +got):\n%s", diff)
	}

	for name, value := range map[string]string{
		"Content-Type":      "application/cloudevents+json; charset=utf-8",
		"Webhook-Id":        "id-1",
		"Webhook-Timestamp": "1795435200",
	} {
		if header.Get(name) != value {
			t.Errorf("%s = %q, want %q", name, header.Get(name), value)
		}
	}

	if err := signature.NewKey("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").Verify(header, raw, now); err != nil {
		t.Errorf("the sink cannot verify the notice: %v", err)
	}
}

func TestNoticesWaitForTheSigningKey(t *testing.T) {
	sender := NewSender(config.Fixed(config.Config{
		Notifications: config.Notifications{SinkURL: "http://127.0.0.1:1/sink", Signed: true},
	}, config.Secrets{}), 1, clockwork.NewFakeClockAt(now))
	defer sender.Close()

	err := sender.Send(t.Context(), "id-1", stored)
	if f := failure.Of(err); f.Class != failure.Configuration || f.Code != CodeNoSigningKey {
		t.Errorf("failure = %+v, want one of the configuration: unsigned notices must not leave", f)
	}
}

func TestSendClassifiesFailures(t *testing.T) {
	for status, want := range map[int]failure.Class{
		200: "",
		204: "",
		302: failure.Configuration,
		308: failure.Configuration,
		400: failure.Permanent,
		401: failure.Configuration,
		403: failure.Configuration,
		404: failure.Configuration,
		405: failure.Configuration,
		408: failure.Transient,
		413: failure.Permanent,
		429: failure.Transient,
		500: failure.Transient,
		503: failure.Transient,
	} {
		err := send(t, "", func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Webhook-Signature") != "" {
				t.Error("signed without a key")
			}

			w.Header().Set("Location", "http://127.0.0.1:1/")
			w.WriteHeader(status)
		})
		if want == "" {
			if err != nil {
				t.Errorf("%d: error = %v, want none", status, err)
			}

			continue
		}

		if f := failure.Of(err); err == nil || f.Class != want {
			t.Errorf("%d: failure = %+v, want class %s", status, err, want)
		}
	}

	if err := send(t, "", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }); failure.Of(err).Class != failure.Transient {
		t.Errorf("cut off: failure = %v, want transient", err)
	}
}

func TestSendWithoutASinkDoesNothing(t *testing.T) {
	sender := NewSender(config.Fixed(config.Config{}, config.Secrets{}), 1, clockwork.NewFakeClock())
	defer sender.Close()

	if err := sender.Send(t.Context(), "id", stored); err != nil {
		t.Errorf("Send() = %v, want nothing", err)
	}
}
