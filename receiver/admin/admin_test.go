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
	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/metrics"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/sqlite"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func newDependencies(t *testing.T, secrets config.Secrets) Dependencies {
	inbox, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "inbox.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() { _ = inbox.Close() })

	clock := clockwork.NewFakeClockAt(now)
	m := metrics.New(clock)
	m.WatchStore(inbox, clock)

	return Dependencies{
		Store:               inbox,
		Live:                config.Fixed(config.Config{}, secrets),
		Metrics:             m,
		ClosedScopes:        func() []health.ClosedScope { return nil },
		Problems:            func() map[string]string { return map[string]string{} },
		Token:               func() health.TokenState { return health.TokenAccepted },
		TokenExpiresAt:      func() time.Time { return time.Time{} },
		Subscription:        func() health.Subscription { return health.Subscription{State: health.SubscriptionNotRequested} },
		Standby:             func() []health.Standby { return []health.Standby{} },
		Backup:              func() *health.Backup { return nil },
		DeadLettersExpireAt: func(oldest, _ time.Time) time.Time { return oldest.Add(90 * 24 * time.Hour) },
		Draining:            func() bool { return false },
		Clock:               clock,
		Log:                 slog.New(slog.DiscardHandler),
		Version:             "v1",
	}
}

func get(t *testing.T, dependencies Dependencies, path string) (int, string) {
	t.Helper()

	w := httptest.NewRecorder()
	New(dependencies).ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, http.NoBody))

	return w.Code, w.Body.String()
}

var allSecrets = config.Secrets{
	AccessToken:   "a",
	AppSecrets:    []string{"b"},
	VerifyToken:   "c",
	BirdAccessKey: "d",
}

func TestReadiness(t *testing.T) {
	deps := newDependencies(t, allSecrets)
	if code, _ := get(t, deps, "/readyz"); code != http.StatusOK {
		t.Errorf("GET /readyz = %d, want 200", code)
	}

	deps.Draining = func() bool { return true }
	if code, body := get(t, deps, "/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, "shutting down") {
		t.Errorf("GET /readyz = %d %q, want 503 while shutting down", code, body)
	}

	deps = newDependencies(t, config.Secrets{AppSecrets: []string{"b"}, VerifyToken: "c"})
	if code, body := get(t, deps, "/readyz"); code != http.StatusOK {
		t.Errorf("GET /readyz = %d %q, want 200 while only secrets for answers are missing", code, body)
	}

	deps = newDependencies(t, config.Secrets{})
	if code, body := get(t, deps, "/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, "missing secrets: app-secret, verify-token\n") {
		t.Errorf("GET /readyz = %d %q, want 503 that names the missing secrets", code, body)
	}

	if err := deps.Store.Close(); err != nil {
		t.Fatal(err)
	}

	if code, body := get(t, deps, "/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, "the store accepts no events") {
		t.Errorf("GET /readyz = %d %q, want 503 that blames the store", code, body)
	}

	code, body := get(t, deps, "/status")
	if code != http.StatusOK || !strings.Contains(body, "the store cannot be read") || !strings.Contains(body, `"app-secret"`) || strings.Contains(body, `"pending"`) {
		t.Errorf("GET /status = %d %s, want 200 with the missing secrets and without the backlog", code, body)
	}

	if code, _ := get(t, deps, "/healthz"); code != http.StatusOK {
		t.Errorf("GET /healthz = %d, want 200: a restart would not repair the store", code)
	}
}

func TestStatus(t *testing.T) {
	deps := newDependencies(t, allSecrets)

	status := func() (s health.Report) {
		t.Helper()

		code, body := get(t, deps, "/status")
		if err := json.Unmarshal([]byte(body), &s); code != http.StatusOK || err != nil {
			t.Fatalf("GET /status = %d %q", code, body)
		}

		return s
	}
	if diff := cmp.Diff(health.Report{
		Status:         "healthy",
		Warnings:       []string{},
		Version:        "v1",
		MissingSecrets: []string{},
		Problems:       map[string]string{},
		Token:          health.TokenAccepted,
		Subscription:   health.Subscription{State: health.SubscriptionNotRequested},
		Standby:        []health.Standby{},
		Backlog:        &health.Backlog{WaitingForPeople: &health.WaitingForPeople{}},
		Metrics:        health.Figures{Since: now, SuccessRate: 100, ErrorCounts: map[string]int64{}},
		Totals:         health.Totals{Since: now},
	}, status()); diff != "" {
		t.Errorf("at start (-want +got):\n%s", diff)
	}

	message := store.Event{
		ID:         store.NewID(store.KindMessage, "1"),
		Kind:       store.KindMessage,
		Type:       "text",
		State:      store.Pending,
		Lane:       "l",
		ReceivedAt: now.Add(-90 * time.Second),
	}
	delivered := message
	delivered.ID = store.NewID(store.KindStatus, "1")
	delivered.Kind = store.KindStatus
	delivered.Class = store.Statuses
	notice := message
	notice.ID = store.NewID(store.KindNotice, "1")
	notice.Kind = store.KindNotice

	notice.Class = store.Notices
	if _, err := deps.Store.Ingest(t.Context(), []store.Event{message, delivered, notice}); err != nil {
		t.Fatal(err)
	}

	deps.Metrics.MessageReceived("text", now.Add(-150*time.Second))
	deps.Metrics.MessageProcessed("text", 30*time.Millisecond)
	deps.Metrics.MessageProcessed("hologram", 10*time.Millisecond)
	deps.Metrics.MessageFailed()
	deps.Metrics.CallFailed(failure.Of(&failure.Error{Code: "http_503"}))
	deps.Metrics.CallFailed(failure.Of(errors.New("573001234567")))

	deps.Problems = func() map[string]string { return map[string]string{"send message": "set a new token"} }
	if diff := cmp.Diff(health.Report{
		Status:         "warning",
		Warnings:       []string{"send message: set a new token"},
		Version:        "v1",
		MissingSecrets: []string{},
		Problems:       map[string]string{"send message": "set a new token"},
		Token:          health.TokenAccepted,
		Subscription:   health.Subscription{State: health.SubscriptionNotRequested},
		Standby:        []health.Standby{},
		Backlog: &health.Backlog{
			Pending:             1,
			PendingStatuses:     1,
			PendingNotices:      1,
			OldestPendingSecs:   90,
			ActiveConversations: 1,
			WaitingForPeople:    &health.WaitingForPeople{},
		},
		Metrics: health.Figures{
			Since:                 now,
			SuccessRate:           100 * 2.0 / 3,
			MessagesReceived:      1,
			MessagesProcessed:     2,
			MessagesFailed:        1,
			AvgProcessingTimeMS:   20,
			ErrorCounts:           map[string]int64{"http_503": 1, "other": 1},
			LastMessageAgoMinutes: new(int64(1)),
		},
		Totals: health.Totals{
			Since:             now,
			MessagesReceived:  1,
			MessagesProcessed: 2,
			MessagesFailed:    1,
		},
	}, status()); diff != "" {
		t.Errorf("after some work (-want +got):\n%s", diff)
	}

	_, body := get(t, deps, "/metrics")
	for _, line := range []string{
		`whatsapp_messages_received_total{type="text"} 1`,
		`whatsapp_message_processing_seconds_count{type="other"} 1`,
		`whatsapp_api_errors_total{class="transient",code="other"} 1`,
		`whatsapp_message_queue_size 1`, `whatsapp_status_queue_size 1`, `whatsapp_notice_queue_size 1`, `whatsapp_human_conversations 0`, `whatsapp_oldest_pending_seconds 90`, `whatsapp_active_conversations 1`, `whatsapp_dead_letters 0`,
	} {
		if !strings.Contains(body, line+"\n") {
			t.Errorf("GET /metrics lacks %s", line)
		}
	}
}

func TestStatusOfSubscriptionAndToken(t *testing.T) {
	for name, tc := range map[string]struct {
		state   health.SubscriptionState
		expires time.Time
		want    string
	}{
		"active, token never expires": {health.SubscriptionActive, time.Time{}, "healthy"},
		"pending":                     {health.SubscriptionPending, time.Time{}, "healthy"},
		"failed":                      {health.SubscriptionFailed, time.Time{}, "warning"},
		"token for eight days":        {health.SubscriptionActive, now.Add(8 * 24 * time.Hour), "healthy"},
		"token for six days":          {health.SubscriptionActive, now.Add(6 * 24 * time.Hour), "warning"},
		"token that has expired":      {health.SubscriptionActive, now.Add(-time.Hour), "warning"},
	} {
		t.Run(name, func(t *testing.T) {
			deps := newDependencies(t, allSecrets)
			deps.Subscription = func() health.Subscription { return health.Subscription{State: tc.state} }
			deps.TokenExpiresAt = func() time.Time { return tc.expires }
			_, body := get(t, deps, "/status")

			var got health.Report
			if err := json.Unmarshal([]byte(body), &got); err != nil {
				t.Fatal(err)
			}

			if got.Status != tc.want || got.Subscription.State != tc.state {
				t.Errorf("status %s of %+v, want %s", got.Status, got, tc.want)
			}

			if tc.expires.IsZero() != (got.TokenExpiresAt == nil) || (got.TokenExpiresAt != nil && !got.TokenExpiresAt.Equal(tc.expires)) {
				t.Errorf("token expires at %v, want %v", got.TokenExpiresAt, tc.expires)
			}
		})
	}
}

// TestStatusOfTheLastHour checks that the status follows the last hour, and not the time since the start.
func TestStatusOfTheLastHour(t *testing.T) {
	deps := newDependencies(t, allSecrets)
	clock := clockwork.NewFakeClockAt(now)
	deps.Clock = clock
	deps.Metrics = metrics.New(clock)

	want := func(when, status string, figures health.Figures) {
		t.Helper()

		_, body := get(t, deps, "/status")

		var got health.Report
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatal(err)
		}

		if got.Status != status || (status == "healthy") != (len(got.Warnings) == 0) {
			t.Errorf("%s: status %s with the warnings %q, want %s", when, got.Status, got.Warnings, status)
		}

		if diff := cmp.Diff(figures, got.Metrics); diff != "" {
			t.Errorf("%s (-want +got):\n%s", when, diff)
		}
	}

	deps.Metrics.MessageReceived("text", now)
	deps.Metrics.MessageProcessed("text", time.Second)
	deps.Metrics.MessageFailed()
	want("after one failure of two", "healthy", health.Figures{
		Since:                 now,
		SuccessRate:           50,
		MessagesReceived:      1,
		MessagesProcessed:     1,
		MessagesFailed:        1,
		AvgProcessingTimeMS:   1000,
		ErrorCounts:           map[string]int64{},
		LastMessageAgoMinutes: new(int64(0)),
	})

	deps.Metrics.MessageFailed()
	deps.Metrics.MessageFailed()
	deps.Metrics.CallFailed(&failure.Error{Code: "http_503", Class: failure.Transient})
	want("after three failures of four", "warning", health.Figures{
		Since:                 now,
		SuccessRate:           25,
		MessagesReceived:      1,
		MessagesProcessed:     1,
		MessagesFailed:        3,
		AvgProcessingTimeMS:   1000,
		ErrorCounts:           map[string]int64{"http_503": 1},
		LastMessageAgoMinutes: new(int64(0)),
	})

	clock.Advance(59 * time.Minute)
	deps.Metrics.MessageProcessed("text", 3*time.Second)
	deps.Metrics.MessageRecovered()
	want("after a replay was processed", "healthy", health.Figures{
		Since:                 now,
		SuccessRate:           50,
		MessagesReceived:      1,
		MessagesProcessed:     2,
		MessagesFailed:        2,
		AvgProcessingTimeMS:   2000,
		ErrorCounts:           map[string]int64{"http_503": 1},
		LastMessageAgoMinutes: new(int64(59)),
	})

	clock.Advance(time.Minute)
	want("an hour later", "healthy", health.Figures{
		Since:                 now.Add(time.Minute),
		SuccessRate:           100,
		MessagesProcessed:     1,
		AvgProcessingTimeMS:   3000,
		ErrorCounts:           map[string]int64{},
		LastMessageAgoMinutes: new(int64(60)),
	})
}

// TestLastMessageOutlivesTheProcess checks that a receiver which just started knows the newest message of its store.
func TestLastMessageOutlivesTheProcess(t *testing.T) {
	deps := newDependencies(t, allSecrets)

	message := store.Event{
		ID:         store.NewID(store.KindMessage, "1"),
		Kind:       store.KindMessage,
		Type:       "text",
		State:      store.Pending,
		Lane:       "l",
		ReceivedAt: now.Add(-90 * time.Minute),
	}
	if _, err := deps.Store.Ingest(t.Context(), []store.Event{message}); err != nil {
		t.Fatal(err)
	}

	if _, body := get(t, deps, "/status"); !strings.Contains(body, `"last_message_ago_minutes": 90`) {
		t.Errorf("GET /status = %s, want the last message 90 minutes ago", body)
	}
}
