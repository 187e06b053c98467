// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"context"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// collectTimeout bounds the store query of one scrape.
const collectTimeout = 2 * time.Second

// inbox collects the gauges of the store at each scrape.
type inbox struct {
	stats func(context.Context, time.Time) (store.Stats, error)
	clock clockwork.Clock
	// received returns when this process received its newest message; zero before the first.
	received func() time.Time

	queue, statuses, notices, oldest, dead, oldestDead, quarantined, active, humans, last, damaged, damagedEvents *prometheus.Desc
}

// WatchStore registers the gauges of s. While the store is unavailable they are absent from the scrape, not zero.
func (m *Metrics) WatchStore(s store.Store, clock clockwork.Clock) {
	if d, ok := s.(store.Disk); ok {
		m.Registry.MustRegister(newDisk(d))
	}

	gauge := func(name, help string) *prometheus.Desc { return prometheus.NewDesc(name, help, nil, nil) }
	m.Registry.MustRegister(&inbox{
		stats:         s.Stats,
		clock:         clock,
		received:      func() time.Time { return m.Figures().LastMessage },
		queue:         gauge("whatsapp_message_queue_size", "Messages that are stored and not yet finished."),
		statuses:      gauge("whatsapp_status_queue_size", "Statuses that are stored and not yet processed."),
		notices:       gauge("whatsapp_notice_queue_size", "Notices that the sink has not yet accepted."),
		oldest:        gauge("whatsapp_oldest_pending_seconds", "Age of the oldest unfinished message; 0 if there is none."),
		dead:          gauge("whatsapp_dead_letters", "Dead letters: messages that failed permanently and wait for a replay or discard."),
		oldestDead:    gauge("whatsapp_oldest_dead_letter_seconds", "How long the oldest dead letter or quarantined event has been one; 0 if there is none."),
		quarantined:   gauge("whatsapp_quarantined_events", "Events of phone numbers that are not configured."),
		active:        gauge("whatsapp_active_conversations", "Conversations with a message from the person in the last 24 hours."),
		humans:        gauge("whatsapp_human_conversations", "Conversations that people have now, not the AI."),
		damaged:       gauge("whatsapp_damaged_lanes", "Lanes that are blocked because their events cannot be read from the store's file."),
		damagedEvents: gauge("whatsapp_damaged_events", "Finished events that cannot be purged because they cannot be read from the store's file."),
		last:          gauge("whatsapp_last_message_timestamp_seconds", "When the newest message arrived, in unix seconds."),
	})
}

// Describe implements prometheus.Collector.
func (i *inbox) Describe(descs chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{i.queue, i.statuses, i.notices, i.oldest, i.dead, i.oldestDead, i.quarantined, i.active, i.humans, i.last, i.damaged, i.damagedEvents} {
		descs <- d
	}
}

// Collect implements prometheus.Collector.
func (i *inbox) Collect(metrics chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), collectTimeout)
	defer cancel()

	now := i.clock.Now()

	stats, err := i.stats(ctx, now)
	if err != nil {
		return
	}

	for desc, value := range map[*prometheus.Desc]float64{
		i.queue:         float64(stats.Pending),
		i.statuses:      float64(stats.PendingStatuses),
		i.notices:       float64(stats.PendingNotices),
		i.oldest:        stats.OldestPendingAge(now).Seconds(),
		i.dead:          float64(stats.DeadLetters),
		i.oldestDead:    stats.OldestDeadLetterAge(now).Seconds(),
		i.quarantined:   float64(stats.Quarantined),
		i.active:        float64(stats.ActiveConversations),
		i.humans:        float64(stats.HumanConversations),
		i.damaged:       float64(stats.Damaged),
		i.damagedEvents: float64(stats.DamagedEvents),
	} {
		metrics <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value)
	}

	last := i.received()
	if stats.LastMessageAt.After(last) {
		last = stats.LastMessageAt
	}

	if !last.IsZero() {
		metrics <- prometheus.MustNewConstMetric(i.last, prometheus.GaugeValue, float64(last.UnixMilli())/1000)
	}
}
