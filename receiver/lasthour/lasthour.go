// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package lasthour records a receiver's metrics of the last hour in memory, for the charts of the console. A Prometheus
// server serves longer times.
package lasthour

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/prometheus/client_golang/prometheus"
)

const (
	// Interval is the time between two points.
	Interval = 10 * time.Second
	// MaxPoints limits the points to an hour. One has less than 200 bytes.
	MaxPoints = int(time.Hour / Interval)
	// maxRest is how long an idle receiver repeats the last state at most, without a query of the store.
	maxRest = 15 * time.Minute
)

// Point holds the counts since the previous point, and the state at its time. A quantile is an estimate from the buckets of
// a histogram, as Prometheus computes it, and null if nothing was observed.
type Point struct {
	At      time.Time `json:"at"`
	Seconds float64   `json:"seconds"` // since the previous point

	Received   int64 `json:"received"`   // messages that arrived
	Sent       int64 `json:"sent"`       // messages that Meta accepted
	Statuses   int64 `json:"statuses"`   // statuses that arrived
	Failed     int64 `json:"failed"`     // messages that became dead letters
	Unanswered int64 `json:"unanswered"` // deliveries that were not answered 200
	Priced     int64 `json:"priced"`     // messages that Meta bills

	AckP99      *float64 `json:"ack_p99_seconds"`        // until a delivery was acknowledged
	AnswerP50   *float64 `json:"answer_p50_seconds"`     // of a message, from its arrival to its end
	AnswerP95   *float64 `json:"answer_p95_seconds"`     //
	AIP50       *float64 `json:"ai_p50_seconds"`         // of a call to the AI
	AIP95       *float64 `json:"ai_p95_seconds"`         //
	Pending     int64    `json:"pending"`                // messages
	DeadLetters int64    `json:"dead_letters"`           // in the store
	OldestSecs  float64  `json:"oldest_pending_seconds"` // since the oldest pending message arrived
	WithPeople  int64    `json:"with_people"`            // conversations that people have
	Waiting     int64    `json:"waiting_for_people"`     // of these, in which the person waits
}

// Recorder records points. Run it once.
type Recorder struct {
	metrics prometheus.Gatherer
	// activity counts what happened. While it stays, the metrics are not read: they query the store.
	activity func() int64
	clock    clockwork.Clock
	log      *slog.Logger

	mu     sync.Mutex
	points []Point // the oldest first
	last   sample
	read   time.Time // when the metrics were read last
}

// New returns a recorder of the metrics, without points.
func New(metrics prometheus.Gatherer, activity func() int64, clock clockwork.Clock, log *slog.Logger) *Recorder {
	return &Recorder{
		metrics:  metrics,
		activity: activity,
		clock:    clock,
		log:      log,
	}
}

// Run records a point at each interval, until ctx ends.
func (r *Recorder) Run(ctx context.Context) {
	ticker := r.clock.NewTicker(Interval)
	defer ticker.Stop()

	for {
		r.record()

		select {
		case <-ctx.Done():
			return
		case <-ticker.Chan():
		}
	}
}

// Points returns the points of the last hour, the oldest first.
func (r *Recorder) Points() []Point {
	r.mu.Lock()
	defer r.mu.Unlock()

	return append([]Point{}, r.points...)
}

// record adds a point. The first sample only begins the first interval. While the store is unavailable, its figures are
// missing in the sample, and a point shows 0.
func (r *Recorder) record() {
	now := r.clock.Now().UTC()
	activity := r.activity()

	if r.rests(now, activity) {
		return
	}

	families, err := r.metrics.Gather()
	if err != nil && len(families) == 0 {
		r.log.Error("reading the metrics for the last hour failed", "error", err)
		return
	}

	next := newSample(now, families)
	next.activity = activity

	r.mu.Lock()
	defer r.mu.Unlock()

	if !r.last.at.IsZero() {
		r.add(next.since(r.last))
	}

	r.last = next
	r.read = now
}

// rests adds a point with the last state and reports true, if nothing has happened since and no message waits.
func (r *Recorder) rests(now time.Time, activity int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()

	isIdle := activity == r.last.activity && r.last.values[metricPending] == 0
	if r.last.at.IsZero() || !isIdle || now.Sub(r.read) >= maxRest {
		return false
	}

	next := r.last
	next.at = now
	r.add(next.since(r.last))
	r.last = next

	return true
}

// add adds a point. The caller holds the lock.
func (r *Recorder) add(p Point) {
	if len(r.points) == MaxPoints {
		r.points = append(r.points[:0], r.points[1:]...)
	}

	r.points = append(r.points, p)
}
