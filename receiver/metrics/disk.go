// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// disk collects the gauges of the disk of the embedded store.
type disk struct {
	store          store.Disk
	free, reserved *prometheus.Desc
}

func newDisk(s store.Disk) *disk {
	return &disk{
		store: s,
		free: prometheus.NewDesc("whatsapp_store_disk_free_bytes",
			"Space of the embedded store's disk that new events and work may use.", nil, nil),
		reserved: prometheus.NewDesc("whatsapp_store_disk_reserved_bytes",
			"Reserve of the embedded store's disk: deliveries are refused while less space is free.", nil, nil),
	}
}

// Describe implements prometheus.Collector.
func (d *disk) Describe(descs chan<- *prometheus.Desc) {
	descs <- d.free

	descs <- d.reserved
}

// Collect implements prometheus.Collector.
func (d *disk) Collect(metrics chan<- prometheus.Metric) {
	space := d.store.Space()
	if space.Total == 0 {
		return // the system does not provide the figures
	}

	metrics <- prometheus.MustNewConstMetric(d.free, prometheus.GaugeValue, float64(space.Free))

	metrics <- prometheus.MustNewConstMetric(d.reserved, prometheus.GaugeValue, float64(space.Reserved))
}
