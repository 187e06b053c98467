// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/metrics"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// Starting serves the admin port until the store is open.
type Starting struct {
	Version string
	Live    *config.Live

	migration atomic.Pointer[store.Migration]
	restoring atomic.Pointer[restoring]
}

// restoring is the progress of a restore, or why its last attempt failed.
type restoring struct {
	text   string
	failed bool
}

// Migrating records the progress of a migration.
func (s *Starting) Migrating(m store.Migration) { s.migration.Store(&m) }

// Restoring records the progress of a restore, or why its last attempt failed.
func (s *Starting) Restoring(text string, failed bool) { s.restoring.Store(&restoring{text, failed}) }

// Opening records that nothing is restored any more.
func (s *Starting) Opening() { s.restoring.Store(nil) }

// Handler returns the handler. The receiver lives, so that it is not killed, and is not ready.
func (s *Starting) Handler(m *metrics.Metrics) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, s.reason(), http.StatusServiceUnavailable)
	})
	mux.HandleFunc("GET /status", s.status)
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.Registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4}))

	return mux
}

func (s *Starting) reason() string {
	if m := s.migration.Load(); m != nil {
		return (&store.MigratingError{Migration: *m}).Error()
	}

	if r := s.restoring.Load(); r != nil {
		return r.text
	}

	return "opening the store"
}

func (s *Starting) status(w http.ResponseWriter, _ *http.Request) {
	reason := s.reason()
	problems := map[string]string{}

	if r := s.restoring.Load(); r != nil && r.failed {
		problems["restore"] = r.text
	}

	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(health.Report{
		Status:         health.StatusStarting,
		Warnings:       []string{reason},
		Version:        s.Version,
		MissingSecrets: append([]string{}, s.Live.Current().Missing()...),
		Problems:       problems,
		Token:          health.TokenUnknown,
		Subscription:   health.Subscription{State: health.SubscriptionPending},
		Standby:        []health.Standby{},
		Metrics:        health.Figures{ErrorCounts: map[string]int64{}},
	})
}
