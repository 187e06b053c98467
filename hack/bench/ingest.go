// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/edge"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/metrics"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/sqlite"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/tracing"
)

const (
	appSecret    = "bench-app-secret"
	ingestRatio  = 0.6
	ingestP99    = 25 * time.Millisecond
	webhookRoute = "/webhooks/whatsapp"
)

// discard is the inbox of the base line: the same handler with the store left out.
type discard struct{}

func (discard) Ingest(_ context.Context, events []store.Event) ([]bool, error) {
	return make([]bool, len(events)), nil
}

// ingest measures durable acknowledgements through the whole edge: HTTP, signature, JSON and the embedded store with an
// fsync before every answer.
func ingest(ctx context.Context, connections, rounds, deliveries int) (_ []figure, err error) {
	dir, err := os.MkdirTemp("", "whatsapp-webhook-bench-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the store: %w", err)
	}
	defer os.RemoveAll(dir)
	inbox, err := sqlite.Open(ctx, filepath.Join(dir, "inbox.db"), sqlite.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, inbox.Close()) }()

	var base, durable []result
	for round := range rounds {
		requests := newRequests(round, deliveries)
		r, err := deliverTo(ctx, discard{}, requests, connections)
		if err != nil {
			return nil, fmt.Errorf("without the store: %w", err)
		}
		base = append(base, r)
		if r, err = deliverTo(ctx, inbox, requests, connections); err != nil {
			return nil, fmt.Errorf("embedded store: %w", err)
		}
		durable = append(durable, r)
	}
	stats, err := inbox.Stats(ctx, time.Now())
	if err != nil {
		return nil, err
	}
	if want := int64(rounds * deliveries); stats.Pending != want {
		return nil, fmt.Errorf("%d deliveries were acknowledged and %d are stored", want, stats.Pending)
	}
	without, with := median(base), median(durable)
	ratio := with.perSecond / without.perSecond
	return []figure{
		{"deliveries/s, store left out", fmt.Sprintf("%.0f", without.perSecond), "", "base line"},
		{"deliveries/s, durable, embedded store", fmt.Sprintf("%.0f", with.perSecond), "", ""},
		{"ratio of the two", fmt.Sprintf("%.2f", ratio), fmt.Sprintf(">= %.2f", ingestRatio), verdict(ratio >= ingestRatio)},
		{"p50 to acknowledgement, durable", with.p50.Round(10 * time.Microsecond).String(), "", ""},
		{"p99 to acknowledgement, durable", with.p99.Round(10 * time.Microsecond).String(), "< " + ingestP99.String(), verdict(with.p99 < ingestP99)},
	}, nil
}

// deliverTo serves the edge over inbox on a loopback port and delivers all requests to it.
func deliverTo(ctx context.Context, inbox edge.Ingester, requests [][]byte, connections int) (result, error) {
	live := config.Fixed(config.Config{Bird: config.Bird{BaseURL: "http://127.0.0.1"}}, config.Secrets{AppSecrets: []string{appSecret}})
	server := &http.Server{
		ReadHeaderTimeout: 5 * time.Second,
		Handler: edge.New(edge.Parts{
			Inbox: inbox, Wake: func(...store.Class) {}, Live: live, Metrics: metrics.New(), Tracer: &tracing.Tracer{}, Now: time.Now, Log: slog.New(slog.DiscardHandler), Version: "bench",
		}),
	}
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return result{}, err
	}
	served := make(chan struct{})
	go func() { defer close(served); _ = server.Serve(listener) }()
	defer func() { _ = server.Close(); <-served }()
	return load(ctx, listener.Addr().String(), requests, connections)
}

func median(results []result) result {
	slices.SortFunc(results, func(a, b result) int { return int(a.perSecond - b.perSecond) })
	return results[len(results)/2]
}
