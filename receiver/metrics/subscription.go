// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
)

// subscription collects the gauges of the subscription and the access token at each scrape.
type subscription struct {
	state   func() health.Subscription
	expires func() time.Time

	active, expiry *prometheus.Desc
}

// WatchSubscription registers the gauges of the subscription and the access token. A gauge is absent from the scrape if
// no subscription is declared, or if the token does not expire, so that alert expressions need no exceptions.
func (m *Metrics) WatchSubscription(state func() health.Subscription, tokenExpires func() time.Time) {
	m.Registry.MustRegister(&subscription{
		state:   state,
		expires: tokenExpires,
		active:  prometheus.NewDesc("whatsapp_subscription_active", "1 while Meta's webhook subscription is as declared, else 0.", nil, nil),
		expiry:  prometheus.NewDesc("whatsapp_token_expires_timestamp_seconds", "When the access token expires, in unix seconds.", nil, nil),
	})
}

// Describe implements prometheus.Collector.
func (s *subscription) Describe(descs chan<- *prometheus.Desc) {
	descs <- s.active

	descs <- s.expiry
}

// Collect implements prometheus.Collector.
func (s *subscription) Collect(metrics chan<- prometheus.Metric) {
	if state := s.state().State; state != health.SubscriptionNotRequested {
		active := 0.0
		if state == health.SubscriptionActive {
			active = 1
		}

		metrics <- prometheus.MustNewConstMetric(s.active, prometheus.GaugeValue, active)
	}

	if at := s.expires(); !at.IsZero() {
		metrics <- prometheus.MustNewConstMetric(s.expiry, prometheus.GaugeValue, float64(at.Unix()))
	}
}
