// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
)

// backups collects the gauges of the scheduled backups of the embedded store.
type backups struct {
	state                  func() *health.Backup
	success, size, overdue *prometheus.Desc
}

// WatchBackup registers the gauges of the scheduled backups. They are absent while the state is nil.
func (m *Metrics) WatchBackup(state func() *health.Backup) {
	m.Registry.MustRegister(&backups{
		state: state,
		success: prometheus.NewDesc("whatsapp_backup_last_success_timestamp_seconds",
			"When the newest complete backup of the embedded store was begun; 0 if none is known.", nil, nil),
		size: prometheus.NewDesc("whatsapp_backup_last_size_bytes",
			"Size of the newest complete backup.", nil, nil),
		overdue: prometheus.NewDesc("whatsapp_backup_overdue_timestamp_seconds",
			"When the backup is overdue: an hour after the second time of the schedule since the newest one; after the start if none is known.", nil, nil),
	})
}

// Describe implements prometheus.Collector.
func (b *backups) Describe(descs chan<- *prometheus.Desc) {
	descs <- b.success

	descs <- b.size

	descs <- b.overdue
}

// Collect implements prometheus.Collector.
func (b *backups) Collect(metrics chan<- prometheus.Metric) {
	state := b.state()
	if state == nil {
		return
	}

	success := 0.0
	if state.LastSuccessAt != nil {
		success = float64(state.LastSuccessAt.Unix())
	}

	metrics <- prometheus.MustNewConstMetric(b.success, prometheus.GaugeValue, success)

	metrics <- prometheus.MustNewConstMetric(b.size, prometheus.GaugeValue, float64(state.LastSizeBytes))

	metrics <- prometheus.MustNewConstMetric(b.overdue, prometheus.GaugeValue, float64(state.OverdueAt.Unix()))
}
