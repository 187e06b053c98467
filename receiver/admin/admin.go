// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package admin serves the receiver's probes, metrics and status to the cluster. It tells no personal data and no secret.
package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/metrics"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// storeTimeout bounds a probe's look into the store.
const storeTimeout = 3 * time.Second

// Parts are what the admin port shows. All are required.
type Parts struct {
	Store    store.Store
	Live     *config.Live
	Metrics  *metrics.Metrics
	Problems func() map[string]string // what is wrong with the configuration, by operation
	Token    func() string            // what Meta last said of the access token: unknown, accepted or refused
	Draining func() bool
	Now      func() time.Time
	Log      *slog.Logger
	Version  string
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

// ready answers 503 with the reasons while a delivery could not be taken.
func (p Parts) ready(w http.ResponseWriter, r *http.Request) {
	var reasons []string
	if p.Draining() {
		reasons = append(reasons, "shutting down")
	}
	if missing := p.Live.Now().Secrets.Missing(); len(missing) > 0 {
		reasons = append(reasons, "missing secrets: "+strings.Join(missing, ", "))
	}
	ctx, cancel := context.WithTimeout(r.Context(), storeTimeout)
	defer cancel()
	if err := p.Store.Ping(ctx); err != nil {
		p.Log.Error("not ready: the store takes no events", "error", err)
		reasons = append(reasons, "the store takes no events")
	}
	if len(reasons) > 0 {
		http.Error(w, strings.Join(reasons, "\n"), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

// Status is the body of GET /status. Figures under metrics count since the process started; the others are of the store.
type Status struct {
	Status              string            `json:"status"` // healthy or warning
	Version             string            `json:"version"`
	MissingSecrets      []string          `json:"missing_secrets"`
	Problems            map[string]string `json:"problems"` // by operation; what a person has to mend
	Token               string            `json:"token"`    // what Meta last said of it: unknown, accepted or refused
	Pending             int64             `json:"pending"`
	OldestPendingSecs   float64           `json:"oldest_pending_seconds"`
	DeadLetters         int64             `json:"dead_letters"`
	Quarantined         int64             `json:"quarantined"`
	ActiveConversations int64             `json:"active_conversations"`
	Metrics             HealthFigures     `json:"metrics"`
}

// HealthFigures are those that WhatsApp webhook guides ask for.
type HealthFigures struct {
	SuccessRate           float64          `json:"success_rate"` // percent of the messages that reached an end
	MessagesReceived      int64            `json:"messages_received"`
	MessagesProcessed     int64            `json:"messages_processed"`
	MessagesFailed        int64            `json:"messages_failed"`
	AvgProcessingTimeMS   float64          `json:"avg_processing_time_ms"` // of the newest 1000
	ErrorCounts           map[string]int64 `json:"error_counts"`           // by code of Meta, Bird or HTTP
	LastMessageAgoMinutes *int64           `json:"last_message_ago_minutes"`
}

func (p Parts) status(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), storeTimeout)
	defer cancel()
	now := p.Now()
	stats, err := p.Store.Stats(ctx, now)
	if err != nil {
		p.Log.Error("status without the store's figures", "error", err)
		http.Error(w, "the store cannot be read", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(p.summary(now, stats))
}

// summary is healthy while nothing waits for a person: a quiet night is no fault, so how long ago the last message came
// is told but not judged.
func (p Parts) summary(now time.Time, stats store.Stats) Status {
	figures, snapshot := p.Metrics.Figures(), p.Live.Now()
	s := Status{
		Status: "healthy", Version: p.Version, MissingSecrets: snapshot.Secrets.Missing(), Problems: p.Problems(), Token: p.Token(),
		Pending: stats.Pending, DeadLetters: stats.DeadLetters, Quarantined: stats.Quarantined, ActiveConversations: stats.ActiveConversations,
		Metrics: HealthFigures{
			SuccessRate: figures.SuccessRate(), MessagesReceived: figures.MessagesReceived, MessagesProcessed: figures.MessagesProcessed,
			MessagesFailed: figures.MessagesFailed, AvgProcessingTimeMS: float64(figures.AvgProcessingTime.Microseconds()) / 1000,
			ErrorCounts: figures.ErrorCounts,
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
	if !stats.OldestPending.IsZero() {
		s.OldestPendingSecs = max(0, now.Sub(stats.OldestPending).Seconds())
	}
	if !figures.LastMessage.IsZero() {
		s.Metrics.LastMessageAgoMinutes = new(int64(now.Sub(figures.LastMessage).Minutes()))
	}
	if s.Metrics.SuccessRate <= 95 || len(s.MissingSecrets) > 0 || len(s.Problems) > 0 || s.DeadLetters > 0 {
		s.Status = "warning"
	}
	return s
}
