// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/promhttp"

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
			m := New()
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
		"caller cancelled":  {context.Canceled, false},
	} {
		t.Run(name, func(t *testing.T) {
			m := New()
			s := m.CountStore(failingStore{err: tc.err})

			_, ingest := s.Ingest(t.Context(), nil)
			if ping := s.Ping(t.Context()); !errors.Is(ingest, tc.err) || !errors.Is(ping, tc.err) {
				t.Errorf("errors %v and %v, want %v", ingest, ping, tc.err)
			}

			var want []string
			if tc.counted {
				want = []string{`whatsapp_store_errors_total{operation="ingest"} 1`, `whatsapp_store_errors_total{operation="ping"} 1`}
			}

			if diff := cmp.Diff(want, scrape(t, m, "whatsapp_store_errors_total")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
