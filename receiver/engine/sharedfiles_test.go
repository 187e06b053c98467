// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/medialink"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// unreadableStore is a store that cannot look events up.
type unreadableStore struct{ store.Store }

func (unreadableStore) Get(context.Context, store.ID) (*store.Record, error) {
	return nil, errors.New("the connection is lost")
}

// link answers a request for the file of an event by its link.
func (f *fixture) link(t *testing.T, files medialink.Files, event store.ID) *httptest.ResponseRecorder {
	t.Helper()

	settings := config.Config{Webhook: config.Webhook{PublicURL: "https://hooks.example.com"}}
	live := config.Fixed(settings, config.Secrets{AppSecrets: []string{"secret"}})
	handler := medialink.NewHandler(medialink.Dependencies{
		Files:   files,
		Live:    live,
		Metrics: f.parts.Metrics,
		Clock:   f.parts.Clock,
		Log:     f.parts.Log,
	})

	link := medialink.URL(live.Current(), event, time.Now())
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, link, http.NoBody))

	return recorder
}

// TestFilesThatCannotBeOpened checks that a file counts as missing only if the store could be read.
func TestFilesThatCannotBeOpened(t *testing.T) {
	f := newFixture(t, standin.EchoReply)
	text := f.ingest(t, "573001234567", "wamid.1")

	for name, tc := range map[string]struct {
		store      store.Store
		event      store.ID
		class      failure.Class // empty for ErrNoFile
		status     int
		retryAfter string
	}{
		"a message without a file": {
			store:  f.parts.Store,
			event:  text,
			status: http.StatusNotFound,
		},
		"an unknown message": {
			store:  f.parts.Store,
			event:  store.NewID(store.KindMessage, "unknown"),
			status: http.StatusNotFound,
		},
		"an unreadable store": {
			store:      unreadableStore{f.parts.Store},
			event:      text,
			class:      failure.Transient,
			status:     http.StatusServiceUnavailable,
			retryAfter: "5",
		},
	} {
		t.Run(name, func(t *testing.T) {
			parts := f.parts
			parts.Store = tc.store
			engine := New(parts)

			_, _, err := engine.OpenFile(t.Context(), tc.event)

			var class failure.Class
			if f, ok := errors.AsType[*failure.Error](err); ok {
				class = f.Class
			}

			if class != tc.class || errors.Is(err, medialink.ErrNoFile) != (tc.class == "") {
				t.Errorf("OpenFile() = %v, want class %q", err, tc.class)
			}

			response := f.link(t, engine, tc.event)
			if got := response.Header().Get("Retry-After"); response.Code != tc.status || got != tc.retryAfter {
				t.Errorf("status %d, Retry-After %q, want %d and %q", response.Code, got, tc.status, tc.retryAfter)
			}
		})
	}
}
