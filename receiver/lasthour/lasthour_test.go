// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package lasthour

import (
	"context"
	"log/slog"
	"math"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jonboulle/clockwork"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"go.uber.org/goleak"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/metrics"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newRecorder(m *metrics.Metrics, clock clockwork.Clock) *Recorder {
	return New(m.Registry, m.Activity, clock, slog.New(slog.DiscardHandler))
}

func TestPoints(t *testing.T) {
	clock := clockwork.NewFakeClockAt(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	m := metrics.New(clock)
	r := newRecorder(m, clock)

	m.MessageReceived("text", clock.Now()) // before the first sample
	r.record()

	if points := r.Points(); len(points) != 0 {
		t.Errorf("%d points after the first sample, want none", len(points))
	}

	m.MessageReceived("text", clock.Now())
	m.MessageReceived("image", clock.Now())
	m.StatusReceived("read")
	m.MessageFailed()
	m.Request(http.StatusOK)
	m.Request(http.StatusServiceUnavailable)
	m.MessagePriced("marketing", "regular", "true")
	m.MessagePriced("service", "free_customer_service", "false")
	m.MessageProcessed("text", 70*time.Millisecond)
	clock.Advance(Interval)
	r.record()
	clock.Advance(Interval)
	r.record()

	want := []Point{
		{
			At:         time.Date(2026, 3, 1, 12, 0, 10, 0, time.UTC),
			Seconds:    10,
			Received:   2,
			Statuses:   1,
			Failed:     1,
			Unanswered: 1,
			Priced:     1,
			AnswerP50:  new(0.075), // in the middle of the bucket from 50 to 100 ms
			AnswerP95:  new(0.0975),
		},
		{At: time.Date(2026, 3, 1, 12, 0, 20, 0, time.UTC), Seconds: 10},
	}

	near := cmp.Comparer(func(a, b float64) bool { return a-b < 1e-9 && b-a < 1e-9 })
	if diff := cmp.Diff(want, r.Points(), near); diff != "" {
		t.Errorf("points (-want +got):\n%s", diff)
	}
}

// TestEachMetricExists notices when a metric is renamed: its figure would be 0 for ever.
func TestEachMetricExists(t *testing.T) {
	clock := clockwork.NewFakeClock()

	families, err := metrics.New(clock).Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}

	s := newSample(clock.Now(), families)
	for _, name := range []string{metricReceived, metricSent, metricStatuses, metricFailed} {
		if _, ok := s.values[name]; !ok {
			t.Errorf("there is no metric %s", name)
		}
	}

	for _, name := range []string{metricAck, metricProcessing, metricAI} {
		if _, ok := s.histograms[name]; !ok {
			t.Errorf("there is no histogram %s", name)
		}
	}
}

func TestAnHourIsKept(t *testing.T) {
	clock := clockwork.NewFakeClock()
	r := newRecorder(metrics.New(clock), clock)

	for range MaxPoints + 10 {
		r.record()
		clock.Advance(Interval)
	}

	points := r.Points()
	if len(points) != MaxPoints {
		t.Fatalf("%d points, want %d", len(points), MaxPoints)
	}

	if span := points[MaxPoints-1].At.Sub(points[0].At); span != time.Hour-Interval {
		t.Errorf("the points span %s, want %s", span, time.Hour-Interval)
	}
}

func TestRunRecordsAtEachInterval(t *testing.T) {
	clock := clockwork.NewFakeClock()
	r := newRecorder(metrics.New(clock), clock)

	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})

	go func() {
		defer close(ended)

		r.Run(ctx)
	}()

	for len(r.Points()) < 3 {
		if err := clock.BlockUntilContext(t.Context(), 1); err != nil {
			t.Fatal(err)
		}

		clock.Advance(Interval)
	}

	cancel()
	<-ended
}

var posInf = math.Inf(1)

// counting counts how often the metrics are read.
type counting struct {
	prometheus.Gatherer
	reads int
}

func (c *counting) Gather() ([]*dto.MetricFamily, error) {
	c.reads++

	return c.Gatherer.Gather()
}

// TestIdleReceiverReadsNoMetrics checks that a receiver without messages does not query its store for the charts.
func TestIdleReceiverReadsNoMetrics(t *testing.T) {
	clock := clockwork.NewFakeClock()
	m := metrics.New(clock)
	read := &counting{Gatherer: m.Registry}
	r := newRecorder(m, clock)
	r.metrics = read

	for range 120 { // twenty minutes
		r.record()
		clock.Advance(Interval)
	}

	if read.reads > 2 {
		t.Errorf("the metrics were read %d times in twenty idle minutes, want at most 2", read.reads)
	}

	before := read.reads

	m.MessageReceived("text", clock.Now())
	r.record()

	points := r.Points()
	if last := points[len(points)-1]; read.reads != before+1 || last.Received != 1 {
		t.Errorf("after a message the metrics were read %d times, and the point has %d messages", read.reads-before, last.Received)
	}
}

// TestActivityWithoutMessages checks that statuses and refused deliveries are in the point of their time also while no message comes.
// Else they would all be in that of the next message, as if they had come within its ten seconds.
func TestActivityWithoutMessages(t *testing.T) {
	clock := clockwork.NewFakeClock()
	m := metrics.New(clock)
	r := newRecorder(m, clock)

	pass := func() Point {
		r.record()
		clock.Advance(Interval)

		points := r.Points()
		if len(points) == 0 {
			return Point{}
		}

		return points[len(points)-1]
	}

	pass()
	pass()
	m.StatusReceived("read")

	if point := pass(); point.Statuses != 1 {
		t.Errorf("after a status the point is %+v", point)
	}

	m.Request(http.StatusUnauthorized)

	if point := pass(); point.Statuses != 0 || point.Unanswered != 1 {
		t.Errorf("after a refused delivery the point is %+v", point)
	}
}

func TestQuantile(t *testing.T) {
	inf := histogram{}.quantile(0.5)
	if inf != nil {
		t.Errorf("the quantile of nothing is %v", *inf)
	}

	for _, c := range []struct {
		name    string
		buckets histogram
		q, want float64
	}{
		{"all in the first", histogram{{1, 4}, {2, 4}, {posInf, 4}}, 0.5, 0.5},
		{"half in the second", histogram{{1, 2}, {2, 4}, {posInf, 4}}, 0.75, 1.5},
		{"beyond the last bound", histogram{{1, 0}, {2, 0}, {posInf, 4}}, 0.5, 2},
		{"an empty bucket before", histogram{{1, 0}, {2, 4}, {posInf, 4}}, 0.5, 1.5},
	} {
		if got := c.buckets.quantile(c.q); got == nil || *got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
