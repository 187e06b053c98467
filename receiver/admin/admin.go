// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package admin serves two ports: probes, metrics and status to the cluster, without personal data or secrets; and the
// dead letter console on the loopback interface.
package admin

import (
	"context"
	"encoding/json"
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

const (
	// storeTimeout bounds the store query of a probe.
	storeTimeout = 3 * time.Second
	// tokenWarning is the time before the expiry of the token from which the status is warning.
	tokenWarning = 7 * 24 * time.Hour
	// minSuccessRate is the percentage of processed messages down to which the status is warning.
	minSuccessRate = 95
)

// Parts are the dependencies of the admin port. All are required.
type Parts struct {
	Store          store.Store
	Live           *config.Live
	Metrics        *metrics.Metrics
	Problems       func() map[string]string // configuration problems by operation; the handler modifies the map
	Token          func() health.TokenState
	TokenExpiresAt func() time.Time // zero if it never expires or is unknown
	Subscription   func() health.Subscription
	Draining       func() bool
	Clock          clockwork.Clock
	Log            *slog.Logger
	Version        string
}

// New returns the handler of the admin port.
func New(parts Parts) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", parts.ready)
	mux.HandleFunc("GET /status", parts.status)
	mux.Handle("GET /metrics", promhttp.HandlerFor(parts.Metrics.Registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4}))

	return mux
}

// ready answers 503 with the reasons while the receiver cannot accept deliveries.
func (p Parts) ready(w http.ResponseWriter, r *http.Request) {
	var reasons []string
	if p.Draining() {
		reasons = append(reasons, "shutting down")
	}

	if missing := p.Live.Current().Missing(); len(missing) > 0 {
		reasons = append(reasons, "missing secrets: "+strings.Join(missing, ", "))
	}

	ctx, cancel := context.WithTimeout(r.Context(), storeTimeout)
	defer cancel()

	if err := p.Store.Ping(ctx); err != nil {
		p.Log.Error("not ready: the store is unavailable", "error", err)

		reasons = append(reasons, "the store takes no events")
	}

	if len(reasons) > 0 {
		http.Error(w, strings.Join(reasons, "\n"), http.StatusServiceUnavailable)
		return
	}

	fmt.Fprintln(w, "ok")
}

func (p Parts) status(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), storeTimeout)
	defer cancel()

	now := p.Clock.Now()

	s := p.summary(now)
	if stats, err := p.Store.Stats(ctx, now); err != nil {
		p.Log.Error("status has no backlog: the store is unavailable", "error", err)

		s.Status = "warning"
		s.Problems["store"] = "the store cannot be read"
	} else {
		s.Backlog = backlog(now, stats)
		if s.DeadLetters > 0 {
			s.Status = "warning"
		}
	}

	w.Header().Set("Content-Type", "application/json")
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(s)
}

func backlog(now time.Time, stats store.Stats) *health.Backlog {
	return &health.Backlog{
		Pending:             stats.Pending,
		PendingStatuses:     stats.PendingStatuses,
		PendingNotices:      stats.PendingNotices,
		OldestPendingSecs:   stats.OldestPendingAge(now).Seconds(),
		DeadLetters:         stats.DeadLetters,
		Quarantined:         stats.Quarantined,
		ActiveConversations: stats.ActiveConversations,
	}
}

// summary returns the report without the backlog. The status is healthy unless an administrator has to act. The time of
// the last message does not affect it, since a quiet night is normal.
func (p Parts) summary(now time.Time) health.Report {
	figures := p.Metrics.Figures()
	snapshot := p.Live.Current()

	s := health.Report{
		Status:         "healthy",
		Version:        p.Version,
		MissingSecrets: snapshot.Missing(),
		Problems:       p.Problems(),
		Token:          p.Token(),
		Subscription:   p.Subscription(),
		Metrics: health.Figures{
			SuccessRate:         figures.SuccessRate(),
			MessagesReceived:    figures.MessagesReceived,
			MessagesProcessed:   figures.MessagesProcessed,
			MessagesFailed:      figures.MessagesFailed,
			AvgProcessingTimeMS: float64(figures.AvgProcessingTime.Microseconds()) / 1000,
			ErrorCounts:         figures.ErrorCounts,
		},
	}
	if s.MissingSecrets == nil {
		s.MissingSecrets = []string{}
	}

	if s.Metrics.ErrorCounts == nil {
		s.Metrics.ErrorCounts = map[string]int64{}
	}

	if snapshot.Problem != "" {
		s.Problems["configuration"] = snapshot.Problem
	}

	if !figures.LastMessage.IsZero() {
		s.Metrics.LastMessageAgoMinutes = new(int64(now.Sub(figures.LastMessage).Minutes()))
	}

	expiring := false
	if at := p.TokenExpiresAt(); !at.IsZero() {
		s.TokenExpiresAt = &at
		expiring = at.Sub(now) < tokenWarning
	}

	misconfigured := len(s.MissingSecrets) > 0 || len(s.Problems) > 0
	subscriptionFailed := s.Subscription.State == health.SubscriptionFailed

	if misconfigured || subscriptionFailed || expiring || s.Metrics.SuccessRate <= minSuccessRate {
		s.Status = "warning"
	}

	return s
}
