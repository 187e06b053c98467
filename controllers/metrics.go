// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"maps"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// The labels of a resource are not namespace and name: Prometheus sets namespace to that of the operator's pod.
const (
	labelResourceNamespace = "resource_namespace"
	labelResourceName      = "resource_name"
)

// result of an apply that succeeded. Others are the reasons of failures.
const resultApplied = "Applied"

var (
	conditionDesc = prometheus.NewDesc("whatsapp_operator_condition",
		"1 for the current status and reason of each condition of a WhatsAppWebhook.",
		[]string{labelResourceNamespace, labelResourceName, "type", "status", "reason"}, nil)
	upgradesDesc = prometheus.NewDesc("whatsapp_operator_upgrades",
		"Receivers that wait for an upgrade of the operator, that are being replaced, or that did not become ready after it.",
		[]string{"state"}, nil)
	missingRightsDesc = prometheus.NewDesc("whatsapp_operator_missing_rights",
		"1 for each resource that the operator may not list and watch, by namespace, or an empty one for the cluster. "+
			"Without a required one it cannot work there.",
		[]string{labelResourceNamespace, "resource", "required"}, nil)
)

// metrics are the operator's own metrics. Series of a resource exist as long as the resource.
type metrics struct {
	upgrades *upgrades
	access   *access

	applies   *prometheus.CounterVec
	durations *prometheus.HistogramVec

	mu         sync.Mutex
	conditions map[types.NamespacedName][]metav1.Condition
}

func newMetrics(upgrades *upgrades, access *access) *metrics {
	return &metrics{
		upgrades: upgrades,
		access:   access,
		applies: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "whatsapp_operator_applies_total",
			Help: "Objects that were compared with their rendering, and written if they differed, by kind and result.",
		}, []string{"kind", "result"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "whatsapp_operator_apply_duration_seconds",
			Help:    "Time to compare and write one object, by kind.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 8), // to 16 s
		}, []string{"kind"}),
		conditions: map[types.NamespacedName][]metav1.Condition{},
	}
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(descs chan<- *prometheus.Desc) {
	descs <- conditionDesc

	descs <- upgradesDesc

	descs <- missingRightsDesc

	m.applies.Describe(descs)
	m.durations.Describe(descs)
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(samples chan<- prometheus.Metric) {
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		samples <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}

	for resource, conditions := range m.snapshot() {
		for _, c := range conditions {
			gauge(conditionDesc, 1, resource.Namespace, resource.Name, c.Type, string(c.Status), c.Reason)
		}
	}

	waiting, running, failed := m.upgrades.count()
	gauge(upgradesDesc, float64(waiting), "waiting")
	gauge(upgradesDesc, float64(running), "running")
	gauge(upgradesDesc, float64(failed), "failed")

	for _, d := range m.access.all() {
		required := strconv.FormatBool(!optionalResources[d.resource])
		gauge(missingRightsDesc, 1, d.namespace, d.resource.String(), required)
	}

	m.applies.Collect(samples)
	m.durations.Collect(samples)
}

func (m *metrics) snapshot() map[types.NamespacedName][]metav1.Condition {
	m.mu.Lock()
	defer m.mu.Unlock()

	return maps.Clone(m.conditions)
}

// setConditions records the conditions of a resource, which nothing changes any more.
func (m *metrics) setConditions(resource types.NamespacedName, conditions []metav1.Condition) {
	m.mu.Lock()
	defer m.mu.Unlock()

	m.conditions[resource] = conditions
}

// forget drops the series of a resource.
func (m *metrics) forget(resource types.NamespacedName) {
	m.mu.Lock()
	defer m.mu.Unlock()

	delete(m.conditions, resource)
}

// observeApply records one apply. The reasons of failures are few.
func (m *metrics) observeApply(kind string, took time.Duration, result string) {
	m.applies.WithLabelValues(kind, result).Inc()
	m.durations.WithLabelValues(kind).Observe(took.Seconds())
}
