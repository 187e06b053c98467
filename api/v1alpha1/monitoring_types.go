// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// MonitoringSpec configures metrics, alerts, dashboards and traces.
type MonitoringSpec struct {
	// serviceMonitor lets Prometheus scrape the receivers. It requires the Prometheus operator in the cluster.
	// +optional
	ServiceMonitor ServiceMonitorSpec `json:"serviceMonitor,omitzero"`

	// prometheusRule defines alerts: refused deliveries, an unavailable AI, refused credentials, failed or waiting messages,
	// people who wait for a colleague, a failing store. docs/alerts.md describes each alert. It requires the Prometheus
	// operator in the cluster.
	// +optional
	PrometheusRule PrometheusRuleSpec `json:"prometheusRule,omitzero"`

	// grafanaDashboard creates a ConfigMap with a dashboard of this resource for Grafana's sidecar. The chart installs one
	// dashboard for all resources.
	// +optional
	GrafanaDashboard GrafanaDashboardSpec `json:"grafanaDashboard,omitzero"`

	// tracing exports OpenTelemetry traces: one trace from each delivery to its reply.
	// +optional
	Tracing TracingSpec `json:"tracing,omitzero"`
}

// ServiceMonitorSpec configures the ServiceMonitor.
type ServiceMonitorSpec struct {
	// state enables or disables the ServiceMonitor.
	// +required
	State State `json:"state,omitempty"`

	// labels are set on the ServiceMonitor, for the selector of the Prometheus in the cluster.
	// +optional
	// +kubebuilder:validation:MinProperties=0
	// +kubebuilder:validation:MaxProperties=64
	Labels map[string]string `json:"labels,omitempty"`

	// intervalSeconds is the time between scrapes. Defaults to the global interval of that Prometheus.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=3600
	IntervalSeconds int32 `json:"intervalSeconds,omitempty"`
}

// PrometheusRuleSpec configures the PrometheusRule.
type PrometheusRuleSpec struct {
	// state enables or disables the PrometheusRule.
	// +required
	State State `json:"state,omitempty"`

	// labels are set on the PrometheusRule, for the selector of the Prometheus in the cluster.
	// +optional
	// +kubebuilder:validation:MinProperties=0
	// +kubebuilder:validation:MaxProperties=64
	Labels map[string]string `json:"labels,omitempty"`

	// oldestPendingSeconds is the age of the oldest pending message above which an alert fires. Defaults to 300.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=86400
	OldestPendingSeconds int32 `json:"oldestPendingSeconds,omitempty"`

	// silenceAfterMinutes is the time without any message after which an alert fires. It must exceed the longest regular period
	// without messages, such as a night. Defaults to no alert.
	// +optional
	// +kubebuilder:validation:Minimum=5
	// +kubebuilder:validation:Maximum=43200
	SilenceAfterMinutes int32 `json:"silenceAfterMinutes,omitempty"`
}

// GrafanaDashboardSpec configures the ConfigMap with the dashboard.
type GrafanaDashboardSpec struct {
	// state enables or disables the dashboard.
	// +required
	State State `json:"state,omitempty"`

	// labels are set on the ConfigMap, for the selector of Grafana's sidecar. Defaults to grafana_dashboard: "1".
	// +optional
	// +kubebuilder:validation:MinProperties=0
	// +kubebuilder:validation:MaxProperties=64
	Labels map[string]string `json:"labels,omitempty"`
}

// TracingSpec configures the export of traces.
type TracingSpec struct {
	// endpointURL is the URL of an OTLP endpoint over HTTP, such as http://collector:4318.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^https?://[^/?#@[:space:]]+(/[^?#[:space:]]*)?$') && isURL(self)",message="must be an absolute http or https URL without credentials, query or fragment, such as http://collector:4318"
	EndpointURL string `json:"endpointURL,omitempty"`

	// caSecretRef refers to CA certificates, as PEM, that calls to the endpoint trust in addition to those of the
	// system. A changed certificate takes effect without a restart. If not set, only those of the system are trusted.
	// +optional
	CASecretRef SecretKeyReference `json:"caSecretRef,omitzero"`

	// linkTemplate is the URL of the page of a trace, with {traceID} in place of its id, such as
	// https://tempo.example.com/trace/{traceID}. The console links to it from an event. If not set, the console shows only the
	// id.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^https?://[^/?#@{}[:space:]]+([/?#][^[:space:]]*)?$') && self.split('{traceID}').size() == 2 && isURL(self)",message="must be an absolute http or https URL without credentials, with {traceID} once after the host, such as https://tempo.example.com/trace/{traceID}"
	LinkTemplate string `json:"linkTemplate,omitempty"`
}
