// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
)

// configuration collects the gauges of missing secrets, rejected configuration and the refused token at each scrape.
type configuration struct {
	live  *config.Live
	token func() health.TokenState

	missing, rejected, refused *prometheus.Desc
}

// WatchConfiguration registers the gauges of missing secrets, a rejected configuration file and a refused token.
func (m *Metrics) WatchConfiguration(live *config.Live, token func() health.TokenState) {
	m.Registry.MustRegister(&configuration{
		live:  live,
		token: token,
		missing: prometheus.NewDesc(
			"whatsapp_secret_missing",
			"1 while the configuration requires a secret that has no value, by role, else 0.",
			[]string{"role"},
			nil,
		),
		rejected: prometheus.NewDesc(
			"whatsapp_configuration_rejected",
			"1 while a part of the newest configuration or secrets is not in use, since it cannot be loaded, needs a restart or is unknown; else 0.",
			nil,
			nil,
		),
		refused: prometheus.NewDesc(
			"whatsapp_token_refused",
			"1 while Meta refuses the access token, else 0.",
			nil,
			nil,
		),
	})
}

// Describe implements prometheus.Collector.
func (c *configuration) Describe(descs chan<- *prometheus.Desc) {
	descs <- c.missing

	descs <- c.rejected

	descs <- c.refused
}

// Collect implements prometheus.Collector.
func (c *configuration) Collect(metrics chan<- prometheus.Metric) {
	gauge := func(desc *prometheus.Desc, on bool, labels ...string) {
		value := 0.0
		if on {
			value = 1
		}

		metrics <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}

	snapshot := c.live.Current()
	missing := snapshot.Missing()

	for _, role := range config.RequiredRoles {
		gauge(c.missing, slices.Contains(missing, role), role)
	}

	gauge(c.rejected, snapshot.Problem != "")
	gauge(c.refused, c.token() == health.TokenRefused)
}
