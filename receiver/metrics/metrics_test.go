// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jonboulle/clockwork"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// scrape returns the samples whose name begins with one of the prefixes.
func scrape(t *testing.T, m *Metrics, prefixes ...string) []string {
	t.Helper()

	w := httptest.NewRecorder()
	promhttp.HandlerFor(m.Registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))

	if w.Code != http.StatusOK {
		t.Fatalf("GET /metrics = %d %s", w.Code, w.Body)
	}

	var samples []string
	for line := range strings.Lines(w.Body.String()) {
		if slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(line, prefix) }) {
			samples = append(samples, strings.TrimSuffix(line, "\n"))
		}
	}

	return samples
}

func TestWatchSubscription(t *testing.T) {
	for name, tc := range map[string]struct {
		state   health.SubscriptionState
		expires time.Time
		want    []string
	}{
		"not declared": {health.SubscriptionNotRequested, time.Time{}, nil},
		"pending":      {health.SubscriptionPending, time.Time{}, []string{"whatsapp_subscription_active 0"}},
		"failed":       {health.SubscriptionFailed, time.Time{}, []string{"whatsapp_subscription_active 0"}},
		"active":       {health.SubscriptionActive, time.Time{}, []string{"whatsapp_subscription_active 1"}},
		"expiring token": {
			state:   health.SubscriptionActive,
			expires: time.Unix(1800000000, 0),
			want:    []string{"whatsapp_subscription_active 1", "whatsapp_token_expires_timestamp_seconds 1.8e+09"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := New(clockwork.NewRealClock())
			m.WatchSubscription(func() health.Subscription { return health.Subscription{State: tc.state} }, func() time.Time { return tc.expires })

			if diff := cmp.Diff(tc.want, scrape(t, m, "whatsapp_subscription_", "whatsapp_token_")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// failingStore fails with err.
type failingStore struct {
	store.Store
	err error
}

func (f failingStore) Ingest(context.Context, []store.Event) ([]bool, error) { return nil, f.err }
func (f failingStore) Ping(context.Context) error                            { return f.err }
func (f failingStore) RepairClock(context.Context, time.Time) error          { return f.err }

func (f failingStore) ClaimWaiting(context.Context, store.Class, string, time.Time, int) ([]store.Lease, error) {
	return nil, f.err
}

func (f failingStore) Schedule(context.Context, time.Time) ([3]store.Schedule, []store.Pause, error) {
	return [3]store.Schedule{}, nil, f.err
}

func TestCountStore(t *testing.T) {
	for name, tc := range map[string]struct {
		err     error
		counted bool
	}{
		"no error":          {nil, false},
		"disk full":         {errors.New("disk full"), true},
		"busy":              {fmt.Errorf("ingest: %w", store.ErrBusy), true},
		"deadline exceeded": {context.DeadlineExceeded, true},
		"lease lost":        {fmt.Errorf("advance: %w", store.ErrLeaseLost), false},
		"caller canceled":   {context.Canceled, false},
		"missing key":       {fmt.Errorf("read an event: %w", store.ErrKey), false},
	} {
		t.Run(name, func(t *testing.T) {
			m := New(clockwork.NewRealClock())
			s := m.CountStore(failingStore{err: tc.err})

			_, ingest := s.Ingest(t.Context(), nil)
			if ping := s.Ping(t.Context()); !errors.Is(ingest, tc.err) || !errors.Is(ping, tc.err) {
				t.Errorf("errors %v and %v, want %v", ingest, ping, tc.err)
			}

			_, waiting := s.ClaimWaiting(t.Context(), store.Statuses, "app", time.Time{}, 1)
			_, _, schedule := s.Schedule(t.Context(), time.Time{})

			if repair := s.RepairClock(t.Context(), time.Time{}); !errors.Is(waiting, tc.err) || !errors.Is(schedule, tc.err) || !errors.Is(repair, tc.err) {
				t.Errorf("errors %v, %v and %v, want %v", waiting, schedule, repair, tc.err)
			}

			var want []string
			if tc.counted {
				want = []string{
					`whatsapp_store_errors_total{operation="claim"} 1`,
					`whatsapp_store_errors_total{operation="ingest"} 1`,
					`whatsapp_store_errors_total{operation="ping"} 1`,
					`whatsapp_store_errors_total{operation="schedule"} 2`,
				}
			}

			got := slices.DeleteFunc(scrape(t, m, "whatsapp_store_errors_total"), func(sample string) bool {
				return strings.HasSuffix(sample, " 0")
			})
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestStartAtZero checks that the first event is an increase: its series existed before, at 0.
func TestStartAtZero(t *testing.T) {
	m := New(clockwork.NewRealClock())

	record := map[string]func(){
		`whatsapp_events_stored_total{kind="notice",state="pending"}`:      func() { m.EventStored("notice", "pending") },
		`whatsapp_events_stored_total{kind="message",state="quarantined"}`: func() { m.EventStored("message", "quarantined") },
		`whatsapp_duplicates_total{kind="status"}`:                         func() { m.EventRepeated("status") },
		`whatsapp_messages_received_total{type="text"}`:                    func() { m.MessageReceived("text", time.Now()) },
		`whatsapp_messages_received_total{type="other"}`:                   func() { m.MessageReceived("hologram", time.Now()) },
		`whatsapp_messages_sent_total{type="interactive"}`:                 func() { m.MessageSent("interactive") },
		`whatsapp_messages_failed_total`:                                   m.MessageFailed,
		`whatsapp_statuses_total{status="read"}`:                           func() { m.StatusReceived("read") },
		`whatsapp_messages_priced_total{billable="true",category="service",type="regular"}`: func() {
			m.MessagePriced("service", "regular", "true")
		},
		`whatsapp_messages_priced_total{billable="true",category="other",type="regular"}`: func() {
			m.MessagePriced("a new one", "regular", "true")
		},
		`whatsapp_webhook_requests_total{code="503"}`:                            func() { m.Request(http.StatusServiceUnavailable) },
		`whatsapp_ai_response_seconds_count{method="notify_bird_status_change"}`: func() { m.AIAnswered("notify_bird_status_change", 0) },
		`whatsapp_store_errors_total{operation="claim"}`:                         func() { m.storeErrs.WithLabelValues("claim").Inc() },
		`whatsapp_message_processing_seconds_count{type="text"}`:                 func() { m.MessageProcessed("text", 0) },
		`whatsapp_api_errors_total{class="configuration",code="other"}`:          func() { m.CallFailed(&failure.Error{Class: failure.Configuration}) },
	}

	for series, happen := range record {
		if got := scrape(t, m, series); len(got) != 1 || got[0] != series+" 0" {
			t.Errorf("at the start: %q, want %s 0", got, series)
		}

		happen()

		if got := scrape(t, m, series); len(got) != 1 || got[0] != series+" 1" {
			t.Errorf("afterwards: %q, want %s 1", got, series)
		}
	}
}

// TestMethods checks that the metrics know all methods of Bird.
func TestMethods(t *testing.T) {
	contract, err := os.ReadFile("../assistant/method.go")
	if err != nil {
		t.Fatal(err)
	}

	want := []string{config.NotifyStatus}
	for _, match := range regexp.MustCompile(`Method += "([a-z_]+)"`).FindAllSubmatch(contract, -1) {
		want = append(want, string(match[1]))
	}

	slices.Sort(want)

	if diff := cmp.Diff(want, methods); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
