// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
)

// ClosedScope is a scope that may not be called now.
type ClosedScope struct {
	Kind   string // such as bird or number, without the id
	Reason string // rate_limited, refused or unavailable
}

// The known kinds of scopes and reasons, sorted. Kinds of a single conversation are counted, not named.
var (
	scopeKinds = []string{
		"app", "bird", "bird_method", "business_account", "files", "graph", "number", "pair", "recipient",
	}
	scopeReasons = []string{"rate_limited", "refused", "throughput", "unavailable"}
)

// scopes collects the number of closed scopes at each scrape.
type scopes struct {
	closed func() []ClosedScope
	desc   *prometheus.Desc
}

// WatchScopes registers the gauge of closed scopes.
func (m *Metrics) WatchScopes(closed func() []ClosedScope) {
	m.Registry.MustRegister(&scopes{
		closed: closed,
		desc: prometheus.NewDesc(
			"whatsapp_scope_closed",
			"Closed scopes by kind and reason. The next call to a closed scope is a probe.",
			[]string{"scope", "reason"},
			nil,
		),
	})
}

// Describe implements prometheus.Collector.
func (s *scopes) Describe(descs chan<- *prometheus.Desc) { descs <- s.desc }

// Collect implements prometheus.Collector.
func (s *scopes) Collect(metrics chan<- prometheus.Metric) {
	counts := map[ClosedScope]int{}

	for _, kind := range scopeKinds {
		for _, reason := range scopeReasons {
			counts[ClosedScope{kind, reason}] = 0
		}
	}

	for _, scope := range s.closed() {
		counts[ClosedScope{known(scopeKinds, scope.Kind), known(scopeReasons, scope.Reason)}]++
	}

	for scope, count := range counts {
		metrics <- prometheus.MustNewConstMetric(s.desc, prometheus.GaugeValue, float64(count), scope.Kind, scope.Reason)
	}
}
