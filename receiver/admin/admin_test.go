// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/metrics"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/sqlite"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func newParts(t *testing.T, secrets config.Secrets) Parts {
	inbox, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "inbox.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = inbox.Close() })
	m := metrics.New()
	m.WatchStore(inbox, func() time.Time { return now })
	return Parts{
		Store: inbox, Live: config.Fixed(config.Config{}, secrets), Metrics: m, Problems: func() map[string]string { return map[string]string{} },
		Token:    func() string { return "accepted" },
		Draining: func() bool { return false }, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler), Version: "v1",
	}
}

func get(t *testing.T, parts Parts, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	New(parts).ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, http.NoBody))
	return w.Code, w.Body.String()
}

var allSecrets = config.Secrets{AccessToken: "a", AppSecrets: []string{"b"}, VerifyToken: "c", BirdAccessKey: "d"}

func TestProbes(t *testing.T) {
	parts := newParts(t, allSecrets)
	if code, _ := get(t, parts, "/readyz"); code != http.StatusOK {
		t.Errorf("GET /readyz = %d, want 200", code)
	}
	parts.Draining = func() bool { return true }
	if code, body := get(t, parts, "/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, "shutting down") {
		t.Errorf("GET /readyz = %d %q, want 503 while shutting down", code, body)
	}
	parts = newParts(t, config.Secrets{AccessToken: "a"})
	if code, body := get(t, parts, "/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, "app-secret, verify-token, bird-access-key") {
		t.Errorf("GET /readyz = %d %q, want 503 that names what is missing", code, body)
	}
	if err := parts.Store.Close(); err != nil {
		t.Fatal(err)
	}
	if code, body := get(t, parts, "/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, "the store takes no events") {
		t.Errorf("GET /readyz = %d %q, want 503 that blames the store", code, body)
	}
	if code, _ := get(t, parts, "/status"); code != http.StatusServiceUnavailable {
		t.Errorf("GET /status = %d, want 503 without a store", code)
	}
	if code, _ := get(t, parts, "/healthz"); code != http.StatusOK {
		t.Errorf("GET /healthz = %d, want 200: a restart would not mend the store", code)
	}
}

func TestStatus(t *testing.T) {
	parts := newParts(t, allSecrets)
	status := func() (s Status) {
		t.Helper()
		code, body := get(t, parts, "/status")
		if err := json.Unmarshal([]byte(body), &s); code != http.StatusOK || err != nil {
			t.Fatalf("GET /status = %d %q", code, body)
		}
		return s
	}
	if diff := cmp.Diff(Status{
		Status: "healthy", Version: "v1", MissingSecrets: []string{}, Problems: map[string]string{}, Token: "accepted",
		Metrics: HealthFigures{SuccessRate: 100, ErrorCounts: map[string]int64{}},
	}, status()); diff != "" {
		t.Errorf("at start (-want +got):\n%s", diff)
	}

	event := store.Event{
		ID: store.NewID(store.KindMessage, "1"), Kind: store.KindMessage, Type: "text", State: store.Pending, Lane: "l", ReceivedAt: now.Add(-90 * time.Second),
	}
	if _, err := parts.Store.Ingest(t.Context(), []store.Event{event}); err != nil {
		t.Fatal(err)
	}
	parts.Metrics.MessageReceived("text", now.Add(-150*time.Second))
	parts.Metrics.MessageProcessed("text", 30*time.Millisecond)
	parts.Metrics.MessageProcessed("hologram", 10*time.Millisecond)
	parts.Metrics.MessageFailed()
	parts.Metrics.CallFailed(failure.Of(&failure.Error{Code: "http_503"}))
	parts.Metrics.CallFailed(failure.Of(errors.New("573001234567")))
	parts.Problems = func() map[string]string { return map[string]string{"send message": "set a new token"} }
	if diff := cmp.Diff(Status{
		Status: "warning", Version: "v1", MissingSecrets: []string{}, Problems: map[string]string{"send message": "set a new token"}, Token: "accepted",
		Pending: 1, OldestPendingSecs: 90, ActiveConversations: 1,
		Metrics: HealthFigures{
			SuccessRate: 100 * 2.0 / 3, MessagesReceived: 1, MessagesProcessed: 2, MessagesFailed: 1, AvgProcessingTimeMS: 20,
			ErrorCounts: map[string]int64{"http_503": 1, "other": 1}, LastMessageAgoMinutes: new(int64(2)),
		},
	}, status()); diff != "" {
		t.Errorf("after some work (-want +got):\n%s", diff)
	}

	_, body := get(t, parts, "/metrics")
	for _, line := range []string{
		`whatsapp_messages_received_total{type="text"} 1`,
		`whatsapp_message_processing_seconds_count{type="other"} 1`,
		`whatsapp_api_errors_total{class="transient",code="other"} 1`,
		`whatsapp_message_queue_size 1`, `whatsapp_oldest_pending_seconds 90`, `whatsapp_active_conversations 1`, `whatsapp_dead_letters 0`,
	} {
		if !strings.Contains(body, line+"\n") {
			t.Errorf("GET /metrics lacks %s", line)
		}
	}
}
