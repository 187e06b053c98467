// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package metrics holds the receiver's metrics for Prometheus and the health figures of /status. Every label is bounded:
// an unknown value from outside becomes "other".
package metrics

import (
	"strconv"
	"sync/atomic"

	"github.com/jonboulle/clockwork"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

// Metrics holds all metrics of a receiver. It is safe for concurrent use.
type Metrics struct {
	Registry *prometheus.Registry

	figures  *figures
	codes    *labelSet
	activity atomic.Int64

	events     *prometheus.CounterVec
	received   *prometheus.CounterVec
	sent       *prometheus.CounterVec
	statuses   *prometheus.CounterVec
	priced     *prometheus.CounterVec
	apiErrors  *prometheus.CounterVec
	callErrors *prometheus.CounterVec
	requests   *prometheus.CounterVec
	links      *prometheus.CounterVec
	messages   *prometheus.CounterVec
	duplicates *prometheus.CounterVec
	storeErrs  *prometheus.CounterVec
	failed     prometheus.Counter
	panics     prometheus.Counter
	ack        prometheus.Histogram
	processing *prometheus.HistogramVec
	ai         *prometheus.HistogramVec
	cut        prometheus.Counter
	unsent     prometheus.Counter
	usage      usage
	empty      prometheus.Counter
	unanswered prometheus.Counter
	awaited    *awaited
}

// New registers all metrics in a new registry, together with the metrics of the process and the Go runtime. Every series
// whose labels are known exists from the start, at 0: Prometheus calculates no increase from a first sample.
func New(clock clockwork.Clock) *Metrics {
	m := &Metrics{
		Registry: prometheus.NewRegistry(),
		figures:  newFigures(clock),
		codes:    newLabelSet(maxCodes),
	}
	m.registerEvents()
	m.registerRequests()
	m.registerTimes()
	m.registerAnswers()
	m.registerUsage()
	m.awaited = newAwaited(clock)
	m.Registry.MustRegister(
		m.awaited.gauge(),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	m.startAtZero()

	return m
}

// registerEvents registers the counters of events, messages and statuses.
func (m *Metrics) registerEvents() {
	m.events = m.counters(
		"whatsapp_events_stored_total",
		"New events that are durable, by kind and by the state in which they were stored.",
		"kind", "state",
	)
	m.received = m.counters(
		"whatsapp_messages_received_total",
		"Messages from people, each counted once however often Meta delivers it.",
		"type",
	)
	m.sent = m.counters(
		"whatsapp_messages_sent_total",
		"Messages that Meta accepted for sending.",
		"type",
	)
	m.statuses = m.counters(
		"whatsapp_statuses_total",
		"Statuses of sent messages.",
		"status",
	)
	m.priced = m.counters(
		"whatsapp_messages_priced_total",
		"Delivered messages by how Meta bills them, each counted once, in groups once for each participant.",
		"category", "type", "billable",
	)
	m.duplicates = m.counters(
		"whatsapp_duplicates_total",
		"Events that Meta delivered again and that changed nothing.",
		"kind",
	)
	m.failed = m.counter(
		"whatsapp_messages_failed_total",
		"Messages that failed permanently and became dead letters.",
	)
	m.panics = m.counter(
		"whatsapp_panics_total",
		"Panics while an event was processed. Each is a bug.",
	)
}

// registerRequests registers the counters of requests, calls and their failures.
func (m *Metrics) registerRequests() {
	m.requests = m.counters(
		"whatsapp_webhook_requests_total",
		"Requests to the webhook by HTTP status.",
		"code",
	)
	m.messages = m.counters(
		"whatsapp_messages_api_requests_total",
		"Requests to the messages API by operation and HTTP status.",
		"operation", "code",
	)
	m.links = m.counters(
		"whatsapp_media_link_requests_total",
		"Requests for linked media, by result.",
		"result",
	)
	m.apiErrors = m.counters(
		"whatsapp_api_errors_total",
		"Failed calls to Meta, the AI, the sink and the desk, by code and failure class.",
		"code", "class",
	)
	m.callErrors = m.counters(
		"whatsapp_call_errors_total",
		"Failed calls by target and failure class.",
		"target", "class",
	)
	m.storeErrs = m.counters(
		"whatsapp_store_errors_total",
		"Calls to the store that failed.",
		"operation",
	)
}

// registerTimes registers the histograms.
func (m *Metrics) registerTimes() {
	m.ack = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "whatsapp_webhook_ack_seconds",
		Help:    "Time from the first byte of a delivery to its durable acknowledgement.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
	})
	m.Registry.MustRegister(m.ack)

	slowBuckets := []float64{.01, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600}
	m.processing = m.histograms(
		"whatsapp_message_processing_seconds",
		"Time from the arrival of a message to its end, retries included.",
		slowBuckets,
		"type",
	)
	m.ai = m.histograms(
		"whatsapp_ai_response_seconds",
		"Duration of calls to the AI, including failed ones.",
		slowBuckets,
		"method",
	)
}

// registerAnswers registers the counters of answers that were cut, empty or late.
func (m *Metrics) registerAnswers() {
	m.cut = m.counter(
		"whatsapp_titles_cut_total",
		"Titles, headers, footers and descriptions that were truncated to WhatsApp's limits.",
	)
	m.unsent = m.counter(
		"whatsapp_answer_messages_cut_total",
		"Messages of answers that were not sent because the answer exceeded processing.maxMessagesPerAnswer.",
	)
	m.empty = m.counter(
		"whatsapp_ai_empty_answers_total",
		"Empty answers of the AI, for every value of bird.emptyAnswer.",
	)
	m.unanswered = m.counter(
		"whatsapp_unanswered_messages_total",
		"Later answers that did not arrive within processing.answerWithin.",
	)
}

// startAtZero creates the series of all known labels.
func (m *Metrics) startAtZero() {
	for _, kind := range kinds {
		m.duplicates.WithLabelValues(kind)

		for _, state := range initialStates {
			m.events.WithLabelValues(kind, state)
		}
	}

	for _, messageType := range append([]string{other}, messageTypes...) {
		m.received.WithLabelValues(messageType)
		m.processing.WithLabelValues(messageType)
	}

	for _, messageType := range sentTypes {
		m.sent.WithLabelValues(messageType)
	}

	for _, status := range append([]string{other}, statuses...) {
		m.statuses.WithLabelValues(status)
	}

	for _, category := range append([]string{other}, priceCategories...) {
		for priceType, billable := range usualPrices {
			m.priced.WithLabelValues(category, priceType, billable)
		}
	}

	for _, class := range failure.Classes {
		m.apiErrors.WithLabelValues(other, string(class))

		for _, target := range targets {
			m.callErrors.WithLabelValues(target, string(class))
		}
	}

	for _, status := range requestStatuses {
		m.requests.WithLabelValues(strconv.Itoa(status))
	}

	for operation, statuses := range messagesOperations {
		for _, status := range statuses {
			m.messages.WithLabelValues(operation, strconv.Itoa(status))
		}
	}

	for _, result := range linkResults {
		m.links.WithLabelValues(string(result))
	}

	for _, operation := range storeOperations {
		m.storeErrs.WithLabelValues(operation)
	}

	for _, method := range methods {
		m.ai.WithLabelValues(method)
	}
}

func (m *Metrics) counter(name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	m.Registry.MustRegister(c)

	return c
}

func (m *Metrics) counters(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	m.Registry.MustRegister(c)

	return c
}

func (m *Metrics) histograms(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    name,
		Help:    help,
		Buckets: buckets,
	}, labels)
	m.Registry.MustRegister(h)

	return h
}
