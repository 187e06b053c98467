// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	// maxAwaited bounds the questions that are counted.
	maxAwaited = 100_000
	// awaitedGrace is the tolerated delay of the next poll of a question. After it another receiver counts the question.
	awaitedGrace = 10 * time.Second
)

// awaited counts the questions whose later answers this receiver awaits. Their events wait among the statuses.
type awaited struct {
	clock clockwork.Clock

	mu    sync.Mutex
	until map[store.ID]time.Time // when this receiver looks at the deadline again
}

func newAwaited(clock clockwork.Clock) *awaited {
	return &awaited{clock: clock, until: map[store.ID]time.Time{}}
}

func (a *awaited) gauge() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "whatsapp_answers_awaited",
		Help: "Questions that the AI answers later, and whose answer this receiver awaits. They are part of whatsapp_status_queue_size.",
	}, func() float64 { return float64(a.count()) })
}

func (a *awaited) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()

	a.forget()

	return len(a.until)
}

// forget drops the questions of deadlines that another receiver polls. The caller holds the lock.
func (a *awaited) forget() {
	since := a.clock.Now().Add(-awaitedGrace)

	for deadline, until := range a.until {
		if until.Before(since) {
			delete(a.until, deadline)
		}
	}
}

// AnswerAwaited records that a deadline still waits for an answer, and when this receiver looks at it again.
func (m *Metrics) AnswerAwaited(deadline store.ID, until time.Time) {
	m.awaited.mu.Lock()
	defer m.awaited.mu.Unlock()

	if len(m.awaited.until) >= maxAwaited {
		m.awaited.forget()
	}

	if len(m.awaited.until) < maxAwaited {
		m.awaited.until[deadline] = until
	}
}

// AnswerSettled records that a deadline has ended.
func (m *Metrics) AnswerSettled(deadline store.ID) {
	m.awaited.mu.Lock()
	defer m.awaited.mu.Unlock()

	delete(m.awaited.until, deadline)
}
