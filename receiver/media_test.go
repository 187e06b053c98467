// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

func TestAnalyzeMode(t *testing.T) {
	h := newHarness(t, func(c *config.Config) { withoutTyping(c); c.Bird.Media.Mode = config.MediaAnalyze })
	h.reply = func(method string, request map[string]any) any {
		if method == "transcribe_audio" {
			return map[string]any{"result": map[string]any{"text": "when do you open", "confidence": 0.9}}
		}

		return standin.EchoReply(method, request)
	}
	h.Graph.PutMedia("500", "audio/ogg", []byte("sound"))
	h.start()
	h.deliver(http.StatusOK, standin.MessageDelivery(number, ana, "Ana", "wamid.1", "audio", map[string]any{
		"id":        "500",
		"mime_type": "audio/ogg",
		"voice":     true,
	}, time.Now()))

	if got, want := h.waitSent(1)[0].Text, "You said: when do you open"; got != want {
		t.Errorf("sent %q, want %q", got, want)
	}

	asked := h.birdRequests()
	if len(asked) != 2 || asked[0].MediaBytes != 5 || asked[1].Payload["analysis"] == nil {
		t.Errorf("asked %+v, want the recording and then its words with the analysis", asked)
	}
}

func TestMediaFaults(t *testing.T) {
	for name, tc := range map[string]struct {
		put  func(*harness)
		code string // of the dead letter; empty: the message is answered
	}{
		"as announced": {put: func(h *harness) { h.Graph.PutMedia("500", "image/jpeg", []byte("photo")) }},
		"missing":      {put: func(*harness) {}, code: "media_gone"},
		"another checksum": {
			put: func(h *harness) {
				h.Graph.PutMediaWithSHA256("500", "image/jpeg", []byte("photo"), strings.Repeat("0", 64))
			},
			code: "media_hash",
		},
		"larger than what a business may send": {
			put: func(h *harness) { h.Graph.PutMedia("500", "image/jpeg", make([]byte, 17<<20)) },
		},
		"too large": {
			put:  func(h *harness) { h.Graph.PutMedia("500", "image/jpeg", make([]byte, 100<<20+1)) },
			code: "media_too_large",
		},
		"lookup fails at first": {put: func(h *harness) {
			h.Graph.PutMedia("500", "image/jpeg", []byte("photo"))
			h.Graph.Faults.Add(standin.Fault{
				Method:     http.MethodGet,
				PathPrefix: "/500",
				Status:     http.StatusServiceUnavailable,
				Times:      1,
			})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, withoutTyping)
			tc.put(h)
			h.start()
			h.deliver(http.StatusOK, standin.MessageDelivery(number, ana, "Ana", "wamid.1", "image", map[string]any{"id": "500", "mime_type": "image/jpeg"}, time.Now()))
			h.waitIdle()

			record := h.record("wamid.1")
			if tc.code == "" {
				if record.Event.State != store.Done || len(h.Graph.Sent()) != 1 {
					t.Errorf("state = %s with %d answers, want done with 1 answer", record.Event.State, len(h.Graph.Sent()))
				}

				return
			}

			if record.Event.State != store.Dead || record.Failures[len(record.Failures)-1].Code != tc.code {
				t.Errorf("state = %s, failures = %+v; want a dead letter with code %s", record.Event.State, record.Failures, tc.code)
			}

			if asked := h.birdRequests(); len(asked) != 0 {
				t.Errorf("Bird was asked %d times, want never", len(asked))
			}
		})
	}
}

// A file that Meta could not deliver, such as one above 100 MB, is announced if Bird is not asked about it.
func TestMediaThatMetaCouldNotDeliver(t *testing.T) {
	h := newHarness(t, func(c *config.Config) {
		withoutTyping(c)
		c.Bird.Endpoints = map[string]config.Endpoint{"process_undelivered_message": {Enabled: new(false)}}
	})
	h.start()

	body := standin.MessageDelivery(number, ana, "Ana", "wamid.1", "unsupported", map[string]any{"type": "video"}, time.Now())
	withError := bytes.Replace(body, []byte(`"type":"unsupported"`),
		[]byte(`"errors":[{"code":131052,"title":"Media download error"}],"type":"unsupported"`), 1)

	if bytes.Equal(body, withError) {
		t.Fatalf("the delivery has no such type: %s", body)
	}

	h.deliver(http.StatusOK, withError)
	h.waitIdle()

	notices := h.sink.notices("error.reported")
	if len(notices) != 1 || notices[0].Data.(map[string]any)["code"] != 131052.0 {
		t.Errorf("notices = %+v, want one of the error", notices)
	}

	if got := h.record("wamid.1").Event.State; got != store.Skipped {
		t.Errorf("state = %s, want skipped", got)
	}
}
