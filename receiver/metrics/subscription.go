// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
)

// subscription shows, at each scrape, how far the declared subscription is.
type subscription struct {
	state   func() health.Subscription
	expires func() time.Time

	active, expiry *prometheus.Desc
}

// WatchSubscription adds the gauges of the subscription. What does not apply is absent from the scrape, so that an alert
// compares without exceptions: a subscription that is not declared, and the end of a token that has none.
func (m *Metrics) WatchSubscription(state func() health.Subscription, tokenExpires func() time.Time) {
	m.Registry.MustRegister(&subscription{
		state:   state,
		expires: tokenExpires,
		active:  prometheus.NewDesc("whatsapp_subscription_active", "1 while Meta's webhook subscription is as declared, else 0.", nil, nil),
		expiry:  prometheus.NewDesc("whatsapp_token_expires_timestamp_seconds", "When the access token expires, in unix seconds.", nil, nil),
	})
}

func (s *subscription) Describe(descs chan<- *prometheus.Desc) {
	descs <- s.active

	descs <- s.expiry
}

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
