// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package lasthour

import (
	"math"
	"slices"
	"time"

	dto "github.com/prometheus/client_model/go"
)

// The metrics of receiver/metrics that points are made of.
const (
	metricReceived   = "whatsapp_messages_received_total"
	metricSent       = "whatsapp_messages_sent_total"
	metricStatuses   = "whatsapp_statuses_total"
	metricFailed     = "whatsapp_messages_failed_total"
	metricRequests   = "whatsapp_webhook_requests_total"
	metricPriced     = "whatsapp_messages_priced_total"
	metricAck        = "whatsapp_webhook_ack_seconds"
	metricProcessing = "whatsapp_message_processing_seconds"
	metricAI         = "whatsapp_ai_response_seconds"
	metricPending    = "whatsapp_message_queue_size"
	metricDead       = "whatsapp_dead_letters"
	metricOldest     = "whatsapp_oldest_pending_seconds"
	metricPeople     = "whatsapp_human_conversations"
	metricWaiting    = "whatsapp_human_waiting_conversations"
)

// sample holds the metrics at one time, each as the sum over its labels.
type sample struct {
	at         time.Time
	activity   int64 // before the metrics were read
	values     map[string]float64
	unanswered float64
	billable   float64
	histograms map[string]histogram
}

func newSample(at time.Time, families []*dto.MetricFamily) sample {
	s := sample{
		at:         at,
		values:     map[string]float64{},
		histograms: map[string]histogram{},
	}

	for _, family := range families {
		switch name := family.GetName(); name {
		case metricRequests:
			s.unanswered = sum(family, func(labels map[string]string) bool { return labels["code"] != "200" })
		case metricPriced:
			s.billable = sum(family, func(labels map[string]string) bool { return labels["billable"] == "true" })
		case metricAck, metricProcessing, metricAI:
			s.histograms[name] = newHistogram(family)
		case metricReceived, metricSent, metricStatuses, metricFailed,
			metricPending, metricDead, metricOldest, metricPeople, metricWaiting:
			s.values[name] = sum(family, func(map[string]string) bool { return true })
		}
	}

	return s
}

// sum returns the sum of the counters or gauges of a family whose labels match.
func sum(family *dto.MetricFamily, matches func(labels map[string]string) bool) float64 {
	var total float64

	for _, metric := range family.GetMetric() {
		labels := map[string]string{}
		for _, pair := range metric.GetLabel() {
			labels[pair.GetName()] = pair.GetValue()
		}

		if matches(labels) {
			total += metric.GetCounter().GetValue() + metric.GetGauge().GetValue()
		}
	}

	return total
}

// since returns the point between an earlier sample and this one.
func (s sample) since(before sample) Point {
	count := func(name string) int64 { return int64(s.values[name] - before.values[name]) }
	state := func(name string) int64 { return int64(s.values[name]) }
	quantile := func(name string, q float64) *float64 {
		return s.histograms[name].minus(before.histograms[name]).quantile(q)
	}

	return Point{
		At:          s.at,
		Seconds:     s.at.Sub(before.at).Seconds(),
		Received:    count(metricReceived),
		Sent:        count(metricSent),
		Statuses:    count(metricStatuses),
		Failed:      count(metricFailed),
		Unanswered:  int64(s.unanswered - before.unanswered),
		Priced:      int64(s.billable - before.billable),
		AckP99:      quantile(metricAck, 0.99),
		AnswerP50:   quantile(metricProcessing, 0.5),
		AnswerP95:   quantile(metricProcessing, 0.95),
		AIP50:       quantile(metricAI, 0.5),
		AIP95:       quantile(metricAI, 0.95),
		Pending:     state(metricPending),
		DeadLetters: state(metricDead),
		OldestSecs:  s.values[metricOldest],
		WithPeople:  state(metricPeople),
		Waiting:     state(metricWaiting),
	}
}

// bucket counts the observations up to a bound.
type bucket struct {
	upTo  float64
	count float64
}

// histogram holds cumulative buckets, by ascending bounds. The last bound is infinite.
type histogram []bucket

// newHistogram returns the sum of the histograms of a family, which have the same bounds.
func newHistogram(family *dto.MetricFamily) histogram {
	var h histogram

	for _, metric := range family.GetMetric() {
		buckets := metric.GetHistogram().GetBucket()
		if h == nil {
			h = make(histogram, len(buckets)+1)
		}

		for i, b := range buckets {
			h[i].upTo = b.GetUpperBound()
			h[i].count += float64(b.GetCumulativeCount())
		}

		h[len(buckets)].upTo = math.Inf(1)
		h[len(buckets)].count += float64(metric.GetHistogram().GetSampleCount())
	}

	return h
}

// minus returns the observations since an earlier state.
func (h histogram) minus(before histogram) histogram {
	difference := slices.Clone(h)

	for i := range before {
		difference[i].count -= before[i].count
	}

	return difference
}

// quantile returns an estimate in seconds: within a bucket the observations count as evenly spread. Beyond the last finite
// bound it returns that bound. It returns nil without observations.
func (h histogram) quantile(q float64) *float64 {
	if len(h) == 0 || h[len(h)-1].count == 0 {
		return nil
	}

	rank := q * h[len(h)-1].count

	var below bucket

	for _, b := range h {
		switch {
		case b.count < rank:
			below = b
			continue
		case math.IsInf(b.upTo, 1):
			return new(below.upTo)
		}

		return new(below.upTo + (b.upTo-below.upTo)*(rank-below.count)/(b.count-below.count))
	}

	return nil
}
