// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// MonitoringSpec says who watches the receivers.
//
// +kubebuilder:validation:MinProperties=1
type MonitoringSpec struct {
	// serviceMonitor lets Prometheus scrape the receivers. It needs the Prometheus operator in the cluster.
	// +optional
	ServiceMonitor ServiceMonitorSpec `json:"serviceMonitor,omitzero"`

	// prometheusRule raises alerts: deliveries refused, errors above 5 percent, messages that wait, dead letters, a
	// token that expires, a store that fails. It needs the Prometheus operator in the cluster.
	// +optional
	PrometheusRule PrometheusRuleSpec `json:"prometheusRule,omitzero"`

	// grafanaDashboard is a ConfigMap that Grafana's sidecar picks up.
	// +optional
	GrafanaDashboard GrafanaDashboardSpec `json:"grafanaDashboard,omitzero"`

	// tracing sends OpenTelemetry traces: one from each delivery to its reply.
	// +optional
	Tracing TracingSpec `json:"tracing,omitzero"`
}

// ServiceMonitorSpec shapes the ServiceMonitor.
type ServiceMonitorSpec struct {
	// state switches it.
	// +required
	State State `json:"state,omitempty"`

	// labels that the Prometheus in the cluster selects ServiceMonitors by.
	// +optional
	// +kubebuilder:validation:MinProperties=0
	// +kubebuilder:validation:MaxProperties=64
	Labels map[string]string `json:"labels,omitempty"`

	// intervalSeconds between scrapes. Absent: what that Prometheus has as its default.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=3600
	IntervalSeconds int32 `json:"intervalSeconds,omitempty"`
}

// PrometheusRuleSpec shapes the PrometheusRule.
type PrometheusRuleSpec struct {
	// state switches it.
	// +required
	State State `json:"state,omitempty"`

	// labels that the Prometheus in the cluster selects rules by.
	// +optional
	// +kubebuilder:validation:MinProperties=0
	// +kubebuilder:validation:MaxProperties=64
	Labels map[string]string `json:"labels,omitempty"`

	// oldestPendingSeconds is how long a message may wait before an alert is raised. Absent: 300.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=86400
	OldestPendingSeconds int32 `json:"oldestPendingSeconds,omitempty"`
}

// GrafanaDashboardSpec shapes the ConfigMap with the dashboard.
type GrafanaDashboardSpec struct {
	// state switches it.
	// +required
	State State `json:"state,omitempty"`

	// labels that Grafana's sidecar selects ConfigMaps by. Absent: grafana_dashboard: "1".
	// +optional
	// +kubebuilder:validation:MinProperties=1
	// +kubebuilder:validation:MaxProperties=64
	Labels map[string]string `json:"labels,omitempty"`
}

// TracingSpec says where traces go.
type TracingSpec struct {
	// endpointURL of OTLP over HTTP, such as http://collector:4318.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^https?://[^/?#@[:space:]]+(/[^?#[:space:]]*)?$') && isURL(self)",message="must be an absolute http or https URL without credentials, query or fragment, such as http://collector:4318"
	EndpointURL string `json:"endpointURL,omitempty"`
}
