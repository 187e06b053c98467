// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/metrics"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

func TestStartingReceiverLivesAndIsNotReady(t *testing.T) {
	starting := &Starting{Version: "v1", Live: config.Fixed(config.Config{}, config.Secrets{AccessToken: "token"})}
	handler := starting.Handler(metrics.New(clockwork.NewFakeClock()))
	want := func(path string, status int, text string) {
		t.Helper()

		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, http.NoBody))

		if w.Code != status || !strings.Contains(w.Body.String(), text) {
			t.Errorf("GET %s = %d %s, want %d with %q", path, w.Code, w.Body, status, text)
		}
	}

	want("/healthz", http.StatusOK, "ok")
	want("/readyz", http.StatusServiceUnavailable, "opening the store")

	starting.Restoring("restoring the store: 2 of 5 MiB", false)

	want("/readyz", http.StatusServiceUnavailable, "2 of 5 MiB")
	want("/status", http.StatusOK, `"problems":{}`)

	starting.Restoring("the store cannot be restored: no bucket", true)

	want("/readyz", http.StatusServiceUnavailable, "no bucket")
	want("/status", http.StatusOK, `"warnings":["the store cannot be restored: no bucket"]`)
	want("/status", http.StatusOK, `"problems":{"restore":"the store cannot be restored: no bucket"}`)
	want("/status", http.StatusOK, `"app-secret"`) // is missing

	starting.Opening()

	want("/readyz", http.StatusServiceUnavailable, "opening the store")

	starting.Migrating(store.Migration{Step: 4, Of: 6})

	want("/healthz", http.StatusOK, "ok")
	want("/readyz", http.StatusServiceUnavailable, "migrating the store: step 4 of 6")
	want("/status", http.StatusOK, "migrating the store: step 4 of 6")
	want("/status", http.StatusOK, `"status":"starting"`)
	want("/status", http.StatusOK, `"problems":{}`) // no administrator has to fix anything
	want("/metrics", http.StatusOK, "go_goroutines")
}

// migratingStore is a store that is reached while it is migrated, as PostgreSQL.
type migratingStore struct{ store.Store }

func (migratingStore) Ping(context.Context) error {
	return fmt.Errorf("write to the store: %w", &store.MigratingError{Migration: store.Migration{Step: 1, Of: 2}})
}

func TestMigrationIsReported(t *testing.T) {
	deps := newDependencies(t, allSecrets)
	deps.Store = migratingStore{deps.Store}

	if code, body := get(t, deps, "/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, "step 1 of 2") {
		t.Errorf("GET /readyz = %d %q, want 503 with the step of the migration", code, body)
	}
}
