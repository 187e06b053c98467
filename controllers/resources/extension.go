// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// The optional kinds, which not every cluster serves.
var (
	// HTTPRouteKind is a kind of the Gateway API.
	HTTPRouteKind = schema.GroupVersionKind{
		Group:   gatewayv1.GroupName,
		Version: "v1",
		Kind:    "HTTPRoute",
	}
	// ServiceMonitorKind is a kind of the Prometheus Operator.
	ServiceMonitorKind = monitoringv1.SchemeGroupVersion.WithKind(monitoringv1.ServiceMonitorsKind)
	// PrometheusRuleKind is a kind of the Prometheus Operator.
	PrometheusRuleKind = monitoringv1.SchemeGroupVersion.WithKind(monitoringv1.PrometheusRuleKind)
	// ScaledObjectKind is a kind of KEDA.
	ScaledObjectKind = schema.GroupVersionKind{
		Group:   "keda.sh",
		Version: "v1alpha1",
		Kind:    "ScaledObject",
	}
)

// extension is the apply configuration of a kind that has no generated one. Its Spec omits unset fields.
type extension[Spec any] struct {
	metav1ac.TypeMetaApplyConfiguration    `json:",inline"`
	*metav1ac.ObjectMetaApplyConfiguration `json:"metadata"`

	Spec Spec `json:"spec"`
}

func newExtension[Spec any](p Params, kind schema.GroupVersionKind, labels map[string]string, spec Spec) *extension[Spec] {
	return &extension[Spec]{
		TypeMetaApplyConfiguration: *metav1ac.TypeMeta().
			WithKind(kind.Kind).
			WithAPIVersion(kind.GroupVersion().String()),
		ObjectMetaApplyConfiguration: metav1ac.ObjectMeta().
			WithName(p.name).
			WithNamespace(p.webhook.Namespace).
			WithLabels(p.labels(labels)).
			WithAnnotations(p.annotations()),
		Spec: spec,
	}
}

// IsApplyConfiguration implements runtime.ApplyConfiguration.
func (e *extension[Spec]) IsApplyConfiguration() {}
