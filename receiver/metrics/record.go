// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"net/http"
	"strconv"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

// Activity returns how often messages and statuses arrived, were sent or ended, and deliveries were refused, since the start. While it
// stays, the other counters do too.
func (m *Metrics) Activity() int64 { return m.activity.Load() }

// Request records an answered request to the webhook. A health check of a load balancer is not activity.
func (m *Metrics) Request(status int) {
	m.requests.WithLabelValues(strconv.Itoa(status)).Inc()

	if status != http.StatusOK {
		m.activity.Add(1)
	}
}

// MessagesRequest records an answered request to the messages API.
func (m *Metrics) MessagesRequest(operation string, status int) {
	m.messages.WithLabelValues(operation, strconv.Itoa(status)).Inc()
}

// MediaLinkAnswered records an answered request for linked media.
func (m *Metrics) MediaLinkAnswered(result LinkResult) { m.links.WithLabelValues(string(result)).Inc() }

// Acknowledged records how long a delivery took to become durable.
func (m *Metrics) Acknowledged(took time.Duration) { m.ack.Observe(took.Seconds()) }

// EventStored records a new event.
func (m *Metrics) EventStored(kind, state string) { m.events.WithLabelValues(kind, state).Inc() }

// EventRepeated records a redelivered event.
func (m *Metrics) EventRepeated(kind string) { m.duplicates.WithLabelValues(kind).Inc() }

// MessageReceived records a new message from a person.
func (m *Metrics) MessageReceived(messageType string, at time.Time) {
	m.received.WithLabelValues(known(messageTypes, messageType)).Inc()
	m.figures.received(at)
	m.activity.Add(1)
}

// StatusReceived records a new status.
func (m *Metrics) StatusReceived(status string) {
	m.statuses.WithLabelValues(known(statuses, status)).Inc()
	m.activity.Add(1)
}

// MessagePriced records how Meta bills a delivered message. billable is "true", "false" or "unknown".
func (m *Metrics) MessagePriced(category, priceType, billable string) {
	m.priced.WithLabelValues(known(priceCategories, category), known(priceTypes, priceType), known(billables, billable)).Inc()
}

// MessageSent records a message that Meta accepted.
func (m *Metrics) MessageSent(messageType string) {
	m.sent.WithLabelValues(known(messageTypes, messageType)).Inc()
	m.activity.Add(1)
}

// TitlesCut records the number of truncated titles of a message.
func (m *Metrics) TitlesCut(n int) { m.cut.Add(float64(n)) }

// AnswerCut records the messages of an answer that were not sent because there were too many.
func (m *Metrics) AnswerCut(messages int) { m.unsent.Add(float64(messages)) }

// AIAnsweredNothing records a response of the AI without an answer.
func (m *Metrics) AIAnsweredNothing() { m.empty.Inc() }

// MessageUnanswered records a message whose later answer did not come in time.
func (m *Metrics) MessageUnanswered() { m.unanswered.Inc() }

// AIAnswered records the duration of a call to the AI.
func (m *Metrics) AIAnswered(method string, took time.Duration) {
	m.ai.WithLabelValues(method).Observe(took.Seconds())
}

// MessageProcessed records a message that was processed, and the time since its arrival.
func (m *Metrics) MessageProcessed(messageType string, took time.Duration) {
	m.processing.WithLabelValues(known(messageTypes, messageType)).Observe(took.Seconds())
	m.figures.processed(took)
	m.activity.Add(1)
}

// CallFailed records a failed call to Meta, the AI, the sink or the desk.
func (m *Metrics) CallFailed(f *failure.Error) {
	code := m.codes.admit(f.Code)
	m.apiErrors.WithLabelValues(code, string(f.Class)).Inc()
	m.callErrors.WithLabelValues(targetOf(f.Op), string(f.Class)).Inc()
	m.figures.errored(code)
}

// MessageUnanswerable records why a message cannot be answered.
func (m *Metrics) MessageUnanswerable(f *failure.Error) { m.figures.errored(m.codes.admit(f.Code)) }

// Panicked counts a panic while an event was processed.
func (m *Metrics) Panicked() { m.panics.Inc() }

// MessageRecovered records that a message which had become a dead letter was replayed and processed.
func (m *Metrics) MessageRecovered() { m.figures.recovered() }

// MessageFailed records a message that became a dead letter.
func (m *Metrics) MessageFailed() {
	m.failed.Inc()
	m.figures.failed()
	m.activity.Add(1)
}
