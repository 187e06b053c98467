// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package admin serves the admin port: probes, metrics and status, without personal data or secrets.
package admin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/metrics"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// storeTimeout bounds the store query of a probe.
const storeTimeout = 3 * time.Second

// Dependencies are the dependencies of the admin port. All are required.
type Dependencies struct {
	Store          store.Store
	Live           *config.Live
	Metrics        *metrics.Metrics
	Problems       func() map[string]string // configuration problems by operation; the handler modifies the map
	ClosedScopes   func() []health.ClosedScope
	Token          func() health.TokenState
	TokenExpiresAt func() time.Time // zero if it never expires or is unknown
	Subscription   func() health.Subscription
	Standby        func() []health.Standby
	Backup         func() *health.Backup // nil without a schedule
	// DeadLettersExpireAt returns when the oldest dead letter or quarantined event, whose age counts from oldest, is purged.
	DeadLettersExpireAt func(oldest, now time.Time) time.Time
	Draining            func() bool
	Clock               clockwork.Clock
	Log                 *slog.Logger
	Version             string
}

// New returns the handler of the admin port.
func New(dependencies Dependencies) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", dependencies.ready)
	mux.HandleFunc("GET /status", dependencies.status)
	mux.Handle("GET /metrics", promhttp.HandlerFor(dependencies.Metrics.Registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4}))

	return mux
}

// ready answers 503 with the reasons while the receiver cannot accept deliveries.
func (d Dependencies) ready(w http.ResponseWriter, r *http.Request) {
	var reasons []string
	if d.Draining() {
		reasons = append(reasons, "shutting down")
	}

	if missing := d.Live.Current().MissingForDeliveries(); len(missing) > 0 {
		reasons = append(reasons, "missing secrets: "+strings.Join(missing, ", "))
	}

	ctx, cancel := context.WithTimeout(r.Context(), storeTimeout)
	defer cancel()

	if err := d.Store.Ping(ctx); err != nil {
		d.Log.Error("not ready: the store is unavailable", "error", err)

		reason := "the store accepts no events"
		if errors.Is(err, store.ErrDiskFull) {
			reason += ": " + store.ErrDiskFull.Error()
		}

		if errors.Is(err, store.ErrKey) {
			reason += ": " + store.KeyProblem(err)
		}

		if migrating, ok := errors.AsType[*store.MigratingError](err); ok {
			reason = migrating.Error()
		}

		reasons = append(reasons, reason)
	}

	if len(reasons) > 0 {
		http.Error(w, strings.Join(reasons, "\n"), http.StatusServiceUnavailable)
		return
	}

	fmt.Fprintln(w, "ok")
}
