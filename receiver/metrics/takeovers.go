// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"context"

	"github.com/jonboulle/clockwork"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// takeovers collects the gauges of conversations whose person waits for a colleague, at each scrape.
type takeovers struct {
	store store.Takeovers
	clock clockwork.Clock

	waiting, oldest *prometheus.Desc
}

// WatchTakeovers registers the gauges of people who wait for a colleague. Of more than [store.MaxTakenOver] conversations it
// looks at the first by name. While the store is unavailable, the gauges are absent from the scrape, not zero.
func (m *Metrics) WatchTakeovers(s store.Takeovers, clock clockwork.Clock) {
	m.Registry.MustRegister(&takeovers{
		store: s,
		clock: clock,
		waiting: prometheus.NewDesc(
			"whatsapp_human_waiting_conversations",
			"Conversations in which the person waits for a colleague.",
			nil,
			nil,
		),
		oldest: prometheus.NewDesc(
			"whatsapp_oldest_human_wait_seconds",
			"How long the person who waits longest for a colleague has waited; 0 if no one waits.",
			nil,
			nil,
		),
	})
}

// Describe implements prometheus.Collector.
func (t *takeovers) Describe(descs chan<- *prometheus.Desc) {
	descs <- t.waiting

	descs <- t.oldest
}

// Collect implements prometheus.Collector.
func (t *takeovers) Collect(metrics chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), collectTimeout)
	defer cancel()

	waiting, err := store.CountWaiting(ctx, t.store, t.clock.Now())
	if err != nil {
		return
	}

	metrics <- prometheus.MustNewConstMetric(t.waiting, prometheus.GaugeValue, float64(waiting.Conversations))

	metrics <- prometheus.MustNewConstMetric(t.oldest, prometheus.GaugeValue, waiting.Longest.Seconds())
}
