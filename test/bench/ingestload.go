// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/edge"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/metrics"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/tracing"
)

// timeSyncs returns how long the disk takes to overwrite 4 KiB of a file and fsync, which is about what a store does at a
// commit.
func timeSyncs(count int) (_ []time.Duration, err error) {
	file, err := os.CreateTemp("", "whatsapp-webhook-bench-")
	if err != nil {
		return nil, fmt.Errorf("create a file to measure the disk: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close(), os.Remove(file.Name())) }()

	const pages = 256

	page := make([]byte, 4096)
	if _, err := file.Write(make([]byte, pages*len(page))); err != nil {
		return nil, fmt.Errorf("write to the disk: %w", err)
	}

	took := make([]time.Duration, 0, count)
	for i := range count + 1 {
		began := time.Now()

		if _, err := file.WriteAt(page, int64(i%pages*len(page))); err != nil {
			return nil, fmt.Errorf("write to the disk: %w", err)
		}

		if err := file.Sync(); err != nil {
			return nil, fmt.Errorf("write to the disk: %w", err)
		}

		if i > 0 { // the first fsync writes all pages
			took = append(took, time.Since(began))
		}
	}

	return took, nil
}

// measureEdge serves the edge with inbox on a loopback port and delivers all requests to it.
func measureEdge(
	ctx context.Context,
	inbox edge.Ingester,
	requests [][]byte,
	connections int,
) (loadResult, error) {
	live := config.Fixed(
		config.Config{Bird: config.Bird{BaseURL: "http://127.0.0.1"}},
		config.Secrets{AppSecrets: []string{appSecret}},
	)
	server := &http.Server{
		ReadHeaderTimeout: 5 * time.Second,
		Handler: edge.New(edge.Dependencies{
			Inbox:   inbox,
			Live:    live,
			Metrics: metrics.New(clockwork.NewRealClock()),
			Tracer:  &tracing.Tracer{},
			Clock:   clockwork.NewRealClock(),
			Log:     slog.New(slog.DiscardHandler),
			Version: "bench",
		}),
	}

	var listen net.ListenConfig

	listener, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return loadResult{}, err
	}

	served := make(chan struct{})
	go func() { defer close(served); _ = server.Serve(listener) }()

	defer func() { _ = server.Close(); <-served }()

	return load(ctx, listener.Addr().String(), requests, connections)
}

// median returns the load with the median rate.
func median(loads []loadResult) loadResult {
	sorted := slices.SortedFunc(slices.Values(loads), func(a, b loadResult) int {
		return cmp.Compare(a.perSecond, b.perSecond)
	})

	return sorted[len(sorted)/2]
}

// shedIn returns the number of answers with 503.
func shedIn(loads []loadResult) int64 {
	var sum int64
	for _, l := range loads {
		sum += l.shed
	}

	return sum
}

// ratioOf returns the median of the ratios of the rounds: the machine's speed changes less within a round than between
// rounds.
func ratioOf(loads, bases []loadResult) float64 {
	ratios := make([]float64, len(loads))
	for round := range loads {
		ratios[round] = loads[round].perSecond / bases[round].perSecond
	}

	slices.Sort(ratios)

	return ratios[len(ratios)/2]
}
