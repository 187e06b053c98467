// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import "github.com/prometheus/client_golang/prometheus"

// usage holds the metrics of the token usage of the AI.
type usage struct {
	tokens    *prometheus.CounterVec
	truncated prometheus.Counter
}

func (m *Metrics) registerUsage() {
	m.usage.tokens = m.counters(
		"whatsapp_ai_tokens_total",
		"Tokens of answers, as a model reports them.",
		"direction",
	)
	m.usage.truncated = m.counter(
		"whatsapp_ai_answers_truncated_total",
		"Answers that a model truncated at its token limit.",
	)

	m.AIUsed(0, 0)
}

// AIUsed records the tokens of an answer.
func (m *Metrics) AIUsed(input, output int64) {
	m.usage.tokens.WithLabelValues("input").Add(float64(max(input, 0)))
	m.usage.tokens.WithLabelValues("output").Add(float64(max(output, 0)))
}

// AITruncated records an answer that a model ended at its limit of tokens.
func (m *Metrics) AITruncated() { m.usage.truncated.Inc() }
